"""The generator: size, wiring, shapes, and what it is to Keras."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_colorize.config import AGGREGATIONS, PRESETS, GeneratorConfig
from keras_colorize.models.discriminator import build_discriminator
from keras_colorize.models.generator import Generator, build_generator, config_of
from keras_colorize.models.precision import building_at

SMALL = (2, 3, 4, 5, 6)

# X(i, j): what it concatenates, the node below (upsampled) first. Written out from the figures
# and tables of the design, not computed.
SHORT = {
    (0, 1): [(1, 0), (0, 0)],
    (1, 1): [(2, 0), (1, 0)],
    (2, 1): [(3, 0), (2, 0)],
    (3, 1): [(4, 0), (3, 0)],
    (0, 2): [(1, 1), (0, 1)],
    (1, 2): [(2, 1), (1, 1)],
    (2, 2): [(3, 1), (2, 1)],
    (0, 3): [(1, 2), (0, 2)],
    (1, 3): [(2, 2), (1, 2)],
    (0, 4): [(1, 3), (0, 3)],
}
WIRING = {
    "dla": SHORT,
    "improved_dla": {
        **SHORT,
        (1, 3): [(2, 2), (1, 2), (1, 1)],
        (0, 4): [(1, 3), (0, 3), (0, 1)],
    },
    "unet++": {
        **SHORT,
        (0, 2): [(1, 1), (0, 1), (0, 0)],
        (1, 2): [(2, 1), (1, 1), (1, 0)],
        (2, 2): [(3, 1), (2, 1), (2, 0)],
        (0, 3): [(1, 2), (0, 2), (0, 1), (0, 0)],
        (1, 3): [(2, 2), (1, 2), (1, 1), (1, 0)],
        (0, 4): [(1, 3), (0, 3), (0, 2), (0, 1), (0, 0)],
    },
    "unet": {
        (3, 1): [(4, 0), (3, 0)],
        (2, 2): [(3, 1), (2, 0)],
        (1, 3): [(2, 2), (1, 0)],
        (0, 4): [(1, 3), (0, 0)],
    },
}
ENCODER = [(i, 0) for i in range(5)]


def block_output(node):
    i, j = node
    return f"encoder_{i}_conv_3_relu" if j == 0 else f"node_{i}_{j}_conv_3_relu"


def parents(layer):
    """Names of the layers whose outputs a layer of a functional model takes, in order."""
    (node,) = layer._inbound_nodes
    return [tensor._keras_history.operation.name for tensor in node.input_tensors]


def first_ancestor(model, name):
    """The layer at the beginning of [convolution, batch norm, ReLU] that ends in `name`."""
    for suffix in ("_relu", "_bn"):
        assert name.endswith("_relu") or suffix == "_bn"
        (name,) = parents(model.get_layer(name))
    return name


@pytest.fixture(scope="module")
def models():
    return {a: build_generator(GeneratorConfig(SMALL, aggregation=a)) for a in AGGREGATIONS}


@pytest.fixture(scope="module")
def paper():
    return build_generator()


def test_the_papers_size(paper):
    trained = sum(int(np.prod(v.shape)) for v in paper.trainable_variables)
    assert paper.count_params() == 50_623_938
    assert trained == 50_623_938 - 2 * sum(
        layer.gamma.shape[0] for layer in paper.layers if "BatchNormalization" in str(type(layer))
    )


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
def test_nodes_take_what_the_design_says(models, aggregation):
    model, wiring = models[aggregation], WIRING[aggregation]
    concats = {layer.name for layer in model.layers if layer.name.endswith("_concat")}
    assert concats == {f"node_{i}_{j}_concat" for i, j in wiring}
    for (i, j), (below, *skips) in wiring.items():
        up, *taken = parents(model.get_layer(f"node_{i}_{j}_concat"))
        assert first_ancestor(model, up) == f"node_{i}_{j}_up"
        assert parents(model.get_layer(f"node_{i}_{j}_up")) == [block_output(below)]
        assert taken == [block_output(skip) for skip in skips], (i, j)
        assert parents(model.get_layer(f"node_{i}_{j}_conv_1")) == [f"node_{i}_{j}_concat"]


def test_the_encoder_goes_down_in_one_chain(models):
    model = models["improved_dla"]
    assert parents(model.get_layer("encoder_0_conv_1")) == ["lightness_scaled"]
    for i in (1, 2, 3, 4):
        assert parents(model.get_layer(f"encoder_{i}_down")) == [block_output((i - 1, 0))]
        assert parents(model.get_layer(f"encoder_{i}_conv_1")) == [f"encoder_{i}_down_relu"]
    assert parents(model.get_layer("ab_scaled")) == [block_output((0, 4))]


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
def test_every_node_is_a_block_of_its_scales_width(models, aggregation):
    model = models[aggregation]
    for i, j in [*ENCODER, *WIRING[aggregation]]:
        name = f"node_{i}_{j}" if j else f"encoder_{i}"
        for k in (1, 2, 3):
            layer = model.get_layer(f"{name}_conv_{k}")
            assert (layer.filters, layer.kernel_size, layer.strides) == (SMALL[i], (3, 3), (1, 1))
            relu = f"{name}_conv_{k}_relu"
            assert first_ancestor(model, relu) == f"{name}_conv_{k}"
            if k < 3:
                assert parents(model.get_layer(f"{name}_conv_{k + 1}")) == [relu]
        if i or j:
            layer = model.get_layer(f"{name}_up" if j else f"{name}_down")
            assert (layer.filters, layer.kernel_size, layer.strides) == (SMALL[i], (4, 4), (2, 2))
    out = model.get_layer("ab_scaled")
    assert (out.filters, out.kernel_size, out.activation.__name__) == (2, (1, 1), "tanh")


def test_channels_into_the_papers_nodes(paper):
    """The table's column, channels in."""
    channels = {
        "encoder_0": 1, "encoder_1": 128, "encoder_2": 256, "encoder_3": 512, "encoder_4": 512,
        "node_0_1": 128, "node_1_1": 256, "node_2_1": 512, "node_3_1": 1024,
        "node_0_2": 128, "node_1_2": 256, "node_2_2": 512,
        "node_0_3": 128, "node_1_3": 384, "node_0_4": 192,
    }  # fmt: skip
    found = {name: paper.get_layer(f"{name}_conv_1").kernel.shape[2] for name in channels}
    assert found == channels


@pytest.mark.parametrize(
    ("stride", "size"), [(1, (16, 48)), (2, (32, 96)), (4, (64, 64)), (4, (192, 128))]
)
def test_takes_any_multiple_of_16_c(stride, size, lightness_scaled):
    config = GeneratorConfig(SMALL, stride)
    assert config.size_multiple == 16 * stride
    ab = build_generator(config)(lightness_scaled(2, *size))
    assert tuple(ab.shape) == (2, size[0] // stride, size[1] // stride, 2)
    assert float(abs(keras.ops.max(abs(ab)))) <= 1.0


@pytest.mark.parametrize(("stride", "size"), [(1, (24, 16)), (2, (32, 48)), (4, (64, 160))])
def test_takes_no_other_size(stride, size, lightness_scaled):
    model = build_generator(GeneratorConfig(SMALL, stride))
    with pytest.raises((ValueError, tf.errors.InvalidArgumentError), match="Concat"):
        model(lightness_scaled(1, *size))


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_output_is_named_bounded_and_float32(policy, randomize, lightness_scaled):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        model = build_generator(GeneratorConfig(SMALL))
    finally:
        keras.config.set_dtype_policy(before)
    out = model.get_layer("ab_scaled")
    out.set_weights([50 * w for w in randomize(model).get_layer("ab_scaled").get_weights()])
    ab = model(lightness_scaled(1, 32, 32))
    assert model.get_layer("encoder_0_conv_1").compute_dtype == policy.removeprefix("mixed_")
    assert ab.dtype == "float32"
    assert 0.9 < float(keras.ops.max(abs(ab))) <= 1.0
    names = [model.name, model.input.name, model.layers[-1].name]
    assert names == ["generator", "lightness_scaled", "ab_scaled"]


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
def test_configuration_reads_back(models, aggregation):
    assert config_of(models[aggregation]) == GeneratorConfig(SMALL, 1, aggregation)
    config = GeneratorConfig(SMALL[::-1], 4, aggregation)
    assert config_of(build_generator(config, batch_norm=False)) == config


def test_configuration_reads_back_from_a_file(tmp_path, lightness_scaled):
    config = PRESETS["tiny"].generator
    model = build_generator(config)
    model.save(tmp_path / "generator.keras")
    loaded = keras.saving.load_model(tmp_path / "generator.keras")
    assert config_of(loaded) == config
    x = lightness_scaled(1, 32, 64)
    np.testing.assert_array_equal(loaded(x), model(x))


def test_configuration_reads_back_from_a_file_without_one(tmp_path, lightness_scaled):
    """As runs wrote them before a generator had its configuration with it."""
    config = PRESETS["tiny"].generator
    built = build_generator(config)
    model = keras.Model(built.input, built.output, name="generator")
    assert not isinstance(model, Generator)
    model.save(tmp_path / "generator.keras")
    loaded = keras.saving.load_model(tmp_path / "generator.keras")
    assert config_of(loaded) == config
    x = lightness_scaled(1, 32, 64)
    np.testing.assert_array_equal(loaded(x), model(x))
    model = build_generator(config)
    model.set_weights(loaded.get_weights())
    np.testing.assert_allclose(model(x), loaded(x), atol=1e-6)


def test_a_file_keeps_precision_and_what_rests(tmp_path):
    with building_at("mixed_bfloat16"):
        model = build_generator(GeneratorConfig(SMALL, aggregation="unet"))
    model.get_layer("encoder_2_conv_1").trainable = False
    model.save(tmp_path / "generator.keras")
    loaded = keras.saving.load_model(tmp_path / "generator.keras")
    assert keras.config.dtype_policy().name == "float32"
    assert loaded.get_layer("encoder_1_conv_1").compute_dtype == "bfloat16"
    assert [v.path for v in loaded.trainable_variables] == [
        v.path for v in model.trainable_variables
    ]
    assert len(loaded.trainable_variables) == len(loaded.trainable_weights)
    model.trainable = False  # as the average of a training is
    model.save(tmp_path / "generator.keras")
    assert keras.saving.load_model(tmp_path / "generator.keras").trainable_variables


def test_another_model_has_no_configuration():
    inputs = keras.Input((4,))
    other = keras.Model(inputs, keras.layers.Dense(2)(inputs))
    with pytest.raises(ValueError, match="it is not a generator"):
        config_of(other)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"widths": (1, 2, 3, 4)}, "five positive numbers"),
        ({"widths": (1, 2, 3, 4, 0)}, "five positive numbers"),
        ({"chroma_stride": 3}, "1, 2 or 4"),
        ({"aggregation": "resnet"}, "aggregation must be one of"),
        ({"encoder": "resnet"}, "encoder must be one of"),
        ({"convolutions": 0}, "convolutions must be at least 1"),
    ],
)
def test_refuses_impossible_configurations(arguments, message):
    with pytest.raises(ValueError, match=message):
        GeneratorConfig(**arguments)


def test_layers_keep_their_names_however_often_they_are_built(paper, models):
    small = models["improved_dla"]
    assert [v.path for v in paper.variables] == [v.path for v in small.variables]
    assert [layer.name for layer in paper.layers] == [layer.name for layer in small.layers]


def test_a_preset_is_taken_by_its_name():
    assert config_of(build_generator("tiny")) == PRESETS["tiny"].generator
    assert build_discriminator("tiny").count_params() == (
        build_discriminator(PRESETS["tiny"].discriminator).count_params()
    )


@pytest.mark.parametrize("build", [build_generator, build_discriminator])
def test_other_configurations_are_a_sentence(build):
    with pytest.raises(ValueError, match=r"^There is no preset 'huge'; the presets are .*tiny"):
        build("huge")
    with pytest.raises(TypeError, match=r"or a preset's name, not 5\.$"):
        build(5)


def test_keras_trains_a_generator_by_itself_against_ab_at_its_own_resolution():
    keras.utils.set_random_seed(0)
    generator = build_generator("tiny")
    generator.compile(keras.optimizers.Adam(1e-3), "mae", metrics=["mse"])
    rng = np.random.default_rng(0)
    lightness = rng.uniform(-1, 1, (2, 32, 64, 1)).astype(np.float32)
    ab = rng.uniform(-1, 1, (2, 32, 64, 2)).astype(np.float32)
    error = generator.predict(lightness, verbose=0) - ab.reshape(2, 16, 2, 32, 2, 2).mean((2, 4))
    scores = generator.evaluate(lightness, ab, verbose=0, return_dict=True)
    assert scores["loss"] == pytest.approx(np.abs(error).mean(), rel=1e-4)
    assert scores["mse"] == pytest.approx(np.square(error).mean(), rel=1e-4)
    history = generator.fit(lightness, ab, epochs=8, verbose=0).history
    assert history["loss"][-1] < history["loss"][0]
