"""Hints as people write them: on the command line, and in JSON files."""

import json
import re
from pathlib import Path
from typing import Any

from keras_colorize.imaging.hints import Colour, Hint, HintError

MOST_HINTS = 1000
MOST_BYTES = 1_000_000
SUFFIX = ".hints.json"

_HINT = re.compile(r"(?P<x>[^,=]+),(?P<y>[^,=]+)=(?P<color>.+)")
_CODE = re.compile(r"#[0-9a-fA-F]{6}")
_NAMED: dict[str, Colour | None] = {"keep": None, "grey": (128, 128, 128)}
_FIELDS = ("x", "y", "color", "radius", "strength")


def parse_hint(text: str) -> Hint:
    """Reads a hint of the form X,Y=COLOR.

    Args:
        text: such as "0.31,0.62=#a03020": x and y from 0 to 1 of the width and the height, and the
            colour as #RRGGBB, or "grey", or "keep" for the colours that are there already.

    Raises:
        HintError: it has another form, or a value is not in its range.
    """
    match = _HINT.fullmatch(text.strip())
    if match is None:
        raise HintError(f"A hint is written as X,Y=COLOR, such as 0.31,0.62=#a03020, not {text!r}.")
    try:
        x, y = float(match["x"]), float(match["y"])
    except ValueError as error:
        raise HintError(f"x and y of a hint must be numbers from 0 to 1, not {text!r}.") from error
    return Hint(x, y, _color(match["color"].strip()))


def read_hints(content: bytes | str) -> list[Hint]:
    """Reads hints from JSON.

    Args:
        content: `{"hints": [{"x": 0.31, "y": 0.62, "color": "#a03020"}]}`. Each hint may also have
            a `radius` and a `strength`; see `Hint`.

    Returns:
        The hints, in their order.

    Raises:
        HintError: it is not such a text, or too long; the sentence names the hint and the field.
    """
    if len(content) > MOST_BYTES:
        raise HintError(f"Hints may take {MOST_BYTES} bytes at most.")
    try:
        parsed = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise HintError(f"The hints are not JSON: {error}.") from error
    if not isinstance(parsed, dict) or set(parsed) != {"hints"}:
        raise HintError('Hints are a JSON object with one field, "hints".')
    listed = parsed["hints"]
    if not isinstance(listed, list):
        raise HintError('The field "hints" must be a list.')
    if len(listed) > MOST_HINTS:
        raise HintError(f"There may be {MOST_HINTS} hints at most, not {len(listed)}.")
    return [_hint(fields, number) for number, fields in enumerate(listed, 1)]


def hints_beside(photograph: Path) -> list[Hint]:
    """Reads the hints of the file beside a photograph: `old.hints.json` of `old.jpg`.

    Returns:
        The hints; none if there is no such file.

    Raises:
        HintError: the file cannot be read, or holds something else.
    """
    file = photograph.with_suffix(SUFFIX)
    return read_hint_file(file) if file.is_file() else []


def read_hint_file(file: Path) -> list[Hint]:
    """Reads the hints of a file, as `read_hints` does, whose name then begins the sentence."""
    try:
        with file.open("rb") as stream:
            return read_hints(stream.read(MOST_BYTES + 1))
    except HintError as error:
        raise HintError(f"{file}: {error}") from error
    except OSError as error:
        raise HintError(f"{file} cannot be read: {error.strerror}.") from error


def _hint(fields: Any, number: int) -> Hint:
    if not isinstance(fields, dict):
        raise HintError(f"Hint {number} must be a JSON object.")
    if unknown := sorted(set(fields) - set(_FIELDS)):
        raise HintError(
            f"Hint {number} has an unknown field, {unknown[0]!r}; there are {', '.join(_FIELDS)}."
        )
    if missing := [name for name in _FIELDS[:3] if name not in fields]:
        raise HintError(f"Hint {number} lacks the field {missing[0]!r}.")
    try:
        return Hint(**{**fields, "color": _color(fields["color"])})
    except HintError as error:
        raise HintError(f"Hint {number}: {error}") from error


def _color(text: Any) -> Colour | None:
    if isinstance(text, str):
        if text in _NAMED:
            return _NAMED[text]
        if _CODE.fullmatch(text):
            red, green, blue = bytes.fromhex(text[1:])
            return red, green, blue
    raise HintError(f'color of a hint must be #RRGGBB, "grey" or "keep", not {text!r}.')
