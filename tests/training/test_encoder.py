"""Training with a pretrained encoder: what rests, what moves, and that a run goes on exactly."""

from collections import Counter
from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_colorize.config import PRESETS, GeneratorConfig
from keras_colorize.models import efficientnet_lite
from keras_colorize.models.efficientnet_lite import is_in_encoder
from keras_colorize.models.generator import build_generator
from keras_colorize.training.batch_statistics import reestimate_statistics
from keras_colorize.training.building import build_gan
from keras_colorize.training.gradients import variables_by_scale
from keras_colorize.training.optimizers import EncoderAdam
from keras_colorize.training.rematerialization import rematerialized

TINY = PRESETS["tiny"]
NETWORK = GeneratorConfig((4, 8, 8, 8, 8), 2, "unet", "efficientnet_lite0", 1)
NORMS = [f"gradient_norm_{scale}" for scale in range(5)]


@pytest.fixture(scope="module", autouse=True)
def small():
    """Makes the encoder half as deep and a quarter as wide, so that it is built quickly."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(efficientnet_lite._SCALING, "efficientnet_lite0", (0.25, 0.5))
        yield


def preset(**recipe):
    training = replace(
        TINY.training,
        **{"encoder_weights": "imagenet", "frozen_encoder_epochs": 1, "ema": 0.5} | recipe,
    )
    return replace(TINY, generator=NETWORK, training=training)


def make(steps=4, *, rematerialize=False, **recipe):
    keras.utils.set_random_seed(7)
    return build_gan(preset(**recipe), steps, rematerialize=rematerialize)


@pytest.fixture(scope="module")
def pair(batch):
    return tuple(tf.constant(x[:2]) for x in batch)


def step(gan, pair):
    return {name: float(value) for name, value in gan.train_step(pair).items()}


def values(network):
    return {v.path: v.numpy().copy() for v in network.weights}


def changed(before, after):
    """Paths of the weights that are not the same to the bit."""
    return {path for path in before if not np.array_equal(before[path], after[path])}


def state(gan):
    parts = (
        gan.generator,
        gan.discriminator,
        gan.ema_generator,
        gan.generator_optimizer,
        gan.discriminator_optimizer,
    )
    return [v.numpy().copy() for part in parts for v in part.variables]


def test_a_frozen_encoder_stays_to_the_bit_and_then_moves(pair):
    gan = make()
    encoder = {path for path in values(gan.generator) if is_in_encoder(path)}
    depthwise = {path for path in encoder if "_depthwise" in path}
    biases = {path for path in encoder if path.endswith("/bias")}
    assert len(encoder) > 40 and len(depthwise) == 2 * 10
    gan.frozen_encoder = True
    start = values(gan.generator)
    step(gan, pair)
    frozen = values(gan.generator)
    moved = changed(start, frozen)
    assert not moved & encoder
    assert moved > {path for path in start if "_conv_1/kernel" in path and path not in encoder}
    gan.frozen_encoder = False
    step(gan, pair)
    after = values(gan.generator)
    assert changed(frozen, after) & encoder == encoder - depthwise - biases
    average = values(gan.ema_generator)
    assert changed(start, average) == changed(start, after)


def test_the_encoder_moves_by_a_share_of_its_filters(pair):
    """A first step of Adam is as long as the rate, wherever there is a gradient."""
    gan = make(frozen_encoder_epochs=0, encoder_rate_ratio=2.0, learning_rate=1e-3)
    gan.adversarial = False
    before = values(gan.generator)
    step(gan, pair)
    after = values(gan.generator)
    kernels = [path for path in before if path.endswith("/kernel") and "_depthwise/" not in path]
    for path in kernels:
        length = np.abs(after[path] - before[path]).max((0, 1, 2))
        if is_in_encoder(path):
            shares = length / np.sqrt(np.mean(before[path] ** 2, axis=(0, 1, 2)))
            assert shares.max() == pytest.approx(2e-3, rel=1e-2), path
        else:
            assert length.max() == pytest.approx(1e-3, rel=1e-2), path


@pytest.mark.parametrize(
    ("recipe", "kind", "start"),
    [
        ({"frozen_encoder_epochs": 3}, EncoderAdam, 24),
        ({"frozen_encoder_epochs": 3, "accumulation": 2}, EncoderAdam, 12),
        ({"encoder_weights": None, "frozen_encoder_epochs": 0}, keras.optimizers.Adam, None),
    ],
)
def test_optimizers_follow_the_recipe(recipe, kind, start):
    gan = make(8, encoder_rate_ratio=0.3, beta_1=0.7, **recipe)
    optimizer = gan.generator_optimizer
    assert type(optimizer) is kind and optimizer.beta_1 == 0.7
    assert type(gan.discriminator_optimizer) is keras.optimizers.Adam
    resting = {v.path for v in gan.generator.weights} - {
        v.path for v in gan.generator.trainable_weights
    }
    resting = {path for path in resting if "/moving_" not in path}
    if start is None:
        assert resting == set()
    else:
        assert (optimizer.encoder_rate_ratio, optimizer.encoder_start) == (0.3, start)
        assert resting == {p for p in values(gan.generator) if "_depthwise/" in p}


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_a_step_of_less_precision_is_finite(pair, precision):
    gan = make(precision=precision)
    lateral = gan.generator.get_layer("encoder_1_lateral")
    assert lateral.compute_dtype == precision
    stem = gan.generator.get_layer("encoder_0_stage_0_conv")
    assert stem.compute_dtype == "float32"
    copy = gan.ema_generator.get_layer("encoder_1_lateral")
    assert copy.compute_dtype == precision
    logs = step(gan, pair)
    assert all(map(np.isfinite, logs.values()))
    assert all(np.isfinite(v).all() for v in values(gan.generator).values())


def test_gradient_norms_are_of_all_scales(pair):
    gan = make()
    assert list(gan.scales) == NORMS
    positions = sorted(sum(gan.scales.values(), []))
    assert positions == list(range(len(gan.generator.trainable_variables)))
    norms = {}
    for gan.frozen_encoder in (True, False):
        gan.reset_metrics()
        norms[gan.frozen_encoder] = step(gan, pair)
    assert all(norms[False][name] > 0 for name in NORMS)
    assert all(norms[True][name] > 0 for name in NORMS)


def needed(graph):
    """How often each kind of operation takes part in what a graph gives or changes."""
    pending = [tensor.op for tensor in graph.outputs] + list(graph.control_outputs)
    found = set()
    while pending:
        if (operation := pending.pop()) not in found:
            found.add(operation)
            pending += [x.op for x in operation.inputs] + list(operation.control_inputs)
    return Counter(operation.type for operation in found)


def test_gradients_of_what_rests_are_not_computed(pair):
    """So a step costs less; the depthwise kernels' gradients are never computed."""
    gan = make()
    gan.adversarial = False
    counts = {}
    for frozen in (False, True):
        gan.frozen_encoder = frozen
        counts[frozen] = needed(tf.function(gan.train_step).get_concrete_function(pair).graph)
    encoder = [x for x in gan.generator.layers if is_in_encoder(x.name)]
    convolutions = [x for x in encoder if type(x) is keras.layers.Conv2D]
    depthwise = [x for x in encoder if type(x) is keras.layers.DepthwiseConv2D]
    kernels = [counts[frozen]["Conv2DBackpropFilter"] for frozen in (False, True)]
    assert kernels[0] - kernels[1] == len(convolutions) > 15
    inputs = [counts[k]["DepthwiseConv2dNativeBackpropInput"] for k in (False, True)]
    assert inputs == [len(depthwise), 0]
    assert all(counts[k]["DepthwiseConv2dNative"] == len(depthwise) for k in counts)
    assert not any(counts[k]["DepthwiseConv2dNativeBackpropFilter"] for k in counts)


@pytest.mark.parametrize(("stride", "aggregation"), [(1, "unet"), (4, "improved_dla")])
def test_activations_that_are_computed_twice_change_nothing(stride, aggregation):
    keras.utils.set_random_seed(1)
    generator = build_generator(replace(NETWORK, chroma_stride=stride, aggregation=aggregation))
    lightness = tf.random.stateless_uniform((2, 64, 64, 1), (1, 2), -1, 1)

    def plain(weights, others, x):
        return generator.stateless_call(weights, others, x, training=True)

    results = []
    for call in (plain, rematerialized(generator)):
        weights = [tf.convert_to_tensor(v.value) for v in generator.trainable_variables]
        others = [tf.convert_to_tensor(v.value) for v in generator.non_trainable_variables]
        with tf.GradientTape() as tape:
            tape.watch(weights)
            ab, new = call(weights, others, lightness)
            loss = tf.reduce_sum(ab * ab)
        results.append([ab, *new, *tape.gradient(loss, weights)])
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)


def test_a_step_of_a_frozen_encoder_with_activations_computed_twice_is_the_same(pair):
    results = []
    for rematerialize in (False, True):
        gan = make(rematerialize=rematerialize)
        gan.frozen_encoder = True
        logs = step(gan, pair)
        results.append((logs, [v.numpy() for v in gan.ema_generator.weights]))
    assert results[1][0] == pytest.approx(results[0][0], rel=1e-4)
    for a, b in zip(results[0][1], results[1][1], strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4)


@pytest.mark.parametrize("ema", [0.0, 0.5])
def test_measuring_statistics_leaves_what_rests_at_rest(pair, ema):
    gan = make(ema=ema)
    before = [v.path for v in gan.generator.trainable_variables]
    frozen = [v.path for v in gan.best_generator.trainable_variables]
    reestimate_statistics(gan.best_generator, [pair[0]])
    assert [v.path for v in gan.generator.trainable_variables] == before
    assert [v.path for v in gan.best_generator.trainable_variables] == frozen
    step(gan, pair)  # the optimizer still knows all that it is given


def test_a_run_goes_on_over_the_end_of_the_rest_to_the_bit(pair, tmp_path):
    unbroken = make(1)
    unbroken.frozen_encoder = True
    step(unbroken, pair)
    unbroken.save_weights(tmp_path / "gan.weights.h5")
    unbroken.save(tmp_path / "gan.keras")
    stopped = state(unbroken)
    unbroken.frozen_encoder = False
    step(unbroken, pair)
    resumed = make(1)
    resumed.load_weights(tmp_path / "gan.weights.h5")
    whole = keras.saving.load_model(tmp_path / "gan.keras")
    assert whole.optimizer.encoder_start == 1
    for gan in (resumed, whole):
        assert all(map(np.array_equal, state(gan), stopped))
        step(gan, pair)
        for ours, theirs in zip(state(gan), state(unbroken), strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_the_average_is_a_copy_of_its_own(pair):
    gan = make()
    ours, average = gan.generator, gan.ema_generator
    assert type(average) is type(ours) and average.config == ours.config
    assert [v.path for v in average.weights] == [v.path for v in ours.weights]
    assert not changed(values(ours), values(average))
    assert average.trainable_variables == []
    before = values(ours)
    step(gan, pair)
    after, now = values(ours), values(average)
    decay = min(0.5, 2 / 11)
    for path in before:
        expected = before[path] + (1 - decay) * (after[path] - before[path])
        np.testing.assert_allclose(now[path], expected, atol=1e-5)


def test_scales_of_a_network_at_each_stride():
    for stride in (1, 2, 4):
        groups = variables_by_scale(build_generator(replace(NETWORK, chroma_stride=stride)))
        assert list(groups) == NORMS
