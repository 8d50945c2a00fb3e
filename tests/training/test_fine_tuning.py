"""Training that starts from earlier weights instead of random ones."""

import json
from dataclasses import replace

import keras
import numpy as np
import pytest

from keras_colorize.config import PRESETS
from keras_colorize.data.folders import Scan
from keras_colorize.exporting.tflite import convert
from keras_colorize.imaging.color import scale_ab, unscale_lightness
from keras_colorize.inference.runtime import LiteRTRuntime
from keras_colorize.inference.weights import WeightsError
from keras_colorize.training import trainer
from keras_colorize.training.building import build_gan
from keras_colorize.training.runs import RunError
from keras_colorize.training.trainer import train
from keras_colorize.training.validation import some_lightness

TINY = replace(
    PRESETS["tiny"],
    generator=replace(PRESETS["tiny"].generator, aggregation="unet"),  # quick to build
    training=replace(PRESETS["tiny"].training, epochs=1, ema=0.5),
)


@pytest.fixture(scope="module")
def scan(photographs):
    files = sorted(photographs.rglob("*.jpg"))
    return Scan(files=files, orientations=[1] * len(files))


@pytest.fixture(scope="module")
def parent(tmp_path_factory):
    """A GAN, and the folder in which a run would have left its networks."""
    folder = tmp_path_factory.mktemp("parent")
    keras.utils.set_random_seed(1)
    gan = build_gan(TINY, 6)
    gan.generator.save(folder / "generator.keras")
    gan.discriminator.save(folder / "discriminator.keras")
    return gan, folder


@pytest.fixture
def started(monkeypatch):
    """The GANs that began to train; their steps are left out, and so is the report of them."""
    gans = []
    monkeypatch.setattr(trainer, "_fit", lambda gan, *_arguments: gans.append(gan))
    monkeypatch.setattr(trainer, "write_report", lambda *_arguments: None)
    return gans


def same(one, other):
    return all(
        np.array_equal(a, b) for a, b in zip(one.get_weights(), other.get_weights(), strict=True)
    )


def test_starts_from_both_networks_of_a_run(scan, parent, started, tmp_path):
    gan, folder = parent
    train(TINY, scan, tmp_path / "child", fine_tune=folder)
    assert same(started[0].generator, gan.generator)
    assert same(started[0].ema_generator, gan.generator)
    assert same(started[0].discriminator, gan.discriminator)
    train(TINY, scan, tmp_path / "other")
    assert not same(started[1].generator, gan.generator)


def test_a_generator_alone_will_do(scan, parent, started, tmp_path):
    gan, folder = parent
    alone = tmp_path / "alone.keras"
    alone.write_bytes((folder / "generator.keras").read_bytes())
    train(TINY, scan, tmp_path / "child", fine_tune=alone)
    assert same(started[0].generator, gan.generator)
    assert not same(started[0].discriminator, gan.discriminator)


def test_a_checkpoint_goes_before_the_weights_to_start_from(scan, parent, started, tmp_path):
    run = train(TINY, scan, tmp_path / "child", fine_tune=parent[1])
    started[0].generator.set_weights([w + 1 for w in started[0].generator.get_weights()])
    run.save_checkpoint(started[0], 0)
    train(TINY, scan, tmp_path / "child", fine_tune=parent[1])
    assert same(started[1].generator, started[0].generator)


def test_the_configuration_knows_the_weights_by_content(scan, parent, started, tmp_path):
    child = train(TINY, scan, tmp_path / "child", fine_tune=parent[1]).folder
    assert len(json.loads((child / "config.json").read_text())["fine_tune"]) == 16
    with pytest.raises(RunError, match=r"another configuration \(different: fine_tune\)"):
        train(TINY, scan, child)


def test_another_network_is_a_sentence(scan, parent, tmp_path):
    wider = replace(TINY, generator=replace(TINY.generator, widths=(8, 8, 8, 8, 8)))
    with pytest.raises(RunError, match=r"generator\.keras does not hold the network of this"):
        train(wider, scan, tmp_path / "child", fine_tune=parent[1])
    assert not (tmp_path / "child").exists()


def test_packaged_weights_of_another_network_are_a_sentence(scan, tmp_path):
    with pytest.raises(RunError, match=r"mobile\.tflite does not hold the network of this"):
        train(TINY, scan, tmp_path / "child", fine_tune="mobile")
    assert not (tmp_path / "child").exists()


def test_damaged_weights_are_a_sentence(scan, tmp_path):
    path = tmp_path / "broken.keras"
    path.write_bytes(b"no archive")
    with pytest.raises(WeightsError, match=r"broken\.keras is damaged"):
        train(TINY, scan, tmp_path / "child", fine_tune=path)


def test_starts_from_an_exported_file_without_batch_norm(scan, parent, started, capsys, tmp_path):
    """What it computes stays the same, in training as in use."""
    random = np.random.default_rng(0)
    generator = parent[0].best_generator
    generator.set_weights(
        [w + random.uniform(0.1, 0.5, w.shape) * (w.ndim == 1) for w in generator.get_weights()]
    )
    path = tmp_path / "exported.tflite"
    path.write_bytes(convert(generator, sizes=[(256, 256)]))
    train(TINY, scan, tmp_path / "child", fine_tune=path)
    ours = started[0].generator
    assert same(started[0].ema_generator, ours)
    assert "exported.tflite has no discriminator, so a new one is trained." in (
        capsys.readouterr().err
    )
    (x,) = some_lightness(scan, replace(TINY.training, batch_size=24), 1)
    used, trained = (np.array(ours(x, training=mode)) for mode in (False, True))
    exported = scale_ab(LiteRTRuntime(path).predict(unscale_lightness(np.array(x[0, ..., 0]))))
    assert exported.std() > 0.1
    np.testing.assert_allclose(used[0], exported, atol=1e-4)
    assert np.abs(trained - used).mean() < 1e-3


def test_weights_that_are_not_there(scan, tmp_path):
    with pytest.raises(WeightsError, match="There are no weights"):
        train(TINY, scan, tmp_path / "child", fine_tune=tmp_path / "none.keras")
