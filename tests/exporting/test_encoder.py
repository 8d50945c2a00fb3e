"""Networks with an encoder of EfficientNet-Lite, in every file that a network is exported to."""

import keras
import numpy as np
import pytest
from click.testing import CliRunner

from keras_colorize.cli.main import main
from keras_colorize.config import GeneratorConfig
from keras_colorize.exporting.delegation import delegation_of
from keras_colorize.exporting.equalization import equalize, measured_scales, rescale
from keras_colorize.exporting.kinds import KINDS
from keras_colorize.exporting.metadata import with_metadata
from keras_colorize.exporting.onnx import convert_to_onnx
from keras_colorize.exporting.parity import (
    SAME_OPERATIONS_TOLERANCE,
    assert_parity,
    probe_lightness,
)
from keras_colorize.exporting.saved_model import export_saved_model
from keras_colorize.exporting.tflite import convert, cover
from keras_colorize.imaging.color import scale_lightness
from keras_colorize.inference.flops import flops_of
from keras_colorize.inference.generators import load_generator
from keras_colorize.inference.runtime import KerasRuntime, load_runtime
from keras_colorize.inference.tflite_operators import read_operators
from keras_colorize.models.folding import fold_batch_norm, unfold_batch_norm
from keras_colorize.models.generator import build_generator, config_of

CONFIG = GeneratorConfig((8,) * 5, 4, encoder="efficientnet_lite0", convolutions=1)
SIDE = 64


@pytest.fixture(scope="module")
def encoded():
    generator = build_generator(CONFIG)
    random = np.random.default_rng(0)
    weights = []
    for variable, value in zip(generator.weights, generator.get_weights(), strict=True):
        if "variance" in variable.path or "gamma" in variable.path:
            value = random.uniform(0.8, 1.25, value.shape)
        elif value.ndim == 1:
            value = random.normal(0.0, 0.05, value.shape)
        weights.append(value)
    generator.set_weights(weights)
    return generator


@pytest.fixture(scope="module")
def probe():
    return probe_lightness(SIDE)


@pytest.fixture(scope="module")
def expected(encoded, probe):
    ab = KerasRuntime(encoded).predict(probe)
    assert ab.std() > 5
    return ab


@pytest.fixture(scope="module")
def files(encoded, samples, tmp_path_factory):
    folder = tmp_path_factory.mktemp("encoded")
    paths = {}
    for kind in KINDS:
        sizes = ((SIDE, SIDE),)
        model = convert(encoded, kind=kind, sizes=sizes, representative=samples)
        paths[kind] = folder / f"{kind}.tflite"
        paths[kind].write_bytes(
            with_metadata(model, encoded, name="encoded", kind=kind, sizes=sizes)
        )
    return paths


def test_batch_norm_folds_and_unfolds_around_the_encoder(encoded, probe, expected):
    folded = fold_batch_norm(encoded)
    assert config_of(folded) == CONFIG
    assert not any(layer.name.endswith("_bn") for layer in folded.layers)
    assert_parity(KerasRuntime(folded).predict(probe), expected)
    assert_parity(KerasRuntime(unfold_batch_norm(folded)).predict(probe), expected)


def test_float32_equals_keras(files, probe, expected):
    assert_parity(load_runtime(files["float32"]).predict(probe), expected)


@pytest.mark.parametrize(("kind", "most"), [("float16", 1.0), ("dynamic", 4.0), ("int8", 4.0)])
def test_smaller_kinds_are_near(kind, most, files, probe, expected):
    difference = np.abs(load_runtime(files[kind]).predict(probe) - expected)
    assert 0 < difference.mean() < most


@pytest.mark.parametrize("kind", KINDS)
def test_xnnpack_takes_the_whole_of_it(kind, files):
    delegation = delegation_of(files[kind])
    assert delegation.partitions == 1
    assert delegation.delegated == delegation.nodes > 100


def test_depthwise_kernels_of_dynamic_files_are_floats(files, encoded):
    operators = [one for one in read_operators(files["dynamic"]) if one.multiply_adds]
    depthwise = [one for one in operators if one.kind == "DEPTHWISE_CONV_2D"]
    assert len(depthwise) == 16 and not any(one.is_integer for one in depthwise)
    sizes = [
        layer.get_weights()[0].size
        for layer in encoded.layers
        if hasattr(layer, "kernel") and not isinstance(layer, keras.layers.DepthwiseConv2D)
    ]
    integers = sum(size >= 1024 for size in sizes)
    assert 40 < integers < len(sizes)
    assert sum(one.is_integer for one in operators) == integers


def test_dynamic_files_are_read_back_to_their_steps(files, encoded, samples):
    folded = fold_batch_norm(encoded)
    lightness_scaled = scale_lightness(cover(samples, (SIDE, SIDE)))
    source = rescale(folded, measured_scales(folded, lightness_scaled))
    for one, other in zip(source.layers, load_generator(files["dynamic"]).layers, strict=True):
        for its, theirs in zip(one.get_weights(), other.get_weights(), strict=True):
            error = np.abs(its - theirs).max() / np.abs(its).max()
            rounded = its.ndim == 4 and its.size >= 1024
            rounded &= not isinstance(one, keras.layers.DepthwiseConv2D)
            assert (0.1 / 127 < error < 0.51 / 127) if rounded else error < 1e-6


def test_equalization_leaves_the_encoder_alone(encoded, samples):
    folded = fold_batch_norm(encoded)
    lightness_scaled = scale_lightness(cover(samples, (SIDE, SIDE)))
    equalized = equalize(folded, lightness_scaled)
    assert config_of(equalized) == CONFIG
    before, after = (np.asarray(network(lightness_scaled)) for network in (folded, equalized))
    assert np.abs(before - after).mean() < 0.05 * before.std()
    for one, other in zip(folded.layers, equalized.layers, strict=True):
        for its, theirs in zip(one.get_weights()[:1], other.get_weights()[:1], strict=True):
            assert np.array_equal(its, theirs) == ("_stage_" in one.name)


def test_reads_back_what_a_file_was_made_of(files, probe, expected):
    read = load_generator(files["float32"])
    assert config_of(read) == CONFIG
    assert_parity(KerasRuntime(read).predict(probe), expected)


def test_saved_model_equals_keras(encoded, probe, expected, tmp_path):
    folder = tmp_path / "model"
    export_saved_model(encoded, folder, name="encoded", command="none")
    runtime = load_runtime(folder)
    # TensorFlow computes the folded kernels, as Keras would.
    folded = KerasRuntime(fold_batch_norm(encoded)).predict(probe)
    assert_parity(runtime.predict(probe), folded, SAME_OPERATIONS_TOLERANCE)
    counted = flops_of(folder, runtime, SIDE).multiply_adds
    assert counted == flops_of(None, KerasRuntime(encoded), SIDE).multiply_adds


def test_onnx_equals_keras(encoded, probe, expected, tmp_path):
    path = tmp_path / "encoded.onnx"
    path.write_bytes(convert_to_onnx(encoded))
    assert_parity(load_runtime(path).predict(probe), expected)


def test_counts_depthwise_convolutions(encoded, files):
    counted = flops_of(files["float32"], load_runtime(files["float32"]), SIDE).multiply_adds
    assert counted == flops_of(None, KerasRuntime(encoded), SIDE).multiply_adds


def test_compress_says_that_it_takes_plain_encoders_alone(encoded, photographs, tmp_path):
    path = tmp_path / "encoded.keras"
    encoded.save(path)
    arguments = ["compress", photographs, "--weights", path]
    options = ["--batch-size", "2", "--run", tmp_path / "run"]
    result = CliRunner().invoke(main, [str(one) for one in (*arguments, *options)])
    assert result.exit_code == 1
    assert result.stderr.strip().endswith(
        "encoded.keras has the encoder efficientnet_lite0: only networks whose encoder is plain, "
        "such as those of the preset quality, can be compressed."
    )
    assert not (tmp_path / "run").exists()
