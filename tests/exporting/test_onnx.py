"""ONNX files: their contract, and that they compute what the Keras network computes."""

import subprocess
import sys

import numpy as np
import onnx
import pytest

from keras_colorize.exporting.onnx import OPSET, convert_to_onnx
from keras_colorize.exporting.parity import assert_parity
from keras_colorize.inference.flops import Flops, flops_of
from keras_colorize.inference.onnx_runtime import OnnxRuntime
from keras_colorize.inference.runtime import KerasRuntime, WeightsError, load_runtime
from keras_colorize.models.cost import multiply_adds


@pytest.fixture(scope="module")
def file(small_generator, tmp_path_factory):
    path = tmp_path_factory.mktemp("onnx") / "small.onnx"
    path.write_bytes(convert_to_onnx(small_generator))
    return path


def test_input_and_output_are_the_contract(file):
    model = onnx.load(file)
    onnx.checker.check_model(model, full_check=True)
    (given,), (made,) = model.graph.input, model.graph.output
    assert (given.name, made.name) == ("lightness", "ab")
    for value, channels in ((given, 1), (made, 2)):
        sides = value.type.tensor_type.shape.dim
        assert [side.HasField("dim_value") for side in sides] == [False, False, False, True]
        assert sides[3].dim_value == channels
    assert [(o.domain, o.version) for o in model.opset_import if not o.domain] == [("", OPSET)]
    assert {node.domain for node in model.graph.node} == {""}
    assert not [node for node in model.graph.node if node.op_type == "BatchNormalization"]


@pytest.mark.parametrize("size", [(64, 64), (96, 160)])
def test_it_computes_what_keras_computes(file, small_generator, size):
    lightness = np.random.default_rng(0).uniform(0, 100, size).astype(np.float32)
    runtime = load_runtime(file)
    assert isinstance(runtime, OnnxRuntime)
    parent = KerasRuntime(small_generator)
    assert_parity(runtime.predict(lightness), parent.predict(lightness))
    assert np.abs(runtime.predict(lightness)).max() > 1
    assert (runtime.size_multiple, runtime.chroma_stride) == (
        parent.size_multiple,
        parent.chroma_stride,
    )


def test_colouring_with_it_loads_no_tensorflow(file, make_picture, tmp_path):
    make_picture(0).save(tmp_path / "old.jpg")
    code = """
import sys
from keras_colorize.cli.main import main
main(["colorize", "old.jpg", "--model", sys.argv[1]], standalone_mode=False)
print("onnxruntime" in sys.modules, sorted({"tensorflow", "keras", "tf2onnx"} & set(sys.modules)))
"""
    command = [sys.executable, "-c", code, file]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout == "old-colorized.jpg\nTrue []\n", done.stderr


def test_a_damaged_file_is_a_sentence(file, tmp_path):
    (tmp_path / "half.onnx").write_bytes(file.read_bytes()[:1000])
    with pytest.raises(WeightsError, match="half.onnx is damaged, or no .onnx file of a"):
        load_runtime(tmp_path / "half.onnx")


def test_another_network_is_a_sentence(tmp_path):
    value = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1])
    made = onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [1])
    node = onnx.helper.make_node("Identity", ["x"], ["y"])
    graph = onnx.helper.make_graph([node], "other", [value], [made])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", OPSET)])
    model.ir_version = 10
    onnx.save(model, tmp_path / "other.onnx")
    with pytest.raises(WeightsError, match="other.onnx is damaged, or no .onnx file of a"):
        load_runtime(tmp_path / "other.onnx")


@pytest.mark.parametrize("side", [64, 128])
def test_work_is_that_of_the_network(file, small_generator, side):
    expected = multiply_adds(small_generator, (side, side, 1))
    assert flops_of(file, load_runtime(file), side) == Flops(expected)
