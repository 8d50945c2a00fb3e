"""Networks under a constraint: what it leaves of them, and that they learn under it."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

from keras_colorize.exporting.clustering import Clustering
from keras_colorize.exporting.distillation import Distillation
from keras_colorize.exporting.equalization import equalize
from keras_colorize.exporting.pruning import Pruning
from keras_colorize.exporting.quantization import Quantization
from keras_colorize.exporting.tflite import cover
from keras_colorize.imaging.color import scale_lightness
from keras_colorize.inference.tflite_weights import folded_generator, read_constants
from keras_colorize.models.folding import fold_batch_norm
from keras_colorize.models.generator import config_of

SIZE = (64, 64)
STEPS = 8


@pytest.fixture(scope="module")
def lightness_scaled(samples):
    return scale_lightness(cover(samples, SIZE))


@pytest.fixture(scope="module")
def folded(small_generator):
    return fold_batch_norm(small_generator)


@pytest.fixture(scope="module")
def equalized(folded, lightness_scaled):
    return equalize(folded, lightness_scaled)


@pytest.fixture(scope="module")
def expected(equalized, lightness_scaled):
    return equalized.predict(lightness_scaled, verbose=0)


def errors(compression, lightness_scaled, expected, **options):
    ab = np.asarray(compression(lightness_scaled, **options))
    return (ab - expected).std() / expected.std()


def learn(compression, parent, lightness_scaled, rate=1e-3):
    """Learns the parent's own colours, and returns the losses of each step.

    Step by step, without a graph: that takes longer to make than these steps. The command's tests
    have it.
    """
    distillation = Distillation(compression, parent, rate, STEPS)
    full = np.repeat(np.repeat(parent.predict(lightness_scaled, verbose=0), 2, 1), 2, 2)
    found = []
    tf.config.run_functions_eagerly(True)
    try:
        for _ in range(STEPS):
            distillation.reset_means()
            found.append(distillation.step(tf.constant(lightness_scaled), tf.constant(full)))
    finally:
        tf.config.run_functions_eagerly(False)
    compression.end_epoch()
    return found


def kernels(network):
    """Those that are pruned and clustered."""
    return [layer.get_weights()[0] for layer in network.layers[:-1] if layer.weights]


def same(network, other):
    pairs = zip(network.get_weights(), other.get_weights(), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)


@pytest.fixture(scope="module")
def quantized(equalized, folded, lightness_scaled, tmp_path_factory):
    """One that has learnt a little, and its file."""
    compression = Quantization(equalized, lightness_scaled)
    learn(compression, folded, lightness_scaled, rate=1e-4)
    path = tmp_path_factory.mktemp("quantized") / "small.tflite"
    path.write_bytes(compression.tflite([SIZE], ()))
    return compression, path


def test_the_file_computes_what_the_network_learnt_with(quantized, lightness_scaled, expected):
    compression, path = quantized
    emulated = np.asarray(compression(lightness_scaled))
    assert 0 < (emulated - expected).std() < 0.1 * expected.std()
    runner = Interpreter(str(path)).get_signature_runner("colorize")
    ab = np.concatenate([runner(lightness=50 * (x[None] + 1))["ab"] for x in lightness_scaled])
    # The order of a sum decides some roundings.
    assert (ab / 110 - emulated).std() < 0.5 * (emulated - expected).std()


def test_the_files_weights_are_those_of_the_result(quantized, equalized):
    compression, path = quantized
    result, constants = compression.result(), read_constants(path)
    assert not same(result, equalized)
    read = folded_generator(constants, config_of(result))
    for ours, theirs in zip(read.get_weights(), result.get_weights(), strict=True):
        assert np.abs(ours - theirs).max() < 0.51 / 127 * np.abs(theirs).max()


def test_what_is_concatenated_has_one_scale(quantized):
    """So the file has no operation that only scales anew."""
    parsed = schema.ModelT.InitFromPackedBuf(quantized[1].read_bytes(), 0)
    graph = parsed.subgraphs[0]
    codes = [parsed.operatorCodes[op.opcodeIndex].builtinCode for op in graph.operators]
    assert codes.count(schema.BuiltinOperator.QUANTIZE) == 1  # the input
    assert codes.count(schema.BuiltinOperator.CONCATENATION) == 4
    for op, code in zip(graph.operators, codes, strict=True):
        if code == schema.BuiltinOperator.CONCATENATION:
            tensors = [graph.tensors[k] for k in (*op.inputs, *op.outputs)]
            scales = [float(tensor.quantization.scale[0]) for tensor in tensors]
            assert scales == pytest.approx([6 / 255] * 3)


@pytest.mark.slow
def test_a_quantized_network_learns(equalized, folded, lightness_scaled):
    random = np.random.default_rng(0)
    worse = keras.models.clone_model(equalized)
    worse.set_weights(
        [w + 0.2 * w.std() * random.standard_normal(w.shape) for w in equalized.get_weights()]
    )
    compression = Quantization(worse, lightness_scaled)
    losses = learn(compression, folded, lightness_scaled)
    assert losses[-1]["parent_loss"] < 0.8 * losses[0]["parent_loss"]
    assert not same(compression.result(), worse)


@pytest.mark.parametrize("sparsity", [0.5, pytest.param(0.8, marks=pytest.mark.slow)])
def test_a_pruned_network_ends_with_its_share_of_zeros(
    sparsity, equalized, folded, lightness_scaled, expected
):
    compression = Pruning(equalized, sparsity, STEPS)
    assert errors(compression, lightness_scaled, expected) < 1e-5
    losses = learn(compression, folded, lightness_scaled)
    network = compression.result()
    for kernel in kernels(network):
        assert (kernel == 0).sum() == kernel.size - round(kernel.size * (1 - sparsity))
    assert (network.layers[-1].get_weights()[0] != 0).all()
    assert max(loss["parent_loss"] for loss in losses) > losses[0]["parent_loss"]
    ab = network.predict(lightness_scaled, verbose=0)
    assert errors(compression, lightness_scaled, ab) < 1e-5


@pytest.mark.slow  # the default suite has it in test_compress.py
@pytest.mark.parametrize("clusters", [4, 16])
def test_a_clustered_network_has_few_values(
    clusters, equalized, folded, lightness_scaled, expected
):
    compression = Clustering(equalized, clusters)
    before = errors(compression, lightness_scaled, expected)
    assert 0 < before < (0.7 if clusters == 16 else 1.5)
    losses = learn(compression, folded, lightness_scaled)
    assert losses[-1]["parent_loss"] < losses[0]["parent_loss"]
    network = compression.result()
    counts = [len(np.unique(kernel)) for kernel in kernels(network)]
    assert max(counts) == clusters
    assert len(np.unique(network.layers[-1].get_weights()[0])) == 16
    ab = network.predict(lightness_scaled, verbose=0)
    assert errors(compression, lightness_scaled, ab) < 1e-5


@pytest.mark.slow
@pytest.mark.parametrize("method", [Quantization, Pruning, Clustering])
def test_what_is_saved_is_all_that_there_is(method, equalized, folded, lightness_scaled, tmp_path):
    def fresh():
        arguments = {
            Quantization: (lightness_scaled,),
            Pruning: (0.5, STEPS),
            Clustering: (8,),
        }
        return Distillation(method(equalized, *arguments[method]), folded, 1e-3, STEPS)

    x = tf.constant(lightness_scaled)
    ab = tf.repeat(tf.repeat(folded(x), 2, 1), 2, 2)
    first, second = fresh(), fresh()
    for _ in range(3):
        first.step(x, ab)
    first.save_weights(tmp_path / "state.h5")
    second.load_weights(tmp_path / "state.h5")
    for each in (first, second):
        for _ in range(3):
            each.step(x, ab)
    assert first.learning_rate() == second.learning_rate() < 1e-3
    assert same(first.compression.result(), second.compression.result())
    assert not same(first.compression.result(), fresh().compression.result())
