"""Metrics of Keras against those of NumPy, on photographs, on both backends."""

import json
import subprocess
import sys

import keras
import numpy as np
import pytest

from keras_colorize.evaluation.keras_metrics import PSNR, Accuracy
from keras_colorize.evaluation.metrics import METRICS, Picture
from keras_colorize.evaluation.protocol import read_truth
from keras_colorize.imaging.color import lab_to_rgb, rgb_to_lab

NAMES = ("psnr", "acc_1", "acc_2", "acc_5")
TOLERANCE = {"psnr": 1e-3, "acc_1": 1e-4, "acc_2": 1e-4, "acc_5": 1e-4}


def make(name):
    return PSNR() if name == "psnr" else Accuracy(int(name[-1]))


@pytest.fixture(scope="module")
def compared(repository):
    """Lab of photographs and of what systems might make of them, with NumPy's figures of each."""
    random = np.random.default_rng(0)
    real, generated, expected = [], [], []
    for path in sorted((repository / "examples/photographs").glob("*.jpg"))[::4]:
        truth = Picture(read_truth(path))
        lightness, ab = truth.lab[..., 0], truth.lab[..., 1:]
        noise = random.normal(0, 3, ab.shape)
        for other in (0 * ab, 0.5 * ab, ab + noise, 3 * ab - 20, ab):
            ours = Picture(lab_to_rgb(lightness, other.astype(np.float32)))
            real.append(truth.lab)
            generated.append(np.dstack([lightness, other]).astype(np.float32))
            expected.append({name: METRICS[name](truth, ours) for name in NAMES})
    return np.stack(real), np.stack(generated), expected


@pytest.mark.parametrize("name", NAMES)
def test_equal_those_of_numpy(compared, name):
    metric = make(name)
    assert metric.name == name
    values = []
    for real, generated, expected in zip(*compared, strict=True):
        metric.reset_state()
        metric.update_state(real[None], generated[None])
        values.append(float(metric.result()))
        assert values[-1] == pytest.approx(expected[name], abs=TOLERANCE[name])
    assert len(values) == 15 and max(values) == {"psnr": 60}.get(name, 1) > min(values)


def test_equal_them_on_jax(compared, environments, tmp_path):
    real, generated, expected = (each[:5] for each in compared)
    np.savez(tmp_path / "pairs.npz", real=real, generated=generated)
    script = """
import json, sys
import keras, numpy as np
from keras_colorize.evaluation.keras_metrics import PSNR, Accuracy
pairs = np.load(sys.argv[1])
found = []
for real, generated in zip(pairs["real"], pairs["generated"]):
    metrics = PSNR(), Accuracy(1), Accuracy(2), Accuracy(5)
    found.append({m.name: float(m(real[None], generated[None])) for m in metrics})
print(json.dumps([keras.backend.backend(), found]))
"""
    [environment] = environments("jax", 1)
    done = subprocess.run(
        [sys.executable, "-c", script, tmp_path / "pairs.npz"],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    backend, found = json.loads(done.stdout.splitlines()[-1])
    assert backend == "jax" and len(found) == 5
    for ours, theirs in zip(found, expected, strict=True):
        for name in NAMES:
            assert ours[name] == pytest.approx(theirs[name], abs=TOLERANCE[name])


def test_are_means_over_images(compared):
    real, generated, expected = (each[3:9] for each in compared)
    weights = np.array([1, 0, 2, 1, 0, 3], np.float32)
    for name in NAMES:
        metric, weighted = make(name), make(name)
        for start in (0, 4):  # batches of 4 and 2
            part = slice(start, start + 4)
            metric.update_state(real[part], generated[part])
            weighted.update_state(real[part], generated[part], weights[part])
        values = [each[name] for each in expected]
        assert float(metric.result()) == pytest.approx(np.mean(values), abs=TOLERANCE[name])
        mean = np.average(values, weights=weights)
        assert float(weighted.result()) == pytest.approx(mean, abs=TOLERANCE[name])
        metric.reset_state()
        assert float(metric.result()) == 0


def test_by_hand():
    grey = np.zeros((1, 4, 4, 3), np.float32)
    grey[..., 0] = rgb_to_lab(np.full((1, 1, 3), 100, np.uint8))[0, 0, 0]
    lighter = grey.copy()
    lighter[:, :2, :, 0] = rgb_to_lab(np.full((1, 1, 3), 130, np.uint8))[0, 0, 0]
    assert float(PSNR()(grey, lighter)) == pytest.approx(10 * np.log10(255**2 / 450), abs=1e-5)
    assert float(Accuracy(2)(grey, lighter)) == 0.5
    assert float(Accuracy(20)(grey, lighter)) == 1


def test_in_a_compiled_model(compared):
    real, generated, expected = (each[:3] for each in compared)
    model = keras.Sequential([keras.Input((256, 256, 3)), keras.layers.Identity()])
    model.compile(loss="mse", metrics=[PSNR(), Accuracy(5)])
    logs = model.evaluate(generated, real, batch_size=2, verbose=0, return_dict=True)
    for name in ("psnr", "acc_5"):
        mean = np.mean([each[name] for each in expected])
        assert logs[name] == pytest.approx(mean, abs=TOLERANCE[name])


@pytest.mark.parametrize("metric", [PSNR(), PSNR(name="p"), Accuracy(5), Accuracy(2.5, name="a")])
def test_are_built_again_from_their_configuration(metric):
    again = keras.metrics.deserialize(keras.metrics.serialize(metric))
    assert type(again) is type(metric)
    assert again.get_config() == metric.get_config()


def test_names_say_the_tolerance():
    assert [Accuracy().name, Accuracy(1).name, Accuracy(2.5).name] == ["acc_2", "acc_1", "acc_2.5"]
