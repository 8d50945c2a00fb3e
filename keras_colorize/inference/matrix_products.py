"""Large matrix products in LiteRT, which show how fast this processor multiplies at best."""

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

from keras_colorize.inference.quiet import quiet_first_run
from keras_colorize.inference.tflite_operators import pack

ROWS, INNER, COLUMNS = 1024, 512, 512  # a product of some milliseconds that stays in the caches
OPERATIONS = 2 * ROWS * INNER * COLUMNS  # multiplications and additions


class MatrixProduct:
    """A product of (1024, 512) and (512, 512) in XNNPACK, which also runs LiteRT's convolutions."""

    def __init__(self, threads: int, *, is_integer: bool = False) -> None:
        """Makes the matrices, of int8 with sums in int32, or of float32."""
        self._interpreter = Interpreter(model_content=_model(is_integer), num_threads=threads)
        with quiet_first_run():
            self._interpreter.allocate_tensors()

    def __call__(self) -> None:
        """Multiplies once."""
        self._interpreter.invoke()


def _model(is_integer: bool) -> bytes:
    """A `.tflite` file of one fully connected layer."""
    random = np.random.default_rng(0)
    if is_integer:
        type_, sums = schema.TensorType.INT8, schema.TensorType.INT32
        weights: Any = random.integers(-127, 128, (COLUMNS, INNER), np.int8)
        bias: Any = np.zeros(COLUMNS, np.int32)
    else:
        type_ = sums = schema.TensorType.FLOAT32
        weights = random.standard_normal((COLUMNS, INNER), np.float32)
        bias = np.zeros(COLUMNS, np.float32)
    graph = schema.SubGraphT()
    # The scale of a sum must be the product of those of its factors.
    graph.tensors = [
        _tensor((ROWS, INNER), type_, 0, 0.5, is_integer),
        _tensor(weights.shape, type_, 1, 0.5, is_integer),
        _tensor(bias.shape, sums, 2, 0.25, is_integer),
        _tensor((ROWS, COLUMNS), type_, 0, 1.0, is_integer),
    ]
    graph.inputs, graph.outputs = [0], [3]
    operator = schema.OperatorT()
    operator.inputs, operator.outputs = [0, 1, 2], [3]
    operator.builtinOptionsType = schema.BuiltinOptions.FullyConnectedOptions
    operator.builtinOptions = schema.FullyConnectedOptionsT()
    graph.operators = [operator]
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.FULLY_CONNECTED
    code.version = 4 if is_integer else 1
    model = schema.ModelT()
    model.version, model.operatorCodes, model.subgraphs = 3, [code], [graph]
    model.buffers = [schema.BufferT() for _ in range(3)]
    for buffer, values in zip(model.buffers[1:], (weights, bias), strict=True):
        buffer.data = np.frombuffer(values.tobytes(), np.uint8)
    return pack(model)


def _tensor(shape: tuple[int, ...], type_: int, buffer: int, scale: float, is_integer: bool) -> Any:
    tensor = schema.TensorT()
    tensor.shape, tensor.type, tensor.buffer = list(shape), type_, buffer
    if is_integer:
        tensor.quantization = schema.QuantizationParametersT()
        tensor.quantization.scale, tensor.quantization.zeroPoint = [scale], [0]
    return tensor
