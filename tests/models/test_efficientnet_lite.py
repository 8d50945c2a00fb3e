"""EfficientNet-Lite: its size against the published ones, and how its layers are called."""

import keras
import pytest

from keras_colorize.models.cost import multiply_adds
from keras_colorize.models.efficientnet_lite import (
    build_classifier,
    encode,
    features_at,
    is_in_encoder,
    stages_of,
)
from keras_colorize.models.precision import building_at

LITE0 = "efficientnet_lite0"


def encoder(chroma_stride, variant=LITE0):
    x = keras.Input((None, None, 1))
    return keras.Model(x, encode(x, variant, chroma_stride))


@pytest.fixture(scope="module")
def encoders():
    return {stride: encoder(stride) for stride in (1, 2, 4)}


@pytest.mark.parametrize(
    ("variant", "filters", "repeats"),
    [
        (LITE0, [16, 24, 40, 80, 112, 192, 320], [1, 2, 2, 3, 3, 4, 1]),
        ("efficientnet_lite1", [16, 24, 40, 80, 112, 192, 320], [1, 3, 3, 4, 4, 5, 1]),
        ("efficientnet_lite2", [16, 24, 48, 88, 120, 208, 352], [1, 3, 3, 4, 4, 5, 1]),
    ],
)
def test_the_variants_stages(variant, filters, repeats):
    stages = stages_of(variant)
    assert [stage.filters for stage in stages] == filters
    assert [stage.repeats for stage in stages] == repeats
    assert [stage.kernel for stage in stages] == [3, 3, 5, 3, 5, 5, 3]
    assert [stage.stride for stage in stages] == [1, 2, 2, 2, 1, 2, 1]
    assert [stage.expansion for stage in stages] == [1, 6, 6, 6, 6, 6, 6]


@pytest.mark.parametrize(
    ("variant", "size", "parameters", "millions"),
    [
        (LITE0, 224, 4_652_008, 407),
        pytest.param("efficientnet_lite1", 240, 5_416_680, 631, marks=pytest.mark.slow),
        pytest.param("efficientnet_lite2", 260, 6_092_072, 899, marks=pytest.mark.slow),
    ],
)
def test_parameters_and_multiply_adds_are_the_published_ones(variant, size, parameters, millions):
    """TensorFlow's table of the family; there batch norm has two parameters, here a bias one."""
    network = build_classifier(variant)
    biases = sum(
        layer.bias.shape[0] for layer in network.layers if getattr(layer, "bias", None) is not None
    )
    assert network.count_params() + biases - 1000 == parameters
    assert multiply_adds(network, (size, size, 3)) / 1e6 == pytest.approx(millions, rel=0.06)


@pytest.mark.parametrize("stride", [1, 2, 4])
def test_layers_are_called_after_the_scale_and_the_stage(encoders, stride):
    scales = {
        1: [1, 1, 2, 3, 4, 4, 5, 5],  # of the first convolution and the seven stages
        2: [0, 0, 1, 2, 3, 3, 4, 4],
        4: [0, 0, 0, 1, 2, 2, 3, 3],
    }[stride]
    found = {layer.name[: len("encoder_0_stage_0")] for layer in encoders[stride].layers[1:]}
    assert found == {f"encoder_{scale}_stage_{stage}" for stage, scale in enumerate(scales)}
    assert all(is_in_encoder(layer.name) for layer in encoders[stride].layers[1:])
    assert all(is_in_encoder(variable.path) for variable in encoders[stride].variables)
    assert not is_in_encoder("encoder_0_lateral/kernel")


def test_stages_halve_the_picture(encoders):
    outputs = encoders[1].compute_output_shape((2, 64, 96, 1))
    sides = [shape[1:3] for shape in outputs]
    assert sides == [(32, 48), (16, 24), (8, 12), (4, 6), (4, 6), (2, 3), (2, 3)]
    assert [shape[3] for shape in outputs] == [stage.filters for stage in stages_of(LITE0)]


def test_a_node_takes_the_last_stage_of_its_resolution_and_both_of_the_lowest():
    outputs = list("1234567")
    taken = ["".join(features_at(outputs, halvings)) for halvings in range(8)]
    assert taken == ["", "1", "2", "3", "5", "67", "", ""]


def test_it_computes_in_float32_whatever_the_precision():
    with building_at("mixed_bfloat16"):
        network = encoder(2)
    assert keras.config.dtype_policy().name == "float32"
    assert {layer.compute_dtype for layer in network.layers[1:]} == {"float32"}
