"""Set before any test imports a framework: TensorFlow reads these when it is loaded."""

import os
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")


@pytest.fixture(scope="session")
def repository() -> Path:
    return Path(__file__).parents[1]


@pytest.fixture(scope="session")
def make_picture() -> Callable[..., Image.Image]:
    """Makes a soft, colourful picture, the same for the same seed."""

    def make(seed: int, width: int = 90, height: int = 72) -> Image.Image:
        random = np.random.default_rng(seed)
        small = random.integers(0, 256, (5, 6, 3), np.uint8)
        return Image.fromarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC))

    return make


@pytest.fixture(scope="session")
def photographs(
    tmp_path_factory: pytest.TempPathFactory, make_picture: Callable[..., Image.Image]
) -> Path:
    """A folder of 24 colour JPEGs in two subfolders."""
    folder = tmp_path_factory.mktemp("photographs")
    for k in range(24):
        path = folder / "ab"[k % 2] / f"{k:02d}.jpg"
        path.parent.mkdir(exist_ok=True)
        make_picture(k).save(path, quality=90)
    return folder
