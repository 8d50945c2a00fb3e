"""Not a test: what each process of `test_devices` runs. It prints what it found as JSON.

A GAN makes some steps on several devices, and one like it the same steps on one device.
"""

import json
import sys
from pathlib import Path
from typing import Any

strategy, folder = sys.argv[1], Path(sys.argv[2])

import keras  # noqa: E402
import numpy as np  # noqa: E402

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

    cpu = tf.config.list_physical_devices("CPU")[0]
    if strategy == "mirrored":
        one = tf.config.LogicalDeviceConfiguration()
        tf.config.set_logical_device_configuration(cpu, [one, one])

from keras_colorize.training.backends import ColorizationGAN, open_devices  # noqa: E402
from keras_colorize.training.distribution import Devices  # noqa: E402
from keras_colorize.training.statistics import reestimate_statistics  # noqa: E402

BATCH = 16


def batches(devices: Devices) -> Any:
    """Three batches of 16, of each the share of this process."""
    random = np.random.default_rng(3)
    size = BATCH // devices.processes
    mine = slice(devices.process * size, (devices.process + 1) * size)
    lightness = random.uniform(-1, 1, (3, BATCH, 32, 32, 1)).astype(np.float32)[:, mine]
    ab = random.uniform(-1, 1, (3, BATCH, 32, 32, 2)).astype(np.float32)[:, mine]
    if keras.backend.backend() == "jax":
        return (pair for pair in zip(lightness, ab, strict=True))
    return devices.feed(tf.data.Dataset.from_tensor_slices((lightness, ab)))


class Watch(keras.callbacks.Callback):
    """Notes the logs of each step, and the weights after the first, whose rate is 1."""

    def __init__(self) -> None:
        super().__init__()
        self.logs: list[dict[str, float]] = []
        self.gradients: list[np.ndarray] = []

    def on_train_begin(self, logs: Any = None) -> None:
        self.before = self.weights()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.logs.append({name: float(value) for name, value in logs.items()})
        if hasattr(self.model, "jax_state_sync"):
            self.model.jax_state_sync()
        if batch == 0:
            self.gradients = [a - b for a, b in zip(self.before, self.weights(), strict=True)]

    def weights(self) -> list[np.ndarray]:
        networks = self.model.generator, self.model.discriminator
        return [np.array(v) for network in networks for v in network.trainable_variables]


def train(devices: Devices, frozen: bool, scaled: bool) -> tuple[ColorizationGAN, Watch]:
    with devices.scope():
        networks = [
            keras.saving.load_model(folder / f"{name}.keras", compile=False)
            for name in ("generator", "discriminator")
        ]
        for layer in [layer for network in networks for layer in network.layers]:
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.trainable = not frozen
        gan = ColorizationGAN(*networks, ema=0.9)

        def sgd() -> Any:
            steps = keras.optimizers.schedules.PiecewiseConstantDecay([0], [1.0, 0.01])
            optimizer = keras.optimizers.SGD(steps, momentum=0.5)
            if not scaled:
                return optimizer
            return keras.optimizers.LossScaleOptimizer(optimizer, initial_scale=8.0)

        gan.compile(sgd(), sgd(), l1_weight=3.0, label_smoothing=0.1)
    watch = Watch()
    gan.fit(batches(devices), epochs=1, steps_per_epoch=3, shuffle=False, verbose=0, callbacks=[watch])
    return gan, watch


def difference(ours: Any, theirs: Any) -> float:
    return max(float(np.abs(np.array(a) - np.array(b)).max()) for a, b in zip(ours, theirs, strict=True))


found: dict[str, Any] = {}
kept = {}
with open_devices(strategy) as devices:
    found["devices"] = [devices.replicas, devices.process, devices.processes]
    for case in ("frozen", "scaled", "free"):
        gan, watch = kept[case] = train(devices, case != "free", case == "scaled")
        path = folder / f"{strategy}-{case}-{devices.process}.weights.h5"
        means = gan.running_means()
        gan.save_weights(path)
        saved = [np.array(v) for v in gan.variables]
        gan.load_weights(path)
        gan.set_running_means(means)
        found[case] = {
            "means": means,
            "read back": difference(saved, gan.variables),
            "means again": gan.running_means(),
        }
    seen = np.linspace(-1, 1, 2 * 64 * 64, dtype=np.float32).reshape(2, 64, 64, 1)
    reestimate_statistics(gan.best_generator, [seen, seen**3])
    found["predicted"] = np.array(gan.best_generator.predict_on_batch(seen[:1])).tolist()
    content = bytes(range(256)) * 3 if devices.first else b"mine"
    found["of first"] = devices.of_first(content) == bytes(range(256)) * 3
    found["highest"] = devices.highest(devices.process, 3)
for case, (gan, watch) in kept.items():
    other, alone = train(Devices(), case != "free", case == "scaled")
    found[case] |= {
        "ours": watch.logs,
        "theirs": alone.logs,
        "size": max(float(np.abs(g).max()) for g in alone.gradients),
        "gradients": difference(watch.gradients, alone.gradients),
        "average": difference(gan.ema_generator.weights, other.ema_generator.weights)
        if case == "frozen"
        else 0.0,
        "their means": other.running_means(),
    }
print(json.dumps(found))
