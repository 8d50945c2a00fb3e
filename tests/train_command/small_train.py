"""No test: `keras-colorize train` with the network of `quick`, which is quick to compile.

With `STOP_AT` = K it asks itself to end, by SIGTERM, in step K of the first adversarial epoch.
"""

import os
import signal
from dataclasses import replace
from typing import Any

from keras_colorize import config
from keras_colorize.cli.main import main

small = config.GeneratorConfig((2, 2, 2, 2, 2), 2, "unet")
config.PRESETS["tiny"] = replace(config.PRESETS["tiny"], generator=small)

if "STOP_AT" in os.environ:
    from keras_colorize.training.callbacks import DivergenceGuard

    usual = DivergenceGuard.on_train_batch_end

    def stop(self: Any, batch: int, logs: Any = None) -> None:
        usual(self, batch, logs)
        if self.model.adversarial and batch + 1 == int(os.environ["STOP_AT"]):
            signal.raise_signal(signal.SIGTERM)

    DivergenceGuard.on_train_batch_end = stop

main()
