from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest


@pytest.fixture(scope="session")
def decode() -> Callable[[Path, int], np.ndarray]:
    """Decodes a file as training does, in a graph, for crops of some side."""

    def decode(file: Path, side: int) -> np.ndarray:
        import tensorflow as tf

        from keras_colorize.data import tfdata

        def load(path: Any) -> Any:
            return tfdata._decode(tf.io.read_file(path), side)

        return next(iter(tf.data.Dataset.from_tensors(str(file)).map(load))).numpy()

    return decode
