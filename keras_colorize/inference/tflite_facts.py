"""What a `.tflite` file of this project says of itself, as JSON in its metadata."""

import json
from typing import Any

from ai_edge_litert import schema_py_generated as schema

from keras_colorize.config import GeneratorConfig

FACTS = "KERAS_COLORIZE"


def read_facts(model: bytes) -> dict[str, Any]:
    """Reads the facts out of a file; empty if it has none.

    Args:
        model: a `.tflite` file.

    Returns:
        What its metadata entry `KERAS_COLORIZE` holds.
    """
    parsed = schema.ModelT.InitFromPackedBuf(model, 0)
    for entry in parsed.metadata or []:
        if entry.name.decode() == FACTS:
            found: dict[str, Any] = json.loads(bytes(parsed.buffers[entry.buffer].data))
            return found
    return {}


def generator_config(facts: dict[str, Any]) -> GeneratorConfig | None:
    """Returns the configuration of the network that a file was made of.

    Args:
        facts: of `read_facts`.

    Returns:
        None for a file from before configurations were written down.
    """
    fields = facts.get("generator")
    return None if fields is None else GeneratorConfig.from_fields(fields)
