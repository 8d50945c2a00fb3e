"""Facts about a network, as JSON in the metadata of its `.tflite` file."""

import json
import struct
from pathlib import Path
from typing import Any

from ai_edge_litert import schema_py_generated as schema

from keras_colorize.config import GeneratorConfig
from keras_colorize.inference.weights import WeightsError

FACTS = "KERAS_COLORIZE"


def read_facts(model: bytes) -> dict[str, Any]:
    """Reads the metadata entry `KERAS_COLORIZE` of a `.tflite` file; empty if there is none."""
    parsed = schema.ModelT.InitFromPackedBuf(model, 0)
    for entry in parsed.metadata or []:
        if entry.name.decode() == FACTS:
            found: dict[str, Any] = json.loads(bytes(parsed.buffers[entry.buffer].data))
            return found
    return {}


def facts_of_file(path: Path) -> dict[str, Any]:
    """Reads the facts of a `.tflite` file that a user names.

    Raises:
        WeightsError: the file is damaged.
    """
    try:
        return read_facts(path.read_bytes())
    # What flatbuffers raises depends on where the bytes end.
    except (struct.error, IndexError, TypeError, ValueError, AttributeError) as error:
        raise WeightsError(f"{path} is damaged, or no .tflite file.") from error


def generator_config(facts: dict[str, Any]) -> GeneratorConfig | None:
    """Returns the configuration of a network; None for a file from before they were written."""
    fields = facts.get("generator")
    return None if fields is None else GeneratorConfig.from_fields(fields)
