"""The parts of training that depend on the Keras backend: the GAN, its input and its devices."""

import sys
from collections.abc import Callable
from typing import Any

import keras

from keras_colorize.data.folders import Scan
from keras_colorize.data.shards import ShardFolder
from keras_colorize.training.gan_base import BackendError

TrainingSet = Scan | ShardFolder

if keras.backend.backend() == "jax":
    import jax

    from keras_colorize.data.arrays import shard_batches, training_batches
    from keras_colorize.training.distribution_jax import open_devices
    from keras_colorize.training.gan_jax import ColorizationGAN

    compiled = jax.jit
    LAB_CONVERSION = "JAX operations"

    def device_peak() -> int:
        """Peak memory of the accelerator in bytes, or 0 if there is none."""
        stats: dict[str, Any] = jax.local_devices()[0].memory_stats() or {}
        return int(stats.get("peak_bytes_in_use", 0))

elif keras.backend.backend() == "tensorflow":
    import tensorflow as tf

    from keras_colorize.data.tf_lab import CONVERSION as LAB_CONVERSION
    from keras_colorize.data.tfdata import shard_batches, training_batches
    from keras_colorize.training.distribution_tf import open_devices
    from keras_colorize.training.gan_tensorflow import ColorizationGAN

    def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
        """Returns the function unchanged, because TensorFlow need not compile it."""
        return function

    def device_peak() -> int:
        """Peak memory of the accelerator in bytes, or 0 if there is none."""
        if not tf.config.list_physical_devices("GPU"):
            return 0
        return int(tf.config.experimental.get_memory_info("GPU:0")["peak"])

else:
    raise BackendError(
        f"Training needs KERAS_BACKEND=tensorflow or jax, not {keras.backend.backend()}."
    )

__all__ = [
    "LAB_CONVERSION",
    "ColorizationGAN",
    "TrainingSet",
    "batches_of",
    "compiled",
    "device_peak",
    "open_devices",
    "peak_memory",
]


def batches_of(photographs: TrainingSet, **options: Any) -> Any:
    """Makes batches of crops from photographs.

    Args:
        photographs: A scanned folder, or shards.
        **options: Options of `training_batches`: `size`, `batch_size`, `steps`, `first_step`,
            `crop`, `aging`, `seed`, `share`.

    Returns:
        The input of `fit` on the backend: pairs of `lightness_scaled` (B, size, size, 1) and
        `ab_scaled` (B, size, size, 2).
    """
    if isinstance(photographs, Scan):
        turns = photographs.orientations
        return training_batches(photographs.files, orientations=turns, **options)
    return shard_batches(photographs, **options)


def peak_memory() -> str:
    """Describes the peak memory of the process and of its accelerator, if there is one."""
    parts = []
    if sys.platform != "win32":
        import resource

        unit = 1 if sys.platform == "darwin" else 1024
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
        parts.append(f"{peak / 2**30:.1f} GiB of memory")
    if on_device := device_peak():
        parts.append(f"{on_device / 2**30:.1f} GiB on the accelerator")
    return ", ".join(parts) or "memory unknown"
