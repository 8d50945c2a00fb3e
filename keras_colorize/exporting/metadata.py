"""What a `.tflite` file says of itself: TensorFlow Lite's metadata, and the facts as JSON.

The metadata is a FlatBuffer of TensorFlow Lite's `metadata_schema.fbs`, in the model's metadata
entry `TFLITE_METADATA`. It is written by the schema: the library that writes it runs on neither
today's Python nor today's protobuf.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

import keras_colorize
from keras_colorize.inference.tflite_facts import FACTS
from keras_colorize.inference.tflite_operators import pack

_METADATA = "TFLITE_METADATA"
_IDENTIFIER = b"M001"
_PARSER_VERSION = "1.0.0"
_FEATURE = _NORMALIZATION = 1  # places in the schema's unions ContentProperties, ProcessUnitOptions

# Writes what a field refers to, and returns what then writes the field at its place in a table.
_Field = Callable[[flatbuffers.Builder], Callable[[int], None]]


@dataclass(frozen=True)
class Facts:
    """What is written into a file.

    Attributes:
        name: of the network.
        kind: of the file.
        chroma_stride: c; ab comes at 1/c of the size of the lightness.
        sizes: (height, width) of each signature.
        generator: fields of the network's `GeneratorConfig`, or None.
        calibration: `photographs` and `digest` of those that chose the ranges, or None.
        author: of the weights, or "".
        license: of the weights, or "".
    """

    name: str
    kind: str
    chroma_stride: int
    sizes: Sequence[tuple[int, int]]
    generator: Mapping[str, Any] | None = None
    calibration: Mapping[str, Any] | None = None
    author: str = ""
    license: str = ""


def with_metadata(model: bytes, facts: Facts) -> bytes:
    """Adds metadata to a file.

    Args:
        model: a `.tflite` file with a graph for each of the sizes, in that order.
        facts: what to say.

    Returns:
        The file with two more entries of metadata: `TFLITE_METADATA`, and `KERAS_COLORIZE`, the
        facts as JSON. Entries of these names are replaced.
    """
    parsed = schema.ModelT.InitFromPackedBuf(model, 0)
    entries = {_METADATA: _described(facts), FACTS: json.dumps(asdict(facts)).encode()}
    kept = [entry for entry in parsed.metadata or [] if entry.name.decode() not in entries]
    parsed.metadata = kept
    for name, content in entries.items():
        entry, buffer = schema.MetadataT(), schema.BufferT()
        entry.name, entry.buffer = name, len(parsed.buffers)
        buffer.data = np.frombuffer(content, np.uint8)
        parsed.metadata.append(entry)
        parsed.buffers.append(buffer)
    return pack(parsed)


def _described(facts: Facts) -> bytes:
    """The FlatBuffer ModelMetadata; the numbers are the places of its fields in the schema."""
    c = facts.chroma_stride
    description = (
        f"Plausible colours for black-and-white photographs ({facts.kind}): ab from lightness, in "
        f"CIE Lab, at 1/{c} of its size. One signature a size, colorize_HEIGHTxWIDTH; the "
        "signatures are the contract."
    )
    fields = {
        0: _text(facts.name),
        1: _text(description),
        2: _text(keras_colorize.__version__),
        3: _vector([_graph(size, c) for size in facts.sizes]),
        7: _text(_PARSER_VERSION),
    }
    for place, text in ((4, facts.author), (5, facts.license)):
        if text:
            fields[place] = _text(text)
    builder = flatbuffers.Builder(1024)
    builder.Finish(_written(builder, fields), _IDENTIFIER)
    return bytes(builder.Output())


def _graph(size: tuple[int, int], c: int) -> dict[int, _Field]:
    height, width = size
    lightness = _tensor(
        "lightness", f"CIE Lab lightness, (1, {height}, {width}, 1), 0 to 100", (0.0, 100.0)
    )
    ab = _tensor(
        "ab", f"CIE Lab a and b, (1, {height // c}, {width // c}, 2), -110 to 110", (-110.0, 110.0)
    )
    name = f"colorize_{height}x{width}"
    return {0: _text(name), 2: _vector([lightness]), 3: _vector([ab])}


def _tensor(name: str, description: str, span: tuple[float, float]) -> dict[int, _Field]:
    normalization = _table({0: _floats([0.0]), 1: _floats([1.0])})  # there is none to be done
    return {
        0: _text(name),
        1: _text(description),
        3: _table({0: _number(_FEATURE), 1: _table({})}),
        4: _vector([{0: _number(_NORMALIZATION), 1: normalization}]),
        5: _table({0: _floats([span[1]]), 1: _floats([span[0]])}),
    }


def _written(builder: flatbuffers.Builder, fields: Mapping[int, _Field]) -> int:
    """Writes a table, and returns where it is."""
    writers = {place: field(builder) for place, field in fields.items()}
    builder.StartObject(max(fields, default=-1) + 1)
    for place, write in writers.items():
        write(place)
    return int(builder.EndObject())


def _table(fields: Mapping[int, _Field]) -> _Field:
    return lambda builder: _reference(builder, _written(builder, fields))


def _text(text: str) -> _Field:
    return lambda builder: _reference(builder, builder.CreateString(text))


def _number(value: int) -> _Field:
    return lambda builder: lambda place: builder.PrependUint8Slot(place, value, 0)


def _floats(values: Sequence[float]) -> _Field:
    def write(builder: flatbuffers.Builder) -> Callable[[int], None]:
        builder.StartVector(4, len(values), 4)
        for value in reversed(values):
            builder.PrependFloat32(value)
        return _reference(builder, builder.EndVector())

    return write


def _vector(tables: Sequence[Mapping[int, _Field]]) -> _Field:
    def write(builder: flatbuffers.Builder) -> Callable[[int], None]:
        places = [_written(builder, table) for table in tables]
        builder.StartVector(4, len(places), 4)
        for place in reversed(places):
            builder.PrependUOffsetTRelative(place)
        return _reference(builder, builder.EndVector())

    return write


def _reference(builder: flatbuffers.Builder, target: int) -> Callable[[int], None]:
    return lambda place: builder.PrependUOffsetTRelativeSlot(place, target, 0)
