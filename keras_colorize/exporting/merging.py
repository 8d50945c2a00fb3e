"""Merges TFLite files with one signature each into one file that holds equal weights once."""

from collections.abc import Mapping
from typing import Any

from ai_edge_litert import schema_py_generated as schema

from keras_colorize.inference.tflite_operators import pack


def merge_signatures(models: Mapping[str, bytes], aliases: Mapping[str, str]) -> bytes:
    """Merges models into one file that stores equal constants once.

    Args:
        models: TFLite files of one subgraph and one signature each, by the name that the
            signature gets.
        aliases: further names of these signatures.
    """
    merged, *others = (schema.ModelT.InitFromPackedBuf(model, 0) for model in models.values())
    buffers, places = [schema.BufferT()], {b"": 0}  # buffer 0 is empty by definition
    first_buffers = merged.buffers
    for model in (merged, *others):
        source = first_buffers if model is merged else model.buffers
        _move_constants(model.subgraphs[0], source, buffers, places)
    for entry in merged.metadata or []:
        buffers.append(first_buffers[entry.buffer])
        entry.buffer = len(buffers) - 1
    merged.buffers = buffers
    for model in others:
        codes = [_place_code(code, merged.operatorCodes) for code in model.operatorCodes]
        for operator in model.subgraphs[0].operators:
            operator.opcodeIndex = codes[operator.opcodeIndex]
        merged.subgraphs.append(model.subgraphs[0])
        merged.signatureDefs.append(model.signatureDefs[0])
    for index, name in enumerate(models):
        merged.signatureDefs[index].signatureKey = name
        merged.signatureDefs[index].subgraphIndex = index
        merged.subgraphs[index].name = name
    for alias, name in aliases.items():
        merged.signatureDefs.append(_renamed(merged.signatureDefs[list(models).index(name)], alias))
    return pack(merged)


def _move_constants(
    subgraph: Any, source: Any, buffers: list[Any], places: dict[bytes, int]
) -> None:
    for tensor in subgraph.tensors:
        data = source[tensor.buffer].data
        key = b"" if data is None else bytes(data)
        if key not in places:
            places[key] = len(buffers)
            buffers.append(source[tensor.buffer])
        tensor.buffer = places[key]


def _place_code(code: Any, codes: list[Any]) -> int:
    """Index of an operator code in `codes`, where it is added if it is missing."""
    for index, known in enumerate(codes):
        if vars(known) == vars(code):
            return index
    codes.append(code)
    return len(codes) - 1


def _renamed(signature: Any, name: str) -> Any:
    copy = schema.SignatureDefT()
    vars(copy).update(vars(signature))
    copy.signatureKey = name
    return copy
