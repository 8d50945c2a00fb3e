"""Which colour loss a network learns by, and a GAN without its adversary."""

import keras
import numpy as np
import pytest

from keras_colorize.config import PRESETS
from keras_colorize.data.folders import scan_folder
from keras_colorize.data.layouts import find_photographs
from keras_colorize.models.ab_bins import ab_bins, rebalancing_weights
from keras_colorize.models.baselines.iizuka2016 import mean_squared_error
from keras_colorize.models.baselines.zhang2016 import RebalancedCrossEntropy
from keras_colorize.models.networks import build_networks, with_baseline
from keras_colorize.training.backends import ColorizationGAN
from keras_colorize.training.batch_statistics import reestimate_statistics
from keras_colorize.training.losses import l1_loss
from keras_colorize.training.objectives import color_loss_of

TINY = PRESETS["tiny"]


@pytest.fixture(scope="module")
def scanned(photographs, tmp_path_factory):
    found = find_photographs(photographs)
    return scan_folder(found.folder, found.names, cache=tmp_path_factory.mktemp("cache"))


@pytest.mark.parametrize(
    ("name", "loss"), [("iizuka2016", mean_squared_error), ("pix2pix", l1_loss)]
)
def test_losses_are_those_of_the_papers(scanned, name, loss):
    assert color_loss_of(TINY, scanned) is l1_loss
    assert color_loss_of(with_baseline(TINY, name), scanned) is loss


def test_zhang_weighs_colours_by_the_training_photographs(scanned):
    loss = color_loss_of(with_baseline(TINY, "zhang2016"), scanned)
    assert isinstance(loss, RebalancedCrossEntropy)
    again = color_loss_of(with_baseline(TINY, "zhang2016"), scanned)
    np.testing.assert_array_equal(loss.weights, again.weights)
    uniform = rebalancing_weights(np.full(len(ab_bins()), 1 / len(ab_bins())))
    assert np.abs(loss.weights - uniform).max() > 0.1
    grey = np.abs(ab_bins()).sum(axis=1) == 0
    assert loss.weights[grey] < np.median(loss.weights)  # soft pictures have much of it


def baseline(name, loss):
    keras.utils.set_random_seed(1)
    preset = with_baseline(TINY, name, 0.125)
    gan = ColorizationGAN(*build_networks(preset), ema=0.9)
    optimizer = keras.optimizers.Adam(1e-3) if gan.discriminator is not None else None
    gan.compile(keras.optimizers.Adam(1e-3), optimizer, l1_weight=10.0, color_loss=loss)
    return gan


def test_without_a_discriminator_the_colour_loss_is_all(batch):
    gan = baseline("zhang2016", RebalancedCrossEntropy(np.ones(313)))
    logs = gan.train_on_batch(*batch, return_dict=True)
    assert not gan.adversarial
    # Random logits: the cross entropy is near that of a uniform guess, log 313.
    assert logs["generator_loss"] == pytest.approx(10 * np.log(313), rel=0.1)
    assert 0 < logs["l1_loss"] < 2


@pytest.mark.parametrize(
    ("name", "loss"),
    [
        ("zhang2016", RebalancedCrossEntropy(np.linspace(0.5, 2, 313))),
        ("iizuka2016", mean_squared_error),
    ],
)
def test_a_whole_gan_of_a_baseline_is_saved_and_loaded(name, loss, batch, tmp_path):
    gan = baseline(name, loss)
    gan.train_on_batch(*batch)
    gan.save(tmp_path / "gan.keras")
    loaded = keras.saving.load_model(tmp_path / "gan.keras")
    assert keras.saving.serialize_keras_object(loaded.color_loss) == (
        keras.saving.serialize_keras_object(loss)
    )
    assert loaded.color_loss.__module__ == loss.__module__  # Keras has one of the same name
    assert loaded.discriminator is None
    ours, theirs = (g.train_on_batch(*batch, return_dict=True) for g in (gan, loaded))
    assert theirs["generator_loss"] == pytest.approx(ours["generator_loss"], rel=1e-5)


def test_bins_and_dropout_have_no_average_of_their_own(batch):
    gan = baseline("pix2pix", l1_loss)
    assert len(gan.random_states()) == 3
    before = gan.random_states()
    gan.train_on_batch(*batch)
    assert gan.random_states() != before
    gan.set_random_states(before)
    assert gan.random_states() == before


def test_statistics_are_those_of_inference_without_dropout(batch):
    gan = baseline("pix2pix", l1_loss)
    found = []
    for seed in (1, 2):
        keras.utils.set_random_seed(seed)
        reestimate_statistics(gan.generator, [batch[0]])
        found.append([layer.get_weights() for layer in gan.generator.layers if "_bn" in layer.name])
    for one, other in zip(*found, strict=True):
        for mine, theirs in zip(one, other, strict=True):
            np.testing.assert_array_equal(mine, theirs)
    rates = {x.rate for x in gan.generator.layers if isinstance(x, keras.layers.Dropout)}
    assert rates == {0.5}


@pytest.mark.parametrize("optimizer", [None, keras.optimizers.Adam()])
def test_a_discriminator_and_its_optimizer_need_each_other(optimizer):
    name = "iizuka2016" if optimizer else "pix2pix"
    gan = ColorizationGAN(*build_networks(with_baseline(TINY, name, 0.125)))
    with pytest.raises(ValueError, match="need each other"):
        gan.compile(keras.optimizers.Adam(), optimizer)
