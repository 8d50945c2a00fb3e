"""A pretrained encoder on JAX, in a process that cannot import TensorFlow, against TensorFlow."""

import json
import os
import subprocess
import sys
from dataclasses import replace

import keras
import numpy as np
import pytest

from keras_colorize.config import PRESETS, GeneratorConfig
from keras_colorize.models import efficientnet_lite
from keras_colorize.models.efficientnet_lite import is_in_encoder
from keras_colorize.training.building import build_gan

SMALL = (0.25, 0.34)  # the encoder's width and depth: XLA has less to compile
SCRIPT = f"""
import os, sys
sys.modules["tensorflow"] = None
import json
from pathlib import Path
import keras, numpy as np
from keras_colorize import ColorizationGAN
from keras_colorize.models import efficientnet_lite

efficientnet_lite._SCALING["efficientnet_lite0"] = {SMALL}
folder = Path(sys.argv[1])
pair = [np.load(folder / "batch.npz")[name] for name in ("lightness", "ab")]
gan = keras.saving.load_model(folder / "gan.keras")
assert type(gan) is ColorizationGAN
gan.adversarial = False
logs = []
for frozen in (True, False):
    gan.frozen_encoder = frozen
    gan.make_train_function(force=True)
    logs.append(gan.train_on_batch(*pair, return_dict=True))
gan.save_weights(folder / "after.weights.h5")
print(json.dumps(logs, default=float))
"""


def weights(gan):
    """Values by path, of the generator and of its average."""
    networks = {"generator": gan.generator, "average": gan.ema_generator}
    return {
        f"{name}/{v.path}": v.numpy().copy()
        for name, network in networks.items()
        for v in network.weights
    }


@pytest.fixture(
    scope="module", params=[False, pytest.param(True, marks=pytest.mark.slow, id="rematerialize")]
)
def compared(request, batch, tmp_path_factory):
    """A step while the encoder rests, and one when it does not, on both backends."""
    folder = tmp_path_factory.mktemp("jax")
    pair = [x[:2] for x in batch]
    np.savez(folder / "batch.npz", lightness=pair[0], ab=pair[1])
    tiny = PRESETS["tiny"]
    recipe = replace(tiny.training, encoder_weights="imagenet", frozen_encoder_epochs=1, ema=0.9)
    network = GeneratorConfig((2, 3, 4, 4, 4), 2, "unet", "efficientnet_lite0", 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(efficientnet_lite._SCALING, "efficientnet_lite0", SMALL)
        keras.utils.set_random_seed(5)
        preset = replace(tiny, generator=network, training=recipe)
        gan = build_gan(preset, 1, rematerialize=request.param)
    gan.save(folder / "gan.keras")
    before = weights(gan)
    gan.adversarial = False
    logs = []
    for frozen in (True, False):
        gan.frozen_encoder = frozen
        gan.reset_metrics()
        logs.append({k: float(v) for k, v in gan.train_step(pair).items()})
    ours = weights(gan)
    environment = {
        **os.environ,
        "KERAS_BACKEND": "jax",
        "JAX_PLATFORMS": "cpu",
        "XLA_FLAGS": "--xla_backend_optimization_level=0",  # compiling is what takes the time
    }
    result = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(folder)], capture_output=True, text=True, env=environment
    )
    assert result.returncode == 0, result.stderr
    gan.load_weights(folder / "after.weights.h5")
    return before, (logs, ours), (json.loads(result.stdout.splitlines()[-1]), weights(gan))


def test_losses_and_gradient_norms_equal_tensorflows(compared):
    _, (ours, _), (theirs, _) = compared
    for one, other in zip(ours, theirs, strict=True):
        assert one.keys() == other.keys() and "gradient_norm_4" in one
        assert other == pytest.approx(one, rel=2e-3, abs=1e-4)
    assert ours[0]["l1_loss"] != ours[1]["l1_loss"]


def test_weights_equal_tensorflows(compared):
    before, (_, ours), (_, theirs) = compared
    for name, value in ours.items():
        # A step of Adam is as long as the rate wherever there is a gradient; where that is all
        # rounding, the backends need not agree on its sign.
        if not name.endswith("_project/bias"):  # batch norm takes most of it away
            assert np.median(np.abs(theirs[name] - value)) < 1e-5, name
        np.testing.assert_allclose(theirs[name], value, atol=4e-3, err_msg=name)
    for found in (ours, theirs):
        moved = {name for name, value in found.items() if not np.array_equal(value, before[name])}
        assert len([name for name in moved if is_in_encoder(name)]) >= 40
        assert not [name for name in moved if "_depthwise/" in name]
