"""A baseline in a preset's place, and what is read off any network that ends in ab."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from keras_colorize.config import (
    BASELINES,
    PRESETS,
    BaselineConfig,
    DiscriminatorConfig,
    GeneratorConfig,
)
from keras_colorize.models.baselines.pix2pix import depth_for
from keras_colorize.models.baselines.registry import REGISTRY
from keras_colorize.models.networks import (
    build_networks,
    chroma_stride_of,
    in_float32,
    size_multiple_of,
    with_baseline,
)

TINY = PRESETS["tiny"]
MULTIPLES = {"zhang2016": 8, "iizuka2016": 8, "pix2pix": 64}
STRIDES = {"zhang2016": 4, "iizuka2016": 2, "pix2pix": 1}


@pytest.fixture(scope="module")
def baselines():
    return {name: build_networks(with_baseline(TINY, name, 0.125)) for name in BASELINES}


@pytest.mark.parametrize("name", BASELINES)
def test_a_baseline_keeps_the_recipe_and_brings_its_networks(baselines, name):
    preset = with_baseline(TINY, name, 0.125)
    assert preset.name == name
    assert preset.training == TINY.training
    assert preset.generator == BaselineConfig(name, 0.125, 64)
    generator, discriminator = baselines[name]
    assert generator.name == name
    assert (discriminator is not None) == (name == "pix2pix")
    assert generator.output.name.startswith("ab_scaled") or generator.layers[-1].name == "ab_scaled"


@pytest.mark.parametrize("name", BASELINES)
def test_a_baseline_takes_no_pretrained_encoder_from_a_preset(name):
    mobile = PRESETS["mobile"]
    recipe = with_baseline(mobile, name).training
    assert recipe == replace(mobile.training, encoder_weights=None, frozen_encoder_epochs=0)


@pytest.mark.parametrize("name", BASELINES)
def test_what_is_read_off_a_baseline_holds(baselines, name):
    generator, _ = baselines[name]
    assert chroma_stride_of(generator) == STRIDES[name]
    multiple = size_multiple_of(generator)
    assert multiple == MULTIPLES[name]
    lightness = np.zeros((1, multiple, 3 * multiple, 1), np.float32)
    stride = STRIDES[name]
    expected = (1, multiple // stride, 3 * multiple // stride, 2)
    assert generator(lightness).shape == expected


def test_every_baseline_is_in_the_registry():
    assert tuple(REGISTRY) == BASELINES


def test_ours_is_read_as_its_configuration_says():
    generator, discriminator = build_networks(TINY)
    assert size_multiple_of(generator) == TINY.generator.size_multiple == 32
    assert chroma_stride_of(generator) == 2
    assert discriminator.name == "discriminator"


def test_another_model_is_refused():
    inputs = keras.Input((None, None, 1))
    with pytest.raises(ValueError, match="not a generator"):
        size_multiple_of(keras.Model(inputs, keras.layers.ReLU()(inputs)))


def test_the_discriminator_of_pix2pix_scales_with_it():
    full = with_baseline(TINY, "pix2pix").discriminator
    assert full == DiscriminatorConfig(strides=(2, 2, 2, 1), first_batch_norm=False)
    assert full.receptive_field == 70
    assert with_baseline(TINY, "pix2pix", 0.25).discriminator.widths == (16, 32, 64, 128)


def test_pix2pix_is_as_deep_as_the_crops_allow():
    depths = {size: depth_for(size) for size in (64, 96, 192, 256, 512)}
    assert depths == {64: 6, 96: 5, 192: 6, 256: 8, 512: 8}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": "colornet"}, "name must be one of"),
        ({"width": 0}, "width must be in"),
        ({"size": 40}, "size must be a positive multiple of 16"),
    ],
)
def test_what_cannot_be_is_refused(change, said):
    with pytest.raises(ValueError, match=said):
        BaselineConfig(**({"name": "pix2pix"} | change))


@pytest.mark.parametrize("name", ["ours", "encoder", *BASELINES])
def test_a_network_of_less_precision_has_a_float32_copy(name):
    preset = with_baseline(TINY, name, 0.125) if name in BASELINES else TINY
    if name == "encoder":
        network = GeneratorConfig((4, 8, 8, 8, 8), 2, "unet", "efficientnet_lite0", 1)
        preset = replace(TINY, generator=network)
    keras.utils.set_random_seed(0)
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        generator, _ = build_networks(preset)
    finally:
        keras.config.set_dtype_policy("float32")
    copy = in_float32(generator)
    assert copy is not generator
    assert {layer.compute_dtype for layer in copy.layers} == {"float32"}
    for ours, theirs in zip(copy.get_weights(), generator.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    lightness = np.linspace(-1, 1, 64 * 64, dtype=np.float32).reshape(1, 64, 64, 1)
    full, less = (np.array(network(lightness)) for network in (copy, generator))
    assert 0 < np.abs(full - less).mean() < 0.05
    assert in_float32(copy) is copy
