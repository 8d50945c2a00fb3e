"""A run whose encoder knows ImageNet: where it starts, goes on, and is fine-tuned."""

from dataclasses import replace

import numpy as np
import pytest

from keras_colorize.config import PRESETS, GeneratorConfig
from keras_colorize.data.folders import Scan
from keras_colorize.models import efficientnet_lite, imagenet_weights
from keras_colorize.models.efficientnet_lite import is_in_encoder
from keras_colorize.models.imagenet_weights import PretrainedError
from keras_colorize.training import fine_tuning, trainer
from keras_colorize.training.optimizers import EncoderAdam
from keras_colorize.training.runs import RunError
from keras_colorize.training.trainer import train

TINY = PRESETS["tiny"]
ENCODED = replace(
    TINY,
    generator=GeneratorConfig((4, 8, 8, 8, 8), 2, "unet", "efficientnet_lite0", 1),
    training=replace(
        TINY.training, epochs=2, ema=0.5, encoder_weights="imagenet", frozen_encoder_epochs=1
    ),
)
LEARNT = 0.125  # all numbers of what stands for ImageNet's weights here


@pytest.fixture(scope="module", autouse=True)
def small():
    """Makes the encoder half as deep and a quarter as wide, so that it is built quickly."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(efficientnet_lite._SCALING, "efficientnet_lite0", (0.25, 0.5))
        yield


@pytest.fixture
def imagenet(monkeypatch):
    """Weights that fit the small encoder."""

    def load(generator):
        for variable in generator.weights:
            if is_in_encoder(variable.path):
                variable.assign(np.full(variable.shape, LEARNT, np.float32))

    monkeypatch.setattr(fine_tuning, "load_imagenet_weights", load)


@pytest.fixture
def not_installed(monkeypatch):
    monkeypatch.setattr(imagenet_weights, "find_spec", lambda _: None)


@pytest.fixture
def started(monkeypatch):
    """The GANs that began to train; their steps are left out, and so is the report of them."""
    gans = []
    monkeypatch.setattr(trainer, "_fit", lambda gan, *_arguments: gans.append(gan))
    monkeypatch.setattr(trainer, "write_report", lambda *_arguments: None)
    return gans


@pytest.fixture(scope="module")
def scan(photographs):
    files = sorted(photographs.rglob("*.jpg"))
    return Scan(files=files, orientations=[1] * len(files))


def encoder_of(network):
    return {v.path: v.numpy() for v in network.weights if is_in_encoder(v.path)}


def has_learnt(network):
    return all((value == LEARNT).all() for value in encoder_of(network).values())


def test_a_run_starts_from_imagenet_and_so_does_its_average(scan, imagenet, started, tmp_path):
    train(ENCODED, scan, tmp_path / "run")
    (gan, *_) = started
    assert len(started) == 2  # stages: the encoder rests, and learns
    assert has_learnt(gan.generator) and has_learnt(gan.ema_generator)
    for one, other in zip(gan.generator.weights, gan.ema_generator.weights, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())
    assert gan.optimizer.encoder_start == 6  # 24 photographs in batches of 4


def test_a_run_goes_on_without_the_package(scan, imagenet, started, not_installed, tmp_path):
    run = train(ENCODED, scan, tmp_path / "run")
    started[0].generator.set_weights([w + 1 for w in started[0].generator.get_weights()])
    run.save_checkpoint(started[0], 1)
    fine_tuning.load_imagenet_weights = None  # what `imagenet` set is taken back after the test
    train(ENCODED, scan, tmp_path / "run")
    for ours, theirs in zip(
        started[-1].generator.get_weights(), started[0].generator.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)


def test_a_run_cannot_start_without_the_package(scan, started, not_installed, tmp_path):
    command = r'pip install "\.\[pretrained\]" in a clone of keras-colorize$'
    with pytest.raises(PretrainedError, match=command):
        train(ENCODED, scan, tmp_path / "run")
    assert started == []


@pytest.fixture
def parent(scan, imagenet, started, tmp_path):
    """A folder with the networks of a run with an encoder, whose weights have moved."""
    train(ENCODED, scan, tmp_path / "parent")
    gan = started.pop()
    started.clear()
    random = np.random.default_rng(1)
    moved = [w + random.normal(0, 0.1, w.shape) for w in gan.generator.get_weights()]
    gan.generator.set_weights(moved)
    folder = tmp_path / "networks"
    folder.mkdir()
    gan.generator.save(folder / "generator.keras")
    gan.discriminator.save(folder / "discriminator.keras")
    return folder, gan.generator.get_weights()


def test_fine_tuning_takes_the_encoder_along(scan, parent, started, not_installed, tmp_path):
    """Not ImageNet's, nor its package; the encoder moves by shares of its filters all the same."""
    fine_tuning.load_imagenet_weights = None
    folder, expected = parent
    recipe = replace(ENCODED.training, frozen_encoder_epochs=0)
    train(replace(ENCODED, training=recipe), scan, tmp_path / "child", fine_tune=folder)
    (gan,) = started
    for network in (gan.generator, gan.ema_generator):
        for ours, theirs in zip(network.get_weights(), expected, strict=True):
            np.testing.assert_array_equal(ours, np.float32(theirs))
    assert type(gan.generator_optimizer) is EncoderAdam
    assert gan.generator_optimizer.encoder_rate_ratio == 2.0
    assert not gan.generator.get_layer("encoder_0_stage_1_1_depthwise").trainable


@pytest.mark.parametrize("encoder", ["plain", "efficientnet_lite1"])
def test_fine_tuning_of_another_encoder_is_a_sentence(scan, parent, tmp_path, encoder):
    network = replace(ENCODED.generator, encoder=encoder)
    recipe = replace(ENCODED.training, encoder_weights=None, frozen_encoder_epochs=0)
    other = replace(ENCODED, generator=network, training=recipe)
    with pytest.raises(RunError, match=r"generator\.keras does not hold the network of this"):
        train(other, scan, tmp_path / "child", fine_tune=parent[0])
