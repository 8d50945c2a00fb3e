"""Convolutions of a single picture compute what Keras's layers do."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_colorize.config import GeneratorConfig
from keras_colorize.models.generator import build_generator
from keras_colorize.training.convolving import speed_up_convolutions
from keras_colorize.training.rematerialization import rematerialized

LAYERS = {
    "convolution": (keras.layers.Conv2D, 3, 1),
    "down": (keras.layers.Conv2D, 4, 2),
    "up": (keras.layers.Conv2DTranspose, 4, 2),
}


def network(kind="convolution", policy="float32", **settings):
    layer, size, stride = LAYERS[kind]
    settings = {"strides": stride, "padding": "same", "activation": "tanh", **settings}
    x = keras.Input((None, None, 6))
    return keras.Model(x, layer(4, size, dtype=policy, name="layer", **settings)(x))


def pair(*arguments, **settings):
    """The same network twice, the second one faster."""
    networks = [network(*arguments, **settings) for _ in range(2)]
    random = np.random.default_rng(0)
    weights = [random.normal(0, 0.3, w.shape) for w in networks[0].get_weights()]
    for one in networks:
        one.set_weights(weights)
    speed_up_convolutions(networks[1])
    return networks


def picture(batch=1, height=10, width=6):
    return tf.random.stateless_normal((batch, height, width, 6), (1, 2))


def graph(call, x):
    """The operations of a pass and its gradient."""

    def passes(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = call(x)
        return tape.gradient(y, [x, *tape.watched_variables()])

    nodes = tf.function(passes).get_concrete_function(x).graph.as_graph_def().node
    return sorted(node.op for node in nodes)


@pytest.mark.parametrize("use_bias", [True, False])
@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("shape", [(10, 6), (2, 2), (16, 32)])
def test_outputs_and_gradients_are_the_same(kind, use_bias, shape):
    x = picture(1, *shape)
    results = []
    for one in pair(kind, use_bias=use_bias):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = one(x, training=True)
            loss = tf.reduce_sum(y**3)
        variables = [v.value for v in one.trainable_variables]
        results.append([y, *tape.gradient(loss, [x, *variables])])
    assert len(results[0]) == 3 + use_bias
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", LAYERS)
def test_only_single_pictures_take_the_other_way(kind):
    plain, fast = pair(kind)
    usual = {"Conv2D", "Conv2DBackpropFilter"}
    assert usual & set(graph(plain, picture()))
    assert not usual & set(graph(fast, picture()))
    for x in (picture(2), tf.TensorSpec((None, 8, 8, 6)), tf.TensorSpec((1, None, None, 6))):
        assert graph(fast, x) == graph(plain, x)


@pytest.mark.parametrize(
    ("kind", "settings", "shape"),
    [
        ("convolution", {"policy": "mixed_bfloat16"}, (8, 8)),
        ("convolution", {"padding": "valid"}, (8, 8)),
        ("convolution", {"dilation_rate": 2}, (8, 8)),
        ("convolution", {"groups": 2}, (8, 8)),
        ("convolution", {"strides": 2}, (8, 8)),
        ("down", {"strides": 1}, (8, 8)),
        ("down", {}, (8, 7)),
        ("down", {}, (7, 8)),
        ("up", {"output_padding": 1}, (8, 8)),
    ],
)
def test_other_convolutions_take_the_usual_way(kind, settings, shape):
    plain, fast = pair(kind, **settings)
    x = picture(1, *shape)
    assert graph(fast, x) == graph(plain, x)
    np.testing.assert_array_equal(fast(x), plain(x))


def test_a_gpu_is_left_alone(monkeypatch):
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind: [f"/{kind}:0"])
    _, fast = pair()
    assert "call" not in vars(fast.get_layer("layer"))


def test_files_and_copies_know_nothing_of_it(tmp_path):
    _, fast = pair()
    fast.save(tmp_path / "network.keras")
    loaded = keras.saving.load_model(tmp_path / "network.keras")
    for other in (loaded, keras.models.clone_model(fast)):
        assert type(other.get_layer("layer")) is keras.layers.Conv2D
        assert "call" not in vars(other.get_layer("layer"))
    np.testing.assert_allclose(loaded(picture()), fast(picture()), atol=1e-6)


def test_rematerialized_blocks_compute_the_same():
    keras.utils.set_random_seed(1)
    generator = build_generator(GeneratorConfig((2, 3, 4, 5, 6), 2, "unet"))
    weights = [tf.convert_to_tensor(v.value) for v in generator.trainable_variables]
    others = [tf.convert_to_tensor(v.value) for v in generator.non_trainable_variables]
    lightness = tf.random.stateless_uniform((1, 64, 96, 1), (1, 2), -1, 1)

    def results(call):
        with tf.GradientTape() as tape:
            tape.watch(weights)
            ab, new = call(weights, others, lightness)
            loss = tf.reduce_sum(ab * ab)
        return [ab, *new, *tape.gradient(loss, weights)]

    expected = results(lambda *values: generator.stateless_call(*values, training=True))
    speed_up_convolutions(generator)
    for ours, theirs in zip(results(rematerialized(generator)), expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-4 * np.abs(theirs).max())


def test_a_step_of_training_is_the_same(make_gan, batch):
    one = tuple(part[:1] for part in batch)
    gans = []
    for plain in (True, False):
        gan = make_gan(ema=0.5)
        if plain:
            for layer in (*gan.generator.layers, *gan.discriminator.layers):
                vars(layer).pop("call", None)
        gan.compile(keras.optimizers.SGD(0.01), keras.optimizers.SGD(0.1))
        gans.append((gan, gan.train_on_batch(*one, return_dict=True)))
    (plain, expected), (fast, logs) = gans
    assert logs == pytest.approx(expected, rel=1e-4)
    for ours, theirs in zip(fast.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)
