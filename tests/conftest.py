"""Set before any test imports a framework: TensorFlow reads these when it is loaded."""

import os
from pathlib import Path

import pytest

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


@pytest.fixture(scope="session")
def repository() -> Path:
    return Path(__file__).parents[1]
