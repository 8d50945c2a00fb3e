"""Tensors in JSON, as TensorFlow Serving reads and writes them (its `util/json_tensor.cc`)."""

import base64
import binascii
import json
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_colorize.serving.errors import ServingError
from keras_colorize.serving.limits import MOST_LISTS, MOST_OBJECTS
from keras_colorize.serving.signatures import (
    DEFAULT_SIGNATURE,
    SIGNATURES,
    Batch,
    Signature,
    Tensor,
)

_MOST_DIMENSIONS = 4
_TYPE_NAMES = {"DT_FLOAT": "float", "DT_UINT8": "uint8", "DT_STRING": "string"}


def read_request(body: bytes) -> tuple[Signature, Batch, bool]:
    """Reads the body of a `:predict`.

    Args:
        body: JSON with `instances` (rows) or `inputs` (columns), and `signature_name` if it is not
            the default.

    Returns:
        The signature, its batch, and whether the batch came in rows.

    Raises:
        ServingError: The body is not such a request.
    """
    document = _parse(body)
    signature = _signature(document.get("signature_name", ""))
    if "instances" in document and "inputs" in document:
        raise _invalid(
            "Not formatted correctly expecting only one of 'inputs' or 'instances' keys to exist"
        )
    if "instances" in document:
        values, rows = _rows(document["instances"], signature.input.name), True
    elif "inputs" in document:
        values, rows = _columns(document["inputs"], signature.input.name), False
    else:
        raise _invalid("Missing 'inputs' or 'instances' key")
    batch = _tensor(values, signature.input)
    signature.check(batch)
    return signature, batch, rows


def write_answer(batch: Batch, rows: bool) -> bytes:
    """Writes the answer to a `:predict`, in rows or columns like the request."""
    values: list[Any]
    if not isinstance(batch, np.ndarray):
        values = [{"b64": base64.b64encode(one).decode()} for one in batch]
    elif batch.dtype == np.float32:
        # The shortest decimals that read back as the same float32.
        values = batch.astype("U16").astype(np.float64).tolist()
    else:
        values = batch.tolist()
    return json.dumps({"predictions" if rows else "outputs": values}).encode()


def _parse(body: bytes) -> dict[str, Any]:
    if not body:
        raise _invalid("JSON Parse error: The document is empty")
    for sign, most, what in ((b"[", MOST_LISTS, "lists"), (b"{", MOST_OBJECTS, "objects")):
        if body.count(sign) > most:  # they take more memory than their text
            message = f"The JSON has more than {most} {what}; pictures in base64 need none."
            raise ServingError("RESOURCE_EXHAUSTED", message)
    try:
        document = json.loads(body)
    except json.JSONDecodeError as error:
        raise _invalid(f"JSON Parse error: {error.msg} at offset: {error.pos}") from error
    except RecursionError as error:
        raise _invalid("JSON Parse error: lists are nested too deeply") from error
    except ValueError as error:  # bytes that are not text, or a number with thousands of digits
        raise _invalid("JSON Parse error: Invalid value") from error
    if not isinstance(document, dict):
        raise _invalid("JSON Value: Is not object")
    return document


def _signature(name: Any) -> Signature:
    if not isinstance(name, str):
        raise _invalid("'signature_name' key must be a string value.")
    name = name or DEFAULT_SIGNATURE
    if name not in SIGNATURES:
        raise _invalid(f'Serving signature name: "{name[:100]}" not found in signature def')
    return SIGNATURES[name]


def _rows(instances: Any, name: str) -> list[Any]:
    """Returns the values of the input, from a list of values or of objects that name it."""
    if not isinstance(instances, list):
        raise _invalid("Excepting 'instances' to be an list/array")
    if not instances:
        raise _invalid("No values in 'instances' array")
    if not _is_named(instances[0]):
        for index, one in enumerate(instances):
            if _is_named(one):
                raise _invalid(f"Expecting value/list but got object at item {index} of input list")
        return instances
    for index, one in enumerate(instances):
        if not _is_named(one):
            raise _invalid(f"Expecting object but got list at item {index} of input list")
        if set(one) != {name}:
            raise _invalid(
                f"Failed to process element: {index} of 'instances' list. JSON object keys must be "
                f"equal to: {name}"
            )
    return [one[name] for one in instances]


def _columns(inputs: Any, name: str) -> Any:
    if not _is_named(inputs):
        return inputs
    if name not in inputs:
        raise _invalid(f"Missing named input: {name} in 'inputs' object.")
    return inputs[name]


def _is_named(value: Any) -> bool:
    return isinstance(value, dict) and not _is_base64(value)


def _is_base64(value: Any) -> bool:
    return isinstance(value, dict) and list(value) == ["b64"] and isinstance(value["b64"], str)


def _tensor(value: Any, tensor: Tensor) -> Batch:
    """Makes the batch, without anything that is larger than the JSON was."""
    shape: list[int] = []
    level = [value]
    while level and isinstance(level[0], list):
        length = len(level[0])
        if len(shape) == _MOST_DIMENSIONS:
            raise _invalid(f"Encountered list at unexpected level: {_MOST_DIMENSIONS}")
        for one in level:
            if not isinstance(one, list):
                raise _invalid(f"JSON Value found at incorrect level: {len(shape)}")
            if len(one) != length:
                raise _invalid(
                    f"Encountered list at unexpected size: {len(one)} at level: {len(shape)} "
                    f"expected size: {length}"
                )
        shape.append(length)
        level = list(chain.from_iterable(level))
    if tensor.dtype == "DT_STRING":
        files = [_bytes(one) for one in level]
        if len(shape) != 1:
            raise _invalid(f"{tensor.name} is a list of strings.")
        return files
    return _numbers(level, tensor.dtype).reshape(shape)


def _numbers(values: list[Any], dtype: str) -> NDArray[Any]:
    allowed = {int, float} if dtype == "DT_FLOAT" else {int}
    if others := set(map(type, values)) - allowed:
        kind = "list" if list in others else "number" if others == {float} else "value"
        raise _invalid(f"JSON Value: a {kind} is not of expected type: {_TYPE_NAMES[dtype]}")
    try:
        if dtype == "DT_FLOAT":
            with np.errstate(over="ignore"):  # becomes infinite, which is out of range anywhere
                return np.array(values, np.float64).astype(np.float32)
        integers = np.array(values, np.int64)
    except OverflowError as error:
        message = f"Cannot convert JSON value to {_TYPE_NAMES[dtype]} without loss of precision."
        raise _invalid(message) from error
    if integers.size and not 0 <= integers.min() <= integers.max() <= 255:
        raise _invalid("JSON Value: a number is not of expected type: uint8")
    return integers.astype(np.uint8)


def _bytes(value: Any) -> bytes:
    if isinstance(value, str):
        return value.encode(errors="surrogatepass")
    if not _is_base64(value):
        raise _invalid("JSON Value: not formatted correctly for base64 data")
    text = "".join(value["b64"].split())  # line breaks and missing padding are allowed there
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise _invalid("Unable to base64 decode") from error


def _invalid(message: str) -> ServingError:
    return ServingError("INVALID_ARGUMENT", message)
