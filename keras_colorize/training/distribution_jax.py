"""Training on several devices with JAX, through Keras's data parallel distribution."""

from collections.abc import Iterator
from contextlib import contextmanager

import jax
import keras
import numpy as np
from jax.experimental import multihost_utils
from numpy.typing import NDArray

from keras_colorize.training.distribution import DeviceError, Devices


class ParallelDevices(Devices):
    """All devices of JAX, in one process or in several. Keras divides the batches over them."""

    def __init__(self) -> None:
        self.replicas = jax.device_count()
        self.process = jax.process_index()
        self.processes = jax.process_count()

    def total(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Sums over the processes."""
        if self.processes == 1:
            return values
        gathered: NDArray[np.float32] = multihost_utils.process_allgather(values)
        return gathered.sum(0)


@contextmanager
def open_devices(strategy: str) -> Iterator[Devices]:
    """Opens the devices to train on.

    With `multiworker`, it must be called before JAX is used.

    Args:
        strategy: `auto` means all accelerators of this machine, or a single device if there are
            fewer than two. `mirrored` means all devices of this machine. `multiworker` means the
            devices of all processes, which the variables `KERAS_DISTRIBUTION_...` or the
            environment of the cluster name.

    Raises:
        DeviceError: There are not enough devices, or the environment is wrong.
    """
    if strategy == "multiworker" and not jax.distributed.is_initialized():
        try:
            keras.distribution.initialize()
        except (ValueError, RuntimeError) as error:
            raise DeviceError(
                "--strategy multiworker cannot reach the other processes "
                f"({str(error).rstrip('.')}); docs/devices.md has an example."
            ) from error
    if strategy == "auto" and (jax.default_backend() == "cpu" or jax.device_count() < 2):
        yield Devices()
        return
    if jax.device_count() < 2:
        raise DeviceError(f"JAX sees one device here; --strategy {strategy} needs several.")
    with keras.distribution.DataParallel(auto_shard_dataset=False).scope():
        yield ParallelDevices()
