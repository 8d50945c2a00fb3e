"""The step of `train`, as a worker of `train_step.py`; on TensorFlow or JAX by KERAS_BACKEND."""

import itertools
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from train_step_networks import NETWORKS
from turns import make_batch, obey, peak_memory, product_rate, timed

from keras_colorize.inference.quiet import import_quietly

keras = import_quietly("keras")

from keras_colorize.models.cost import multiply_adds  # noqa: E402
from keras_colorize.training.backends import device_peak  # noqa: E402
from keras_colorize.training.building import build_gan  # noqa: E402

BACKEND = keras.backend.backend()


def main() -> None:
    """Builds what the task says, and answers `train_step.py`."""
    task = json.loads(sys.argv[1])
    preset = NETWORKS[task["network"]]
    accumulation = task.get("accumulation", 1)
    batch = max(1, task["batch"] // accumulation)
    recipe = replace(
        preset.training,
        precision=task.get("precision", "float32"),
        batch_size=batch,
        accumulation=accumulation,
    )
    gan = build_gan(
        replace(preset, training=recipe), 1000, rematerialize=task.get("rematerialize", False)
    )
    steps = task["steps"] * accumulation
    if task.get("execution"):
        gan.steps_per_execution = task["steps"]
    if task.get("xla"):
        gan.jit_compile = True
    pair = make_batch(batch, task["size"])
    networks = gan.generator, gan.discriminator
    if task["writes_start"]:
        write_start(gan, pair, task["start"])
    with np.load(task["start"]) as start:
        for network in networks:
            network.set_weights([start[f"{network.name}/{v.path}"] for v in network.variables])

    def fit() -> dict[str, float]:
        batches = forever(pair)
        history = gan.fit(batches, steps_per_epoch=steps, epochs=1, verbose=0, shuffle=False)
        return {name: values[0] for name, values in history.history.items()}

    def prepare() -> dict[str, Any]:
        facts = {
            "losses": fit() if accumulation == 1 else None,
            "parameters": sum(network.count_params() for network in networks),
            "gflop_per_image": gflop_per_image(gan, task["size"]),
        }
        if BACKEND == "jax":
            facts["temporaries_gib"] = temporaries(gan, pair)
        fit()
        return facts

    product, accelerator = make_product(recipe.precision)
    obey(
        {
            "prepare": prepare,
            "run": lambda: {
                **timed(fit),
                "images": steps * batch,
                "product_gflops": product_rate(product, accelerator=accelerator),
                "product_dtype": recipe.precision if accelerator else "float32",
            },
            "end": lambda: {"memory_gib": peak_memory(), "device_gib": device_peak() / 2**30},
        }
    )


def write_start(gan: Any, pair: Any, path: str) -> None:
    """Writes both networks' weights, and what they say by them, for the others to compare."""
    lightness, ab = pair
    arrays = {
        f"{network.name}/{v.path}": v.numpy()
        for network in (gan.generator, gan.discriminator)
        for v in network.variables
    }
    small = gan.to_chroma_resolution(lightness), gan.to_chroma_resolution(ab)
    arrays["ab"] = gan.generator(lightness, training=False)
    arrays["logits"] = gan.discriminator(small, training=False)
    np.savez(path, **arrays)


def forever(pair: Any) -> Any:
    """Returns an endless stream of one batch."""
    if BACKEND == "jax":
        return (pair for _ in itertools.count())  # Keras takes generators, not all iterators
    import tensorflow as tf

    return tf.data.Dataset.from_tensors(pair).repeat()


def gflop_per_image(gan: Any, size: int) -> float:
    """Floating-point operations of a step, by the convolutions' shapes, in 10^9.

    A multiplication with its addition counts 2; a gradient twice its forward pass, half of that
    where only the input's is asked for. So a step is 3 passes of the generator, and 8 of the
    discriminator: 3 for real ab, 3 for generated ab, 2 to judge it.
    """
    small = size // gan.chroma_stride
    generator = multiply_adds(gan.generator, (size, size, 1))
    discriminator = multiply_adds(gan.discriminator, (small, small, 1), (small, small, 2))
    return 2e-9 * (3 * generator + 8 * discriminator)


def temporaries(gan: Any, pair: Any) -> float:
    """What XLA sets aside for a step beside its arguments, in GiB."""
    import jax

    state = gan._get_jax_state(
        trainable_variables=True,
        non_trainable_variables=True,
        optimizer_variables=True,
        metrics_variables=True,
    )
    compiled = jax.jit(gan.train_step, donate_argnums=0).lower(state, (*pair, None)).compile()
    return float(compiled.memory_analysis().temp_size_in_bytes / 2**30)


def make_product(dtype: str) -> tuple[Callable[[int], Any], bool]:
    """Returns the product of two matrices, in `dtype` on an accelerator, and if it is on one."""
    if BACKEND == "jax":
        import jax

        accelerator = jax.default_backend() != "cpu"
        multiply = jax.jit(jax.numpy.matmul)

        def product(n: int) -> Any:
            ones = jax.numpy.ones((n, n), dtype if accelerator else "float32")
            return multiply(ones, ones).block_until_ready()

        return product, accelerator
    import tensorflow as tf

    accelerator = bool(tf.config.list_physical_devices("GPU"))

    def product_(n: int) -> Any:
        ones = tf.ones((n, n), dtype if accelerator else "float32")
        return tf.linalg.matmul(ones, ones)[0, 0].numpy()

    return product_, accelerator


if __name__ == "__main__":
    main()
