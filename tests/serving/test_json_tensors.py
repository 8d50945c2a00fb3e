"""JSON to tensors and back, as TensorFlow Serving does it."""

import base64
import json
import math
from random import Random
from typing import Any

import numpy as np
import pytest

from keras_colorize.serving.errors import ServingError
from keras_colorize.serving.json_tensors import read_request, write_answer
from keras_colorize.serving.signatures import SIGNATURES

PICTURE = [[[50], [60.5]]]  # (1, 2, 1)


def request(**document: Any) -> bytes:
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    "document, rows",
    [
        ({"instances": [PICTURE]}, True),
        ({"instances": [{"lightness": PICTURE}]}, True),
        ({"inputs": [PICTURE]}, False),
        ({"inputs": {"lightness": [PICTURE]}}, False),
        ({"inputs": {"lightness": [PICTURE], "other": 1}}, False),
        ({"instances": [PICTURE], "signature_name": ""}, True),
        ({"instances": [PICTURE], "signature_name": "serving_default", "more": 1}, True),
    ],
)
def test_rows_and_columns(document: dict[str, Any], rows: bool) -> None:
    signature, batch, in_rows = read_request(request(**document))
    assert (signature.name, in_rows) == ("serving_default", rows)
    assert isinstance(batch, np.ndarray)
    assert (batch.dtype, batch.shape) == (np.float32, (1, 1, 2, 1))
    assert batch.ravel().tolist() == [50, 60.5]


@pytest.mark.parametrize(
    "encoded", [b"\xff\xd8picture!", b"\xff\xd8", b"\xff", bytes(range(256)) * 3]
)
def test_base64_with_line_breaks_and_without_padding(encoded: bytes) -> None:
    plain = base64.b64encode(encoded).decode()
    for text in (plain, plain.rstrip("="), base64.encodebytes(encoded).decode()):
        one = {"b64": text}
        for document in (
            {"instances": [one]},
            {"instances": [{"image_bytes": one}]},
            {"inputs": [one]},
            {"inputs": {"image_bytes": [one]}},
        ):
            body = request(signature_name="colorize_bytes", **document)
            assert read_request(body)[1] == [encoded]


BAD = [
    (b"", "JSON Parse error: The document is empty"),
    (b"instances = [1]", "JSON Parse error"),
    (b'{"instances": [1', "JSON Parse error"),
    (b"\xff\xfe\xff", "JSON Parse error"),
    (b"[" * 100_000, "JSON Parse error"),
    (b'{"instances": ' + b"9" * 5000 + b"}", "JSON Parse error"),
    (b"[1]", "Is not object"),
    (b"{}", "Missing 'inputs' or 'instances' key"),
    (b'{"instances": [[]], "inputs": []}', "only one of 'inputs' or 'instances'"),
    (b'{"instances": 3}', "'instances' to be an list/array"),
    (b'{"instances": []}', "No values in 'instances' array"),
    (b'{"instances": [[[[1]]]], "signature_name": 3}', "must be a string value"),
    (b'{"instances": [1], "signature_name": "x"}', '"x" not found in signature def'),
    (b'{"instances": [[1], {"lightness": 1}]}', "Expecting value/list but got object at item 1"),
    (b'{"instances": [{"lightness": 1}, 2]}', "Expecting object but got list at item 1"),
    (b'{"instances": [{"L": 1}]}', "keys must be equal to: lightness"),
    (b'{"inputs": {"L": 1}}', "Missing named input: lightness"),
    (b'{"inputs": [[[[1]]], [[[1], [2]]]]}', "unexpected size: 2 at level: 2 expected size: 1"),
    (b'{"inputs": [[1], 2]}', "incorrect level"),
    (b'{"inputs": [[[[[1]]]]]}', "unexpected level"),
    (b'{"inputs": [[[["1"]]]]}', "not of expected type: float"),
    (b'{"inputs": [[[[true]]]]}', "not of expected type: float"),
    (b'{"inputs": [[[[null]]]]}', "not of expected type: float"),
    (b'{"inputs": [[[[1], [[2]]]]]}', "not of expected type: float"),
    (b'{"inputs": [[[[1' + b"0" * 400 + b"]]]]}", "without loss of precision"),
    (b'{"inputs": 5}', "lightness has shape []"),
    (b'{"inputs": []}', "lightness has shape [0]"),
    (b'{"inputs": [[[]]]}', "lightness has shape [1,1,0]"),
    (b'{"inputs": [[[[1, 2]]]]}', "where serving_default takes [-1,-1,-1,1]"),
    (b'{"inputs": [[[[1,1,256]]]], "signature_name": "colorize_rgb"}', "expected type: uint8"),
    (b'{"inputs": [[[[1,1,-1]]]], "signature_name": "colorize_rgb"}', "expected type: uint8"),
    (b'{"inputs": [[[[1,1,1.0]]]], "signature_name": "colorize_rgb"}', "expected type: uint8"),
    (b'{"inputs": [{"b64": "!"}], "signature_name": "colorize_bytes"}', "Unable to base64 decode"),
    (b'{"inputs": [{"b65": ""}], "signature_name": "colorize_bytes"}', "for base64 data"),
    (b'{"inputs": [3], "signature_name": "colorize_bytes"}', "for base64 data"),
    (b'{"inputs": {"b64": ""}, "signature_name": "colorize_bytes"}', "is a list of strings"),
    (b'{"inputs": [], "signature_name": "colorize_bytes"}', "image_bytes has shape [0]"),
]


@pytest.mark.parametrize("body, message", BAD, ids=[message for _, message in BAD])
def test_a_bad_request_is_one_sentence(body: bytes, message: str) -> None:
    with pytest.raises(ServingError) as error:
        read_request(body)
    assert error.value.http_status == 400
    assert message in error.value.message
    assert len(error.value.message) < 300


def random_value(random: Random, depth: int = 0) -> Any:
    kinds = [None, True, 1, -1.5, 300, math.inf, math.nan, "", "\ud800", {}, [], *SIGNATURES]
    kind = random.randrange(3) if depth < 6 else 0
    if kind == 0:
        return random.choice(kinds)
    inner = [random_value(random, depth + 1) for _ in range(random.randrange(1, 4))]
    return inner if kind == 1 else {random.choice(["b64", "lightness", "rgb"]): inner[0]}


def test_whatever_comes_is_a_request_or_a_sentence() -> None:
    random = Random(0)
    keys = ["instances", "inputs", "signature_name"]
    refused = 0
    for _ in range(3000):
        chosen = random.sample(keys, random.randrange(1, 3))
        document = {
            key: random_value(random, 6 if key == "signature_name" else 0) for key in chosen
        }
        try:
            signature, batch, _ = read_request(json.dumps(document).encode())
            assert signature.name in SIGNATURES and len(batch) > 0
        except ServingError as error:
            assert error.code == "INVALID_ARGUMENT" and error.message
            refused += 1
    assert 1000 < refused < 3000


def test_floats_are_short_and_read_back_as_they_were() -> None:
    values = np.random.default_rng(0).normal(0, 40, (1, 20, 20, 2)).astype(np.float32)
    values[0, 0, 0] = [0.1, 5]
    text = write_answer(values, rows=True).decode()
    assert "0.1, 5.0" in text and "0.10000000" not in text
    back = np.array(json.loads(text)["predictions"], np.float64)
    assert np.array_equal(back.astype(np.float32), values)


def test_answers_in_rows_and_columns() -> None:
    pixels = np.arange(6, dtype=np.uint8).reshape(1, 1, 2, 3)
    assert json.loads(write_answer(pixels, True)) == {"predictions": pixels.tolist()}
    assert json.loads(write_answer(pixels, False)) == {"outputs": pixels.tolist()}
    files = json.loads(write_answer([b"\xff"], False))
    assert files == {"outputs": [{"b64": "/w=="}]}


@pytest.mark.parametrize(("item", "what"), [(b"[],", "lists"), (b'{"a":1},', "objects")])
def test_json_of_nothing_but_lists_is_refused_before_it_is_read(item: bytes, what: str) -> None:
    """Each list takes 20 times the memory of its text: 32 MB of them a gigabyte."""
    body = b'{"instances": [' + item * 4_000_000
    with pytest.raises(ServingError, match=f"more than [0-9]+ {what}") as error:
        read_request(body[:32_000_000])  # which is not even JSON
    assert error.value.http_status == 413
