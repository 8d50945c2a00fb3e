"""What a `.tflite` file says of itself, written into it as JSON."""

import json
from collections.abc import Sequence
from dataclasses import asdict

import keras
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from keras_colorize.exporting.calibration import Calibration
from keras_colorize.inference.tflite_facts import FACTS
from keras_colorize.inference.tflite_operators import pack
from keras_colorize.models.generator import config_of


def with_metadata(
    model: bytes,
    generator: keras.Model,
    *,
    name: str,
    kind: str,
    sizes: Sequence[tuple[int, int]],
    calibration: Calibration | None = None,
    author: str = "",
    license: str = "",
) -> bytes:
    """Writes facts about a file into it.

    Args:
        model: a `.tflite` file.
        generator: network that the file was made of.
        name: name of the network.
        kind: kind of the file.
        sizes: (height, width) of each signature.
        calibration: photographs that chose the ranges of an integer file.
        author: author of the weights.
        license: license of the weights.

    Returns:
        The file with the metadata entry `KERAS_COLORIZE`, in place of an older one.
    """
    config = config_of(generator)
    facts = {
        "name": name,
        "kind": kind,
        "chroma_stride": config.chroma_stride,
        "sizes": sizes,
        "generator": asdict(config),
        "calibration": calibration and calibration.facts(),
        "author": author,
        "license": license,
    }
    parsed = schema.ModelT.InitFromPackedBuf(model, 0)
    entry, buffer = schema.MetadataT(), schema.BufferT()
    entry.name, entry.buffer = FACTS, len(parsed.buffers)
    buffer.data = np.frombuffer(json.dumps(facts).encode(), np.uint8)
    parsed.buffers.append(buffer)
    # The converter names the oldest runtime by the operators alone. Integer weights beside float
    # activations need a newer one, so that its claim would be false.
    replaced = (FACTS, "min_runtime_version")
    kept = [one for one in parsed.metadata or [] if one.name.decode() not in replaced]
    parsed.metadata = [*kept, entry]
    return pack(parsed)
