from collections.abc import Callable
from typing import Any

import numpy as np
import pytest


@pytest.fixture(scope="session")
def make_gan() -> Callable[..., Any]:
    """Builds a GAN, the same for the same arguments; `compile` is the caller's.

    Its generator is no more than two convolutions with batch norm, unless one is given: the
    steps are the same, and a graph of the real one takes ten seconds to trace.
    """
    import keras

    from keras_colorize.config import DiscriminatorConfig
    from keras_colorize.models.discriminator import build_discriminator
    from keras_colorize.training.gan_tensorflow import ColorizationGAN

    def small_generator(stride: int) -> Any:
        lightness = keras.Input((None, None, 1), name="lightness_scaled")
        x = lightness
        for k, s in enumerate((stride, 1)):
            # Without a bias, as in the real one: before batch norm its gradient is rounding alone.
            x = keras.layers.Conv2D(
                4, 3, strides=s, padding="same", use_bias=False, name=f"encoder_{k}_conv"
            )(x)
            x = keras.layers.BatchNormalization(name=f"encoder_{k}_bn")(x)
            x = keras.layers.ReLU(name=f"encoder_{k}_relu")(x)
        ab = keras.layers.Conv2D(2, 1, activation="tanh", name="ab_scaled")(x)
        return keras.Model(lightness, ab, name="generator")

    def make(
        stride: int = 2, ema: float = 0.0, generator: Callable[[], Any] | None = None
    ) -> ColorizationGAN:
        keras.utils.set_random_seed(7)
        return ColorizationGAN(
            generator() if generator else small_generator(stride),
            build_discriminator(DiscriminatorConfig((4, 8), (2, 1))),
            ema=ema,
        )

    return make


@pytest.fixture(scope="session")
def batch() -> tuple[np.ndarray, np.ndarray]:
    """Scaled L (4, 64, 64, 1) and ab (4, 64, 64, 2), with something to learn in them."""
    random = np.random.default_rng(3)
    coarse = random.uniform(-1, 1, (4, 8, 8, 1))
    lightness = np.kron(coarse, np.ones((1, 8, 8, 1))) + random.normal(0, 0.02, (4, 64, 64, 1))
    ab = np.concatenate([0.5 * lightness, -0.3 * lightness + 0.2], axis=-1)
    return lightness.astype(np.float32), ab.astype(np.float32)
