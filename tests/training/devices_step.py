"""No test: what each process of `test_devices` runs, with a strategy, a folder and cases.

A GAN makes three steps on several devices, and one like it the same steps on one device. What came
out is printed as JSON. The folder holds the networks.
"""

import json
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np

JAX = keras.backend.backend() == "jax"
if not JAX:
    import tensorflow as tf

    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)

from keras_colorize.training.backends import ColorizationGAN, open_devices  # noqa: E402
from keras_colorize.training.batch_statistics import reestimate_statistics  # noqa: E402
from keras_colorize.training.distribution import Devices  # noqa: E402

BATCH = 16


def batches(devices: Devices) -> Any:
    """Three batches of 16; of each, the share of this process."""
    random = np.random.default_rng(3)
    size = BATCH // devices.processes
    mine = slice(devices.process * size, (devices.process + 1) * size)
    lightness, ab = (
        random.uniform(-1, 1, (3, BATCH, 32, 32, channels)).astype(np.float32)[:, mine]
        for channels in (1, 2)
    )
    if JAX:
        return (pair for pair in zip(lightness, ab, strict=True))
    return devices.feed(tf.data.Dataset.from_tensor_slices((lightness, ab)))


def arrays(variables: Any) -> list[np.ndarray]:
    return [keras.ops.convert_to_numpy(variable) for variable in variables]


def difference(ours: Any, theirs: Any) -> float:
    pairs = zip(arrays(ours), arrays(theirs), strict=True)
    return max(float(np.abs(a - b).max()) for a, b in pairs)


class Watch(keras.callbacks.Callback):
    """Notes the logs of each step and the first move, which at a rate of 1 is a gradient."""

    def __init__(self) -> None:
        super().__init__()
        self.logs: list[dict[str, float]] = []
        self.gradients: list[np.ndarray] = []

    def weights(self) -> list[np.ndarray]:
        if JAX:
            self.model.jax_state_sync()
        networks = self.model.generator, self.model.discriminator
        return [array for network in networks for array in arrays(network.trainable_variables)]

    def on_train_begin(self, logs: Any = None) -> None:
        self.before = self.weights()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.logs.append({name: float(value) for name, value in logs.items()})
        weights = self.weights()
        if not self.gradients and int(self.model.iterations()) == 1:
            self.gradients = [a - b for a, b in zip(self.before, weights, strict=True)]


def train(devices: Devices, case: str) -> tuple[ColorizationGAN, Watch]:
    def sgd() -> Any:
        steps = 2 if case == "accumulated" else 1
        rate = keras.optimizers.schedules.PiecewiseConstantDecay([steps - 1], [1.0, 0.01])
        optimizer = keras.optimizers.SGD(
            rate, momentum=0.5, gradient_accumulation_steps=steps if steps > 1 else None
        )
        if case != "scaled":
            return optimizer
        return keras.optimizers.LossScaleOptimizer(optimizer, initial_scale=8.0)

    with devices.scope():
        networks = [
            keras.saving.load_model(Path(sys.argv[2]) / f"{name}.keras", compile=False)
            for name in ("generator", "discriminator")
        ]
        for layer in (layer for network in networks for layer in network.layers):
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.trainable = case == "free"
        gan = ColorizationGAN(*networks, ema=0.9)
        gan.compile(sgd(), sgd(), l1_weight=3.0, label_smoothing=0.1, gradient_norms=True)
    watch = Watch()
    options = {"steps_per_epoch": 3, "shuffle": False, "verbose": 0}
    gan.fit(batches(devices), callbacks=[watch], **options)
    return gan, watch


def main(strategy: str, folder: str, *cases: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    trained = {}
    with open_devices(strategy) as devices:
        found["devices"] = [devices.replicas, devices.process, devices.processes]
        for case in cases:
            gan, watch = train(devices, case)
            means = gan.running_means()
            path = f"{folder}/{strategy}-{case}-{devices.process}.weights.h5"
            gan.save_weights(path)
            saved = arrays(gan.generator.variables)
            for variable in gan.generator.variables:
                variable.assign(variable + 1.0)
            gan.set_running_means({name: [0.0, 0.0] for name in means})
            gan.load_weights(path)
            gan.set_running_means(means)
            found[case] = {
                "logs": watch.logs,
                "means": means,
                "means read back": gan.running_means(),
                "weights read back": difference(saved, gan.generator.variables),
            }
            trained[case] = watch, path, saved
        seen = np.linspace(-1, 1, 2 * 64 * 64, dtype=np.float32).reshape(2, 64, 64, 1)
        reestimate_statistics(gan.best_generator, [seen, seen**3])
        predicted = gan.best_generator.predict_on_batch(seen[:1])
        found["of first"] = devices.of_first(bytes([7, 255, 0]) if devices.first else b"mine")[1]
        found["highest"] = devices.highest(devices.process, 3)
    for case, (watch, path, saved) in trained.items():
        alone, other = train(Devices(), case)
        found[case] |= {
            "logs of one": other.logs,
            "means of one": alone.running_means(),
            "strongest": max(float(np.abs(gradient).max()) for gradient in other.gradients),
            "gradients": difference(watch.gradients, other.gradients),
        }
        alone.load_weights(path)
        found[case]["weights read on one"] = difference(saved, alone.generator.variables)
    reestimate_statistics(alone.best_generator, [seen, seen**3])
    found["predicted"] = difference([predicted], [alone.best_generator.predict_on_batch(seen[:1])])
    return found


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
