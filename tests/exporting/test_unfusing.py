"""What a phone's GPU takes (`make test-gpu` asks one), and that the numbers stay the same."""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

from keras_colorize.exporting import tflite
from keras_colorize.exporting.kinds import Kind
from keras_colorize.exporting.tflite import convert
from keras_colorize.exporting.unfusing import unfuse_transposed_convolutions
from keras_colorize.inference.tflite_operators import pack

SIZE = (64, 64)
UNFUSED = [
    "float32",
    pytest.param("float16", marks=pytest.mark.slow),
    pytest.param("dynamic", marks=pytest.mark.slow),
    "int8",
]


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
    runner = Interpreter(model_content=content).get_signature_runner("colorize")
    ab: np.ndarray = runner(lightness=lightness)["ab"]
    return ab


@pytest.fixture(scope="module")
def fused(small_generator: Any, samples: Any) -> Callable[[Kind], bytes]:
    """Converts as TensorFlow does by itself."""

    @cache
    def make(kind: Kind) -> bytes:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(tflite, "unfuse_transposed_convolutions", lambda content: content)
            return convert(small_generator, kind=kind, sizes=[SIZE], representative=samples)

    return make


@pytest.mark.parametrize("kind", UNFUSED)
def test_no_activation_is_left_and_nothing_else_changes(
    kind: Kind, fused: Callable[[Kind], bytes]
) -> None:
    before = fused(kind)
    after = unfuse_transposed_convolutions(before)
    assert {version for version, _ in transposed(before)} == {4}
    assert transposed(after) == [(3, schema.ActivationFunctionType.NONE)] * len(transposed(before))
    expected = predict(before)
    assert expected.std() > 1
    np.testing.assert_array_equal(predict(after), expected)


def test_integers_whose_range_says_more_keep_their_activation(
    fused: Callable[[Kind], bytes],
) -> None:
    model = schema.ModelT.InitFromPackedBuf(fused("int8"), 0)
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
