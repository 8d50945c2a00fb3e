"""The GAN and the input pipeline of the Keras backend in use: TensorFlow or JAX."""

import keras

from keras_colorize.training.gan_base import BackendError

if keras.backend.backend() == "jax":
    from keras_colorize.data.arrays import training_batches
    from keras_colorize.training.gan_jax import ColorizationGAN
elif keras.backend.backend() == "tensorflow":
    from keras_colorize.data.tfdata import training_batches
    from keras_colorize.training.gan import ColorizationGAN
else:
    raise BackendError(
        f"Training needs KERAS_BACKEND=tensorflow or jax, not {keras.backend.backend()}."
    )

__all__ = ["ColorizationGAN", "training_batches"]
