"""Files taken apart: each operator alone computes what it computes in its graph."""

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from keras_colorize.inference.tflite_operators import read_operators
from keras_colorize.inference.weights import WeightsError
from keras_colorize.models.cost import multiply_adds

SIZE = (64, 64)


@pytest.fixture(scope="module", params=["float32", "float16", "dynamic", "int8"])
def file(request, small_files, tmp_path_factory):
    path = tmp_path_factory.mktemp("files") / f"{request.param}.tflite"
    path.write_bytes(small_files(request.param))
    return path


def interpreter(**model):
    """Without XNNPACK, which hides what is between the operators."""
    made = Interpreter(
        **model,
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        experimental_preserve_all_tensors=True,
    )
    made.allocate_tensors()
    return made


def test_alone_they_compute_what_they_compute_in_the_graph(file):
    whole = interpreter(model_path=str(file))
    lightness = np.random.default_rng(0).uniform(0, 100, (1, *SIZE, 1)).astype(np.float32)
    whole.set_tensor(whole.get_input_details()[0]["index"], lightness)
    whole.invoke()
    values = {
        tensor["name"]: whole.get_tensor(tensor["index"]) for tensor in whole.get_tensor_details()
    }
    operators = read_operators(file)
    for operator in operators:
        alone = interpreter(model_content=operator.model)
        for tensor in alone.get_input_details():
            alone.set_tensor(tensor["index"], values[tensor["name"]])
        alone.invoke()
        (made,) = alone.get_output_details()
        assert tuple(made["shape"]) == operator.output
        np.testing.assert_array_equal(alone.get_tensor(made["index"]), values[made["name"]])


def test_all_layers_are_there_with_their_work(file, small_generator):
    operators = read_operators(file)
    layers = {layer.name for layer in small_generator.layers if hasattr(layer, "kernel")}
    multiplying = {one.layer: one for one in operators if one.multiply_adds}
    assert multiplying.keys() == layers
    assert {one.kind for one in multiplying.values()} == {"CONV_2D", "TRANSPOSE_CONV"}
    total = sum(one.multiply_adds for one in operators)
    assert total == multiply_adds(small_generator, (*SIZE, 1))
    integers = [one for one in multiplying.values() if one.is_integer]
    # The converter leaves kernels of few weights as floats where activations are.
    least = {"float32": 0, "float16": 0, "dynamic": 1, "int8": len(multiplying)}[file.stem]
    assert (len(integers) >= least) if least else not integers


def test_what_is_no_such_file_is_a_sentence(file, tmp_path):
    with pytest.raises(WeightsError, match="has no signature colorize_8x8"):
        read_operators(file, "colorize_8x8")
    damaged = tmp_path / "damaged.tflite"
    damaged.write_bytes(file.read_bytes()[:200])
    with pytest.raises(WeightsError, match="is damaged, or no .tflite file"):
        read_operators(damaged)
