"""The generator on an encoder of EfficientNet-Lite: wiring, shapes, files."""

import keras
import numpy as np
import pytest

from keras_colorize.config import GeneratorConfig
from keras_colorize.models.efficientnet_lite import stages_of
from keras_colorize.models.generator import build_generator, config_of

SMALL = (4, 5, 6, 7, 8)
LITE = [f"efficientnet_lite{k}" for k in range(3)]
CONFIGS = [
    GeneratorConfig(SMALL, 1, "improved_dla", LITE[0], 1),
    GeneratorConfig(SMALL, 2, "unet++", LITE[1], 2),
    GeneratorConfig(SMALL, 4, "dla", LITE[2], 3),
    GeneratorConfig(SMALL, 4, "unet", LITE[0], 1),
]


@pytest.fixture(scope="module", params=CONFIGS, ids=lambda c: f"{c.encoder}-{c.chroma_stride}")
def generator(request):
    keras.utils.set_random_seed(3)
    return build_generator(request.param)


def parents(layer):
    (node,) = layer._inbound_nodes
    return [tensor._keras_history.operation.name for tensor in node.input_tensors]


def names(model):
    return [layer.name for layer in model.layers]


@pytest.mark.parametrize("factor", [(1, 1), (2, 3)])
def test_takes_any_multiple_of_16_c(generator, factor, lightness_scaled):
    config = generator.config
    c = config.chroma_stride
    assert config.size_multiple == 16 * c
    height, width = (16 * c * k for k in factor)
    ab = generator(lightness_scaled(2, height, width))
    assert tuple(ab.shape) == (2, height // c, width // c, 2)
    assert 0.0 < float(keras.ops.max(abs(ab))) <= 1.0


def test_nodes_have_the_widths_and_convolutions_of_the_configuration(generator):
    config = generator.config
    count = config.convolutions
    for name in (name for name in names(generator) if name.endswith("_concat")):
        if name.startswith("node_"):
            i, prefix = int(name[5]), name.removesuffix("_concat")
            assert generator.get_layer(f"{prefix}_conv_{count}").filters == config.widths[i]
            assert f"{prefix}_conv_{count + 1}" not in names(generator)


def test_first_nodes_are_made_of_the_stages_of_their_resolution(generator):
    """X(i, 0), at 1/(c 2^i): of the last stage there is at it, of two at the lowest."""
    config = generator.config
    repeats = [0, *(stage.repeats for stage in stages_of(config.encoder))]

    def end(stage, scale):
        kind = "add" if repeats[stage] > 1 else "project"
        return f"encoder_{scale}_stage_{stage}_{repeats[stage]}_{kind}"

    shift = {1: 0, 2: 1, 4: 2}[config.chroma_stride]
    last = {0: [], 1: [1], 2: [2], 3: [3], 4: [5], 5: [6, 7]}
    for i, width in enumerate(config.widths):
        stages = last.get(i + shift)
        if stages is None:  # the encoder has ended: one more step down
            assert parents(generator.get_layer(f"encoder_{i}_down")) == [
                f"encoder_{i - 1}_lateral_relu"
            ]
            continue
        taken = [end(stage, i) for stage in stages]
        if i == 0:
            taken = ["encoder_0_conv_1_relu", *taken]
            first = generator.get_layer("encoder_0_conv_1")
            assert parents(first) == ["lightness_scaled"]
            c = config.chroma_stride
            assert (first.kernel_size, first.strides) == ((3 * c, 3 * c), (c, c))
        lateral = generator.get_layer(f"encoder_{i}_lateral")
        assert (lateral.filters, lateral.kernel_size) == (width, (1, 1))
        assert parents(lateral) == (taken if len(taken) == 1 else [f"encoder_{i}_concat"])
        if len(taken) > 1:
            assert parents(generator.get_layer(f"encoder_{i}_concat")) == taken


def test_nodes_take_the_laterals(generator):
    skips = {"unet": ["encoder_0_lateral_relu"], "unet++": ["encoder_0_lateral_relu"]}
    last = parents(generator.get_layer("node_0_4_concat"))
    aggregation = generator.config.aggregation
    assert len(last) == {"unet": 2, "dla": 2, "improved_dla": 3, "unet++": 5}[aggregation]
    assert last[-1:] == skips.get(aggregation, last[-1:])
    if aggregation != "unet":
        assert parents(generator.get_layer("node_0_1_concat"))[1:] == ["encoder_0_lateral_relu"]


def test_a_file_keeps_configuration_and_function(generator, randomize, tmp_path, lightness_scaled):
    randomize(generator)
    generator.save(tmp_path / "generator.keras")
    loaded = keras.saving.load_model(tmp_path / "generator.keras")
    assert config_of(loaded) == generator.config
    assert names(loaded) == names(generator)
    c = generator.config.chroma_stride
    x = lightness_scaled(1, 32 * c, 16 * c)
    np.testing.assert_array_equal(loaded(x), generator(x))
