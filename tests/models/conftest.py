from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest


@pytest.fixture(autouse=True)
def seed() -> None:
    """Keras draws its initial kernels alike in every run."""
    keras.utils.set_random_seed(3)


@pytest.fixture(scope="session")
def randomize() -> Callable[[Any], Any]:
    """Gives a model the weights and statistics that a training might have left."""

    def randomize(model: Any, seed: int = 0) -> Any:
        random = np.random.default_rng(seed)
        weights = []
        for variable, value in zip(model.weights, model.get_weights(), strict=True):
            if "variance" in variable.name or "gamma" in variable.name:
                value = random.uniform(0.8, 1.25, value.shape)
            elif value.ndim == 1:  # biases, beta, moving means
                value = random.normal(0.0, 0.1, value.shape)
            weights.append(value)
        model.set_weights(weights)
        return model

    return randomize


@pytest.fixture(scope="session")
def lightness_scaled() -> Callable[..., np.ndarray]:
    """Random scaled lightness (B, H, W, 1)."""
    random = np.random.default_rng(5)
    return lambda *shape: random.uniform(-1, 1, (*shape, 1)).astype(np.float32)
