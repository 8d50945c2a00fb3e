"""Which systems stand beside ours, and how wide they are."""

from dataclasses import replace

import pytest

from keras_colorize.comparison.systems import ablation_of, matching_width, systems_of
from keras_colorize.config import AGGREGATIONS, BASELINES, PRESETS, GeneratorConfig
from keras_colorize.models.networks import build_networks, with_baseline

TINY = PRESETS["tiny"]
SMALL = replace(TINY, generator=GeneratorConfig((16, 32, 64, 128, 128), 4))


@pytest.mark.parametrize("name", BASELINES)
def test_baselines_have_about_as_many_parameters_as_ours(name):
    ours = build_networks(SMALL)[0].count_params()
    width = matching_width(SMALL, name)
    theirs = build_networks(with_baseline(SMALL, name, width))[0].count_params()
    assert theirs == pytest.approx(ours, rel=0.1)


def test_systems_of_full_width_are_their_papers():
    found = systems_of(TINY, ["pix2pix", "ours"], match=False)
    assert list(found) == ["pix2pix", "ours"]
    assert found["ours"] == TINY
    assert found["pix2pix"] == with_baseline(TINY, "pix2pix", 1.0)


def test_an_ablation_of_aggregation_changes_nothing_else():
    found = ablation_of(TINY, "aggregation")
    assert set(found) == set(AGGREGATIONS)
    for name, preset in found.items():
        assert preset.generator == replace(TINY.generator, aggregation=name)
        assert preset.training == TINY.training


def test_an_ablation_of_the_loss_changes_the_recipe_alone():
    found = ablation_of(TINY, "loss")
    assert {preset.generator for preset in found.values()} == {TINY.generator}
    recipes = {name: preset.training for name, preset in found.items()}
    assert recipes["l1"].warm_up_epochs == TINY.training.epochs
    assert recipes["l1_gan"] == TINY.training
    assert recipes["l1_gan_smoothed"] == replace(TINY.training, label_smoothing=0.1)
