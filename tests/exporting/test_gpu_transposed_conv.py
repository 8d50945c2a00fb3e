"""What a phone's GPU takes (`make test-gpu` asks one), and that the numbers stay the same."""

from collections.abc import Callable

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

from keras_colorize.exporting.gpu_transposed_conv import unfuse_transposed_convolutions
from keras_colorize.exporting.kinds import KINDS, Kind
from keras_colorize.inference.tflite_operators import pack

SIZE = (64, 64)
Conversions = Callable[[Kind], tuple[bytes, bytes]]


def transposed(content: bytes) -> list[tuple[int, int]]:
    """Version and activation of each transposed convolution."""
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    found = []
    for operator in model.subgraphs[0].operators:
        code = model.operatorCodes[operator.opcodeIndex]
        if code.builtinCode == schema.BuiltinOperator.TRANSPOSE_CONV:
            found.append((code.version, operator.builtinOptions.fusedActivationFunction))
    return found


def predict(content: bytes) -> np.ndarray:
    lightness = np.random.default_rng(0).uniform(0, 100, (1, *SIZE, 1)).astype(np.float32)
    interpreter = Interpreter(model_content=content)
    name = next(iter(interpreter.get_signature_list()))
    ab: np.ndarray = interpreter.get_signature_runner(name)(lightness=lightness)["ab"]
    return ab


@pytest.mark.parametrize("kind", KINDS)
def test_no_activation_is_left_and_nothing_else_changes(
    kind: Kind, small_conversions: Conversions
) -> None:
    after, before = small_conversions(kind)
    assert {version for version, _ in transposed(before)} == {4}
    assert transposed(after) == [(3, schema.ActivationFunctionType.NONE)] * len(transposed(before))
    expected = predict(before)
    assert expected.std() > 1
    np.testing.assert_array_equal(predict(after), expected)


def test_integers_whose_range_says_more_keep_their_activation(
    small_conversions: Conversions,
) -> None:
    _, fused = small_conversions("int8")
    model = schema.ModelT.InitFromPackedBuf(fused, 0)
    graph = model.subgraphs[0]
    for operator in graph.operators:
        code = model.operatorCodes[operator.opcodeIndex]
        if code.builtinCode == schema.BuiltinOperator.TRANSPOSE_CONV:
            last = operator
    quantization = graph.tensors[last.outputs[0]].quantization
    quantization.scale = 2 * quantization.scale  # now up to 12
    kept = transposed(unfuse_transposed_convolutions(pack(model)))
    assert kept[-1] == (4, schema.ActivationFunctionType.RELU6)
    assert all(activation == schema.ActivationFunctionType.NONE for _, activation in kept[:-1])
