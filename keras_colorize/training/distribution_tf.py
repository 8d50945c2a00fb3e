"""Training on several devices with TensorFlow, through its distribution strategies."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from keras_colorize.training.distribution import DeviceError, Devices


class StrategyDevices(Devices):
    """The devices of a distribution strategy, in one process or in several.

    Args:
        strategy: A `MirroredStrategy` or a `MultiWorkerMirroredStrategy`.
    """

    def __init__(self, strategy: Any) -> None:
        self.strategy = strategy
        places = strategy.experimental_local_results(self._places())
        here = [int(place) for place in places]
        self.here = len(here)
        self.replicas = strategy.num_replicas_in_sync
        self.process = here[0] // self.here
        self.processes = self.replicas // self.here

    def scope(self) -> Any:
        """Returns the scope of the strategy."""
        return self.strategy.scope()

    def feed(self, batches: tf.data.Dataset) -> Any:
        """Divides each batch of this process over its devices."""
        size = batches.element_spec[0].shape[0] // self.here
        parts = batches.rebatch(size, drop_remainder=True)
        return self.strategy.distribute_datasets_from_function(lambda context: parts)

    def total(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Sums over the processes."""
        if self.processes == 1:
            return values
        # Each device of a process contributes the same values.
        summed: NDArray[np.float32] = self._total(tf.constant(values)).numpy() / self.here
        return summed

    @tf.function
    def _places(self) -> Any:
        return self.strategy.run(
            lambda: tf.distribute.get_replica_context().replica_id_in_sync_group
        )

    @tf.function(reduce_retracing=True)
    def _total(self, values: tf.Tensor) -> tf.Tensor:
        def add(mine: tf.Tensor) -> tf.Tensor:
            context = tf.distribute.get_replica_context()
            here = tf.identity(mine)  # an argument is not on a device yet
            return context.all_reduce(tf.distribute.ReduceOp.SUM, here)

        summed = self.strategy.run(add, (values,))
        return self.strategy.experimental_local_results(summed)[0]


@contextmanager
def open_devices(strategy: str) -> Iterator[Devices]:
    """Opens the devices to train on.

    With `multiworker`, it must be called before TensorFlow is used.

    Args:
        strategy: `auto` means all accelerators of this machine, or a single device if there are
            fewer than two. `mirrored` means all devices of this machine. `multiworker` means the
            devices of all processes in `TF_CONFIG`.

    Raises:
        DeviceError: There are not enough devices, or `TF_CONFIG` is wrong.
    """
    if strategy == "multiworker":
        yield StrategyDevices(_workers())
        return
    accelerators = tf.config.list_logical_devices("GPU")
    if strategy == "auto" and len(accelerators) < 2:
        yield Devices()
        return
    devices = accelerators or tf.config.list_logical_devices("CPU")
    if len(devices) < 2:
        raise DeviceError("TensorFlow sees one device here; --strategy mirrored needs several.")
    reduction = None if accelerators else tf.distribute.ReductionToOneDevice()
    names = [device.name for device in devices]
    yield StrategyDevices(tf.distribute.MirroredStrategy(names, cross_device_ops=reduction))


def _workers() -> Any:
    try:
        cluster = tf.distribute.cluster_resolver.TFConfigClusterResolver().cluster_spec().as_dict()
        if sum(len(cluster.get(job, ())) for job in ("chief", "worker")) < 2:
            raise DeviceError(
                "--strategy multiworker needs TF_CONFIG to name two workers or more; "
                "docs/devices.md has an example."
            )
        return tf.distribute.MultiWorkerMirroredStrategy()
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        if isinstance(error, DeviceError):
            raise
        raise DeviceError(f"TF_CONFIG cannot be used: {str(error).rstrip('.')}.") from error
