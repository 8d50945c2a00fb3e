from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from keras_colorize.config import DiscriminatorConfig, GeneratorConfig


@pytest.fixture
def make_gan() -> Callable[..., Any]:
    """Builds a small GAN, the same for the same arguments; `compile` is the caller's."""
    import keras

    from keras_colorize.models.discriminator import build_discriminator
    from keras_colorize.models.generator import build_generator
    from keras_colorize.training.gan import ColorizationGAN

    def make(stride: int = 2, ema: float = 0.0) -> ColorizationGAN:
        keras.utils.set_random_seed(7)
        return ColorizationGAN(
            build_generator(GeneratorConfig((4, 4, 4, 4, 4), stride)),
            build_discriminator(DiscriminatorConfig((4, 8), (2, 1))),
            ema=ema,
        )

    return make


@pytest.fixture
def batch() -> tuple[np.ndarray, np.ndarray]:
    """Scaled L (4, 64, 64, 1) and ab (4, 64, 64, 2), with something to learn in them."""
    random = np.random.default_rng(3)
    coarse = random.uniform(-1, 1, (4, 8, 8, 1))
    lightness = np.kron(coarse, np.ones((1, 8, 8, 1))) + random.normal(0, 0.02, (4, 64, 64, 1))
    ab = np.concatenate([0.5 * lightness, -0.3 * lightness + 0.2], axis=-1)
    return lightness.astype(np.float32), ab.astype(np.float32)
