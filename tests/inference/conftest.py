from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from keras_colorize.inference.weights import resolve_weights


class FakeRuntime:
    """A network without weights: ab of a pixel follows from its lightness alone."""

    name = "fake"
    size_multiple = 32

    def __init__(self, sizes: Any = ((256, 256), (256, 384), (384, 256)), stride: int = 2) -> None:
        self.sizes = sizes
        self.chroma_stride = stride
        self.seen: list[np.ndarray] = []

    def predict(self, lightness: np.ndarray) -> np.ndarray:
        self.seen.append(lightness.copy())
        height, width = (side // self.chroma_stride for side in lightness.shape)
        low = cv2.resize(lightness, (width, height), interpolation=cv2.INTER_AREA)
        return np.stack([low / 10 - 3, 4 - low / 8], axis=-1)


@pytest.fixture(scope="session")
def fake_runtime() -> Callable[..., FakeRuntime]:
    return FakeRuntime


@pytest.fixture(scope="session")
def packaged() -> Path:
    return resolve_weights(None)


@pytest.fixture(scope="session")
def tiny_generator() -> Any:
    import keras

    from keras_colorize.config import PRESETS
    from keras_colorize.models.generator import build_generator

    keras.utils.set_random_seed(0)
    return build_generator(PRESETS["tiny"].generator)


@pytest.fixture
def scene() -> np.ndarray:
    """Grey pixels (120, 180) uint8 with soft and hard edges."""
    y, x = np.mgrid[:120, :180]
    gray = 110 + 60 * np.sin(x / 23) + 40 * np.cos(y / 17)
    gray[30:70, 40:90] += 40
    return np.clip(gray, 0, 255).astype(np.uint8)
