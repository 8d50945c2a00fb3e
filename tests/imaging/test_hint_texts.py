"""Hints as people write them."""

import json

import pytest

from keras_colorize.imaging.hint_texts import parse_hint, read_hints
from keras_colorize.imaging.hints import Hint, HintError


@pytest.mark.parametrize(
    "text, hint",
    [
        ("0.31,0.62=#a03020", Hint(0.31, 0.62, (160, 48, 32))),
        (" 0 , 1 = #A03020 ", Hint(0, 1, (160, 48, 32))),
        ("0.5,.5=grey", Hint(0.5, 0.5, (128, 128, 128))),
        ("1,0=keep", Hint(1, 0, None)),
    ],
)
def test_what_is_written_on_the_command_line(text, hint):
    assert parse_hint(text) == hint


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "X,Y=COLOR"),
        ("0.5=#a03020", "X,Y=COLOR"),
        ("a,b=#a03020", "x and y of a hint must be numbers"),
        ("0.5,2=#a03020", "y of a hint must be from 0 to 1, not 2.0"),
        ("nan,0=#a03020", "x of a hint must be from 0 to 1, not nan"),
        ("0.5,0.5=red", 'must be #RRGGBB, "grey" or "keep", not \'red\''),
        ("0.5,0.5=#a0302", "must be #RRGGBB"),
    ],
)
def test_a_mistake_on_the_command_line(text, message):
    with pytest.raises(HintError, match=message):
        parse_hint(text)


def test_what_is_written_in_a_file():
    fields = [
        {"x": 0.1, "y": 0.2, "color": "#010203"},
        {"x": 0, "y": 1, "color": "keep", "radius": 0.2, "strength": 0.5},
    ]
    hints = [Hint(0.1, 0.2, (1, 2, 3)), Hint(0, 1, None, 0.2, 0.5)]
    assert read_hints(json.dumps({"hints": fields})) == hints
    assert read_hints(json.dumps({"hints": fields}).encode()) == hints
    assert read_hints('{"hints": []}') == []


GOOD = {"x": 0.1, "y": 0.2, "color": "#010203"}


@pytest.mark.parametrize(
    "content, message",
    [
        ("{", "The hints are not JSON"),
        (b"\xff\xfe\x00", "The hints are not JSON"),
        ("[" * 100_000, "The hints are not JSON"),
        ("[]", 'one field, "hints"'),
        ('{"hints": [], "more": 1}', 'one field, "hints"'),
        ('{"hints": 3}', '"hints" must be a list'),
        ('{"hints": [3]}', "Hint 1 must be a JSON object"),
        (json.dumps({"hints": [GOOD, {**GOOD, "z": 1}]}), "Hint 2 has an unknown field, 'z'"),
        (json.dumps({"hints": [{"x": 1, "y": 1}]}), "Hint 1 lacks the field 'color'"),
        (json.dumps({"hints": [{**GOOD, "x": "left"}]}), "Hint 1: x of a hint must be a number"),
        (json.dumps({"hints": [{**GOOD, "y": -3}]}), "Hint 1: y of a hint must be from 0 to 1"),
        (json.dumps({"hints": [{**GOOD, "x": float("nan")}]}), "Hint 1: x of a hint .* not nan"),
        (json.dumps({"hints": [{**GOOD, "color": 7}]}), "Hint 1: color of a hint must be #RRGGBB"),
        (json.dumps({"hints": [GOOD] * 1001}), "1000 hints at most, not 1001"),
        (" " * 1_000_001, "Hints may take 1000000 bytes at most"),
    ],
)
def test_a_mistake_in_a_file_is_named(content, message):
    with pytest.raises(HintError, match=message):
        read_hints(content)
