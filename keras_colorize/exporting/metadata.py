"""What a `.tflite` file says of itself, written into it as JSON."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from keras_colorize.inference.tflite_facts import FACTS
from keras_colorize.inference.tflite_operators import pack


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
    """Adds the facts to a file.

    Args:
        model: a `.tflite` file.
        facts: what to say.

    Returns:
        The file with one more entry of metadata, `KERAS_COLORIZE`. One that was there is replaced.
    """
    parsed = schema.ModelT.InitFromPackedBuf(model, 0)
    entry, buffer = schema.MetadataT(), schema.BufferT()
    entry.name, entry.buffer = FACTS, len(parsed.buffers)
    buffer.data = np.frombuffer(json.dumps(asdict(facts)).encode(), np.uint8)
    parsed.buffers.append(buffer)
    kept = [one for one in parsed.metadata or [] if one.name.decode() != FACTS]
    parsed.metadata = [*kept, entry]
    return pack(parsed)
