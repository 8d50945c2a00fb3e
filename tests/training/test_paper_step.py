"""One full step of the paper's recipe at its size: it fits into memory; its time is printed."""

import json
import subprocess
import sys

import pytest

# A process of its own: the peak of memory is of this step alone.
STEP = """
import json, resource, time
from keras_colorize.inference.quiet import import_quietly
import_quietly("tensorflow")  # as `train` does
import keras
import numpy as np
import tensorflow as tf
from keras_colorize.config import PRESETS
from keras_colorize.training.building import build_gan

keras.utils.set_random_seed(0)
gan = build_gan(PRESETS["paper"], 10)
random = np.random.default_rng(0)
lightness = random.uniform(-1, 1, (1, 256, 256, 1)).astype("float32")
ab = random.uniform(-1, 1, (1, 256, 256, 2)).astype("float32")
one = tf.data.Dataset.from_tensors((lightness, ab))
before = [v.numpy() for v in (gan.generator.weights[0], gan.discriminator.weights[0])]
seconds = []
for _ in range(2):
    started = time.perf_counter()
    logs = gan.fit(one, epochs=1, verbose=0, shuffle=False).history
    seconds.append(round(time.perf_counter() - started, 2))
after = [v.numpy() for v in (gan.generator.weights[0], gan.discriminator.weights[0])]
print(json.dumps({
    "first_step_with_tracing_s": seconds[0],
    "step_s": seconds[1],
    "peak_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2),
    "moved": [float(abs(a - b).max()) for a, b in zip(after, before)],
    "losses": {name: value[0] for name, value in logs.items()},
}))
"""


@pytest.mark.slow
def test_a_full_step_of_the_paper(record_property, capsys):
    result = subprocess.run([sys.executable, "-c", STEP], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    facts = json.loads(result.stdout.splitlines()[-1])
    for name in ("first_step_with_tracing_s", "step_s", "peak_gb"):
        record_property(name, facts[name])
    with capsys.disabled():
        print(f"\npaper, 256 x 256, batch 1: {facts}")
    assert all(0 < moved < 0.01 for moved in facts["moved"])
    losses = facts["losses"]
    assert losses["generator_loss"] == pytest.approx(
        100 * losses["l1_loss"] + losses["adversarial_loss"], rel=1e-4
    )
    assert 0.5 < losses["discriminator_loss"] < 5
