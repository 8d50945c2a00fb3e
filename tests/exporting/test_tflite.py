"""TFLite files: their contract, and that they compute what the Keras network computes."""

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

from keras_colorize.exporting.kinds import KINDS
from keras_colorize.exporting.tflite import SIZES, convert, cover, signature_name
from keras_colorize.inference.runtime import KerasRuntime, LiteRTRuntime

HERE = ((64, 64), (64, 96), (96, 64))
BUILTIN_CODES = {v: k for k, v in vars(schema.BuiltinOperator).items() if isinstance(v, int)}


def lightness(size, seed=0):
    """(1, H, W, 1) in 0..100, coarse and fine."""
    random = np.random.default_rng(seed)
    coarse = np.kron(random.uniform(10, 90, (size[0] // 16, size[1] // 16)), np.ones((16, 16)))
    fine = coarse + random.normal(0, 3, size)
    return np.clip(fine, 0, 100).astype(np.float32)[None, ..., None]


def run(model, signature, x):
    return Interpreter(model_content=model).get_signature_runner(signature)(lightness=x)["ab"]


def keras_scaled(generator, x):
    return np.array(generator(x / 50 - 1, training=False))


def operators(model):
    """Names of the operators of each subgraph; a custom one keeps its own name."""
    parsed = schema.ModelT.InitFromPackedBuf(model, 0)
    names = [
        (code.customCode or BUILTIN_CODES[max(code.builtinCode, code.deprecatedBuiltinCode)])
        for code in parsed.operatorCodes
    ]
    return [[names[op.opcodeIndex] for op in graph.operators] for graph in parsed.subgraphs]


def test_sizes_and_names_are_the_contract():
    assert [signature_name(size) for size in SIZES] == [
        "colorize_256x256",
        "colorize_256x384",
        "colorize_384x256",
        "colorize_512x512",
    ]
    assert KINDS == ("float32", "float16", "dynamic", "int8")


def test_has_a_signature_for_each_size_and_colorize_for_the_first(float_file):
    interpreter = Interpreter(model_content=float_file)
    signatures = interpreter.get_signature_list()
    assert set(signatures) == {*map(signature_name, HERE), "colorize"}
    assert all(s == {"inputs": ["lightness"], "outputs": ["ab"]} for s in signatures.values())
    for name, size in [*((signature_name(size), size) for size in HERE), ("colorize", HERE[0])]:
        runner = interpreter.get_signature_runner(name)
        given, made = runner.get_input_details()["lightness"], runner.get_output_details()["ab"]
        assert given["shape"].tolist() == given["shape_signature"].tolist() == [1, *size, 1]
        assert made["shape"].tolist() == [1, size[0] // 2, size[1] // 2, 2]
        assert given["dtype"] == made["dtype"] == np.float32


@pytest.mark.parametrize("size", HERE)
def test_float32_equals_keras(size, float_file, generator):
    x = lightness(size, seed=size[1])
    ab = run(float_file, signature_name(size), x)
    expected = keras_scaled(generator, x)
    assert expected.std() > 0.1
    np.testing.assert_allclose(ab / 110, expected, atol=1e-5)


def test_signatures_of_one_interpreter_do_not_disturb_each_other(float_file):
    interpreter = Interpreter(model_content=float_file)
    runners = [interpreter.get_signature_runner(signature_name(size)) for size in HERE]
    xs = [lightness(size) for size in HERE]
    first = [runner(lightness=x)["ab"].copy() for runner, x in zip(runners, xs, strict=True)]
    again = [runner(lightness=x)["ab"] for runner, x in zip(runners, xs, strict=True)]
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a, b)
    colorize = interpreter.get_signature_runner("colorize")(lightness=xs[0])["ab"]
    np.testing.assert_array_equal(colorize, first[0])


def test_weights_are_stored_once(float_file, single_file, generator):
    weights = 4 * generator.count_params()
    assert len(single_file) > 0.95 * weights
    assert len(float_file) < 1.25 * len(single_file)
    parsed = schema.ModelT.InitFromPackedBuf(float_file, 0)
    assert len(parsed.subgraphs) == len(HERE)
    big = [bytes(b.data) for b in parsed.buffers if b.data is not None and len(b.data) > 64]
    assert len(set(big)) == len(big)
    kernels = [
        {
            tensor.buffer
            for tensor in graph.tensors
            if (data := parsed.buffers[tensor.buffer].data) is not None and len(data) > 1024
        }
        for graph in parsed.subgraphs
    ]
    assert len(kernels[0]) > 40
    assert all(each == kernels[0] for each in kernels)


def test_a_single_signature_stands_alone(single_file, float_file):
    x = lightness(HERE[0])
    expected = run(float_file, signature_name(HERE[0]), x)
    np.testing.assert_array_equal(run(single_file, "colorize", x), expected)


def test_graphs_are_built_in_operators_and_little_else(float_file, int8_file):
    for model in (float_file, int8_file):
        used = operators(model)
        allowed = {"CONV_2D", "TRANSPOSE_CONV", "CONCATENATION", "TANH", "MUL", "ADD", "SUB"}
        allowed |= {"RELU", "QUANTIZE", "DEQUANTIZE", "SPACE_TO_DEPTH"}
        assert all(set(graph) <= allowed for graph in used), used
        for graph in used:
            assert graph.count("TRANSPOSE_CONV") == 10  # a decoder node each
            assert graph.count("CONCATENATION") == 10
            assert graph.count("CONV_2D") == 15 * 3 + 4 + 1
            assert not {"ADD", "MUL"} & set(graph[3:-4])  # batch norm has been folded


def test_int8_is_near_and_small(int8_file, float_file, generator, samples):
    """Near: random weights lose more to rounding than trained ones, but the picture stays."""
    assert len(int8_file) < 0.5 * len(float_file)
    parsed = schema.ModelT.InitFromPackedBuf(int8_file, 0)
    kinds = [
        parsed.subgraphs[0].tensors[op.inputs[1]].type
        for op in parsed.subgraphs[0].operators
        if BUILTIN_CODES[parsed.operatorCodes[op.opcodeIndex].builtinCode] == "CONV_2D"
    ]
    assert len(kinds) == 50
    assert set(kinds) == {schema.TensorType.INT8}
    for size in HERE[:2]:
        x = cover(samples[1:2], size)
        ab = run(int8_file, signature_name(size), x)
        assert ab.dtype == np.float32
        expected = 110 * keras_scaled(generator, x)
        error = np.abs(ab - expected).mean()
        assert 0 < error < 0.3 * np.abs(expected - expected.mean((0, 1, 2))).mean()


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "share"), [("float16", 0.55), ("dynamic", 0.4)])
def test_smaller_kinds_are_near(kind, share, generator, single_file, samples):
    model = convert(generator, kind=kind, sizes=HERE[:1], representative=samples)
    assert len(model) < share * len(single_file)
    x = cover(samples[1:2], HERE[0])
    expected = run(single_file, "colorize", x)
    error = np.abs(run(model, "colorize", x) - expected).mean()
    assert 0 < error < (0.002 if kind == "float16" else 0.1) * np.abs(expected).mean()


def test_runtimes_agree_and_know_the_sizes(float_file, generator, tmp_path):
    (tmp_path / "small.tflite").write_bytes(float_file)
    litert = LiteRTRuntime(tmp_path / "small.tflite", threads=1)
    assert litert.sizes == HERE
    assert litert.chroma_stride == 2
    x = lightness((64, 96))[0, ..., 0]
    ours, theirs = litert.predict(x), KerasRuntime(generator).predict(x)
    np.testing.assert_allclose(ours / 110, theirs / 110, atol=1e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "int8"}, "need representative photographs"),
        ({"kind": "dynamic"}, "need representative photographs"),
        ({"sizes": [(64, 64), (64, 80)]}, "must be a multiple of 32"),
    ],
)
def test_refuses_what_cannot_be_converted(options, message, generator):
    with pytest.raises(ValueError, match=message):
        convert(generator, **options)


@pytest.mark.parametrize("shape", [(64, 96), (100, 300), (30, 20), (97, 41), (500, 64)])
@pytest.mark.parametrize("size", [(64, 64), (64, 96), (96, 64)])
def test_calibration_covers_the_size_with_the_middle_of_a_picture(shape, size):
    ramp = np.linspace(0, 100, shape[1], dtype=np.float32)[None].repeat(shape[0], 0)
    covered = cover([ramp], size)
    assert covered.shape == (1, *size, 1)
    assert covered.dtype == np.float32
    assert covered.mean() == pytest.approx(50, abs=2)
    assert (np.diff(covered[0, 0, :, 0]) >= -1e-4).all()
