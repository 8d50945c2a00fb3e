"""JAX, in a process that cannot import TensorFlow, against TensorFlow in this one."""

import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_colorize.training.batch_statistics import reestimate_statistics

WITHOUT_TENSORFLOW = """
import os, sys
os.environ["KERAS_BACKEND"] = "jax"
sys.modules["tensorflow"] = None
"""
STEPS = (
    WITHOUT_TENSORFLOW
    + """
import json, warnings
from pathlib import Path
import jax, keras, numpy as np
from keras_colorize import ColorizationGAN
from keras_colorize.training.batch_statistics import reestimate_statistics

folder = Path(sys.argv[1])
batch = np.load(folder / "batch.npz")
pair = batch["lightness"], batch["ab"]
facts = {}
for name in json.loads((folder / "cases.json").read_text()):
    networks = [
        keras.saving.load_model(folder / name / f"{part}.keras", compile=False)
        for part in ("generator", "discriminator")
    ]
    batches = 2 if name == "less memory" else None
    scaled = name in ("float16", "less memory")
    def adam():
        optimizer = keras.optimizers.Adam(1e-2, 0.5, gradient_accumulation_steps=batches)
        return keras.optimizers.LossScaleOptimizer(optimizer) if scaled else optimizer
    gan = ColorizationGAN(*networks, ema=0.9)
    options = {"rematerialize": name == "less memory", "frozen_statistics": name == "warm up"}
    gan.compile(adam(), adam(), l1_weight=30.0, label_smoothing=0.1, **options)
    gan.adversarial = name != "warm up"
    gan.load_weights(folder / name / "before.weights.h5")
    old = gan.generator.trainable_variables[0].value
    logs = [gan.train_on_batch(*pair, return_dict=True) for _ in range(3)]
    facts[name] = {"logs": logs}
    facts[name]["test"] = gan.test_on_batch(*pair, return_dict=True)
    gan.save_weights(folder / name / "after.weights.h5")

    def forever():
        while True:
            yield pair
    history = gan.fit(forever(), steps_per_epoch=2, epochs=2, verbose=0, shuffle=False).history
    facts[name]["fit"] = history
    facts[name]["platform"] = jax.default_backend()
    lowered = jax.jit(gan.train_step, donate_argnums=0).lower(
        gan._get_jax_state(True, True, True, True), (*pair, None)
    )
    facts[name]["donated"] = lowered.as_text().count("tf.aliasing_output")
    facts[name]["values"] = sum(len(variables) for variables in gan._lists())
    if name == "adversarial":
        gan.load_weights(folder / name / "after.weights.h5")
        reestimate_statistics(gan.best_generator, [pair[0], pair[0][:1] ** 3])
        gan.best_generator.save_weights(folder / name / "measured.weights.h5")
print(json.dumps(facts, default=float))
"""
)
CASES = ("adversarial", "warm up", "float16", "less memory")


def run_without_tensorflow(script, *arguments):
    environment = {
        **os.environ,
        "KERAS_BACKEND": "jax",
        "JAX_PLATFORMS": "cpu",
        "XLA_FLAGS": "--xla_backend_optimization_level=0",  # compiling is what takes the time
    }
    result = subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)],
        capture_output=True,
        text=True,
        env=environment,
    )
    assert result.returncode == 0, result.stderr
    return result


def compiled(make_gan, case):
    batches = 2 if case == "less memory" else None

    def adam():
        optimizer = keras.optimizers.Adam(1e-2, 0.5, gradient_accumulation_steps=batches)
        scaled = case in ("float16", "less memory")
        return keras.optimizers.LossScaleOptimizer(optimizer) if scaled else optimizer

    gan = make_gan(ema=0.9)
    gan.compile(
        adam(), adam(), l1_weight=30.0, label_smoothing=0.1, frozen_statistics=case == "warm up"
    )
    gan.adversarial = case != "warm up"
    return gan


@pytest.fixture(scope="module")
def compared(make_gan, batch, tmp_path_factory):
    """Three steps of each case on both backends, from the same weights on the same batch."""
    folder = tmp_path_factory.mktemp("jax")
    np.savez(folder / "batch.npz", lightness=batch[0], ab=batch[1])
    (folder / "cases.json").write_text(json.dumps(CASES))
    ours = {}
    for case in CASES:
        (folder / case).mkdir()
        gan = compiled(make_gan, case)
        gan.generator.save(folder / case / "generator.keras")
        gan.discriminator.save(folder / case / "discriminator.keras")
        gan.save_weights(folder / case / "before.weights.h5")
        logs = [gan.train_on_batch(*batch, return_dict=True) for _ in range(3)]
        ours[case] = gan, logs, gan.test_on_batch(*batch, return_dict=True)
    printed = run_without_tensorflow(STEPS, folder).stdout
    return folder, ours, json.loads(printed.splitlines()[-1])


@pytest.mark.parametrize("case", CASES)
def test_losses_of_three_steps_equal_tensorflows(compared, case):
    _, ours, theirs = compared
    _, logs, test = ours[case]
    for step in range(3):
        assert theirs[case]["logs"][step] == pytest.approx(
            {name: float(value) for name, value in logs[step].items()}, rel=1e-4, abs=1e-5
        )
    assert set(theirs[case]["test"]) == set(test) == {"loss", "l1_loss", "psnr", "acc_2"}
    for name, tolerance in (("l1_loss", 1e-5), ("psnr", 1e-2), ("acc_2", 1e-3)):
        assert theirs[case]["test"][name] == pytest.approx(float(test[name]), abs=tolerance)
    moved = [logs[step]["l1_loss"] for step in (0, 2)]
    assert abs(float(moved[0]) - float(moved[1])) > 1e-3


def test_statistics_are_measured_as_on_tensorflow(compared, make_gan, batch):
    folder, _, _ = compared
    gan = compiled(make_gan, "adversarial")
    gan.load_weights(folder / "adversarial/after.weights.h5")
    network = gan.best_generator
    before = network.get_weights()
    reestimate_statistics(network, [batch[0], batch[0][:1] ** 3])
    ours = network.get_weights()
    network.load_weights(folder / "adversarial/measured.weights.h5")
    changed = 0
    for old, new, theirs in zip(before, ours, network.get_weights(), strict=True):
        np.testing.assert_allclose(theirs, new, rtol=1e-3, atol=1e-4)
        changed += np.abs(old - new).max() > 1e-2
    assert changed >= 3  # of two batch norms


@pytest.mark.parametrize("case", CASES)
def test_tensorflow_goes_on_with_jaxs_checkpoint(compared, make_gan, case):
    """All of it: networks, average, optimizers, statistics."""
    folder, ours, _ = compared
    gan, _, _ = ours[case]
    taken_over = compiled(make_gan, case)
    taken_over.load_weights(folder / case / "after.weights.h5")
    assert int(taken_over.generator_optimizer.iterations) == (1 if case == "less memory" else 3)
    for one, other in (
        (taken_over.generator, gan.generator),
        (taken_over.discriminator, gan.discriminator),
        (taken_over.ema_generator, gan.ema_generator),
        (taken_over.generator_optimizer, gan.generator_optimizer),
        (taken_over.discriminator_optimizer, gan.discriminator_optimizer),
    ):
        for a, b in zip(one.variables, other.variables, strict=True):
            np.testing.assert_allclose(a.numpy(), b.numpy(), atol=2e-4, err_msg=a.path)


def test_fit_runs_epochs_and_resets_the_means(compared):
    for facts in compared[2].values():
        losses = facts["fit"]["l1_loss"]
        assert len(losses) == 2
        assert losses[1] < losses[0] < facts["logs"][0]["l1_loss"]


def test_a_step_reuses_the_memory_of_its_state(compared):
    """As many buffers are donated as there are values that it gives back."""
    for case in CASES:
        facts = compared[2][case]
        assert facts["donated"] > 0.9 * facts["values"]


def test_jax_has_what_tensorflow_is_tested_for(compared):
    assert {facts["platform"] for facts in compared[2].values()} == {"cpu"}


def test_another_backend_is_a_sentence():
    script = WITHOUT_TENSORFLOW + (
        "import keras; keras.backend.backend = lambda: 'numpy'\n"
        "from keras_colorize.training.gan_base import BackendError\n"
        "try:\n    import keras_colorize.training.backends\n"
        "except BackendError as error:\n    print(error)\n"
    )
    assert run_without_tensorflow(script).stdout == (
        "Training needs KERAS_BACKEND=tensorflow or jax, not numpy.\n"
    )


def test_eager_steps_equal_compiled_ones(make_gan, batch):
    """TensorFlow's graph computes what its Python says; JAX is compared with the graph above."""
    results = []
    for eager in (True, False):
        gan = make_gan()
        gan.compile(keras.optimizers.SGD(0.01), keras.optimizers.SGD(0.01), run_eagerly=eager)
        results.append(gan.train_on_batch(*map(tf.constant, batch), return_dict=True))
    assert results[0] == pytest.approx(results[1], rel=1e-5)
