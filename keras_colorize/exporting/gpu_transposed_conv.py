"""Transposed convolutions that a phone's GPU accepts: without an activation of their own.

TensorFlow's converter writes the activation into TRANSPOSE_CONV, which makes it version 4 of that
operation. LiteRT's GPU accelerators (2.3) know version 3, and leave all the others to the CPU.
"""

import copy
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from keras_colorize.inference.tflite_operators import pack

_NONE = schema.ActivationFunctionType.NONE
_ACTIVATIONS = {  # with the operation that does the same, and where it cuts off above
    schema.ActivationFunctionType.RELU: (schema.BuiltinOperator.RELU, np.inf),
    schema.ActivationFunctionType.RELU6: (schema.BuiltinOperator.RELU6, 6.0),
}
_LAST_VERSION = 3


def unfuse_transposed_convolutions(content: bytes) -> bytes:
    """Takes the activations out of the transposed convolutions of a TFLite file.

    In float files, the activation becomes an operation that follows; XNNPACK joins the two again.
    In int8 files, it is left out where the range of the integers cuts off at the same places. The
    file computes the same values, bit by bit.
    """
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    for graph in model.subgraphs:
        operators = []
        for operator in graph.operators:
            operators.append(operator)
            code = model.operatorCodes[operator.opcodeIndex]
            if code.builtinCode != schema.BuiltinOperator.TRANSPOSE_CONV:
                continue
            options, output = operator.builtinOptions, operator.outputs[0]
            activation, tensor = options.fusedActivationFunction, graph.tensors[output]
            if activation not in _ACTIVATIONS:
                continue
            if tensor.type == schema.TensorType.FLOAT32:
                graph.tensors.append(copy.copy(tensor))
                graph.tensors[-1].name += b"/before_activation"
                operator.outputs = [len(graph.tensors) - 1]
                operators.append(_activate(model, activation, operator.outputs[0], output))
            elif not _implied(activation, tensor):
                continue
            options.fusedActivationFunction = _NONE
        graph.operators = operators
    _lower_versions(model)
    return pack(model)


def _lower_versions(model: Any) -> None:
    """Lowers the version of all kinds of transposed convolution that have no activation now."""
    fused = {
        operator.opcodeIndex
        for graph in model.subgraphs
        for operator in graph.operators
        if getattr(operator.builtinOptions, "fusedActivationFunction", _NONE) != _NONE
    }
    for index, code in enumerate(model.operatorCodes):
        if code.builtinCode == schema.BuiltinOperator.TRANSPOSE_CONV and index not in fused:
            code.version = min(code.version, _LAST_VERSION)


def _implied(activation: int, tensor: Any) -> bool:
    """Says whether the range of a tensor's integers has the effect of an activation."""
    if tensor.type != schema.TensorType.INT8:
        return False
    scale, zero_point = tensor.quantization.scale[0], tensor.quantization.zeroPoint[0]
    limits = np.iinfo(np.int8)
    _, highest = _ACTIVATIONS[activation]
    return bool(zero_point == limits.min and scale * (limits.max - limits.min) < highest * 1.0001)


def _activate(model: Any, activation: int, source: int, output: int) -> Any:
    """Makes the operation of an activation between two tensors, and adds its code to the model."""
    builtin, _ = _ACTIVATIONS[activation]
    codes = [code.builtinCode for code in model.operatorCodes]
    if builtin not in codes:
        code = schema.OperatorCodeT()
        code.builtinCode = code.deprecatedBuiltinCode = builtin
        code.version = 1
        model.operatorCodes.append(code)
        codes.append(builtin)
    made = schema.OperatorT()
    made.opcodeIndex = codes.index(builtin)
    made.inputs, made.outputs = [source], [output]
    return made
