"""Tensors in gRPC messages, as TensorFlow Serving reads them (its `predict_util.cc`)."""

import math
from typing import Any

import numpy as np
from tensorflow import make_ndarray
from tensorflow.core.framework import types_pb2
from tensorflow.core.framework.tensor_pb2 import TensorProto

from keras_colorize.serving.errors import ServingError
from keras_colorize.serving.limits import Limits
from keras_colorize.serving.signatures import DEFAULT_SIGNATURE, SIGNATURES, Batch, Signature

_BYTES_OF = {"DT_FLOAT": 4, "DT_UINT8": 1}


def read_input(request: Any) -> tuple[Signature, TensorProto]:
    """Finds the signature and the input of a request.

    Args:
        request: A `PredictRequest`.

    Returns:
        The signature, and the tensor of its input.

    Raises:
        ServingError: The request names a signature, input or output that does not exist.
    """
    wanted = request.model_spec.signature_name or DEFAULT_SIGNATURE
    if wanted not in SIGNATURES:
        message = f'Serving signature key "{wanted[:100]}" not found.'
        raise ServingError("FAILED_PRECONDITION", message)
    signature = SIGNATURES[wanted]
    name = signature.input.name
    if len(request.inputs) != 1:
        message = f"input size does not match signature: {len(request.inputs)}!=1, which is {name}."
        raise ServingError("INVALID_ARGUMENT", message)
    if name not in request.inputs:
        message = f"input tensor alias not found in signature: it takes {name}."
        raise ServingError("INVALID_ARGUMENT", message)
    for output in request.output_filter:
        if output != signature.output.name:
            message = (
                f"output tensor alias not found in signature: {output[:100]}; "
                f"it gives {signature.output.name}."
            )
            raise ServingError("INVALID_ARGUMENT", message)
    return signature, request.inputs[name]


def read_batch(tensor: TensorProto, signature: Signature, limits: Limits) -> Batch:
    """Reads a tensor, which may be far larger than its message: one value can stand for all.

    Args:
        tensor: The input.
        signature: The signature that it is for.
        limits: Limits of the array.

    Returns:
        An array of the signature's type, or encoded pictures.

    Raises:
        ServingError: The tensor does not fit the signature, contradicts itself, or is too large.
    """
    wanted = signature.input
    if types_pb2.DataType.Name(tensor.dtype) != wanted.dtype:
        message = f"{wanted.name} is to be {wanted.dtype}."
        raise ServingError("INVALID_ARGUMENT", message)
    shape = [dim.size for dim in tensor.tensor_shape.dim]
    count = math.prod(shape)
    is_text = wanted.dtype == "DT_STRING"
    if tensor.tensor_shape.unknown_rank or min(shape, default=0) < 0:
        raise ServingError("INVALID_ARGUMENT", f"tensor parsing error: {wanted.name}")
    if is_text and count != len(tensor.string_val):
        raise ServingError("INVALID_ARGUMENT", f"tensor parsing error: {wanted.name}")
    if not is_text and count * _BYTES_OF[wanted.dtype] > limits.max_bytes:
        message = f"{wanted.name} is larger than the limit of {limits.megabytes}."
        raise ServingError("RESOURCE_EXHAUSTED", message)
    try:
        values = make_ndarray(tensor)
    except (ValueError, TypeError, OverflowError) as error:
        message = f"tensor parsing error: {wanted.name}"
        raise ServingError("INVALID_ARGUMENT", message) from error
    signature.check(values)
    return [bytes(one) for one in values] if is_text else np.ascontiguousarray(values)
