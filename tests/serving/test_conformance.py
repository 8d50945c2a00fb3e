"""The table of docs/serving-measurements.md, request by request; and the metadata, in full."""

import base64
import re
from pathlib import Path
from typing import Any

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "serving-measurements.md"
ROW = re.compile(
    r"^\| `(?P<method>[A-Z]+) (?P<path>/v1\S*)` \| (?:`(?P<body>.*?)` )?\| "
    r"(?P<there>.*?) \| (?P<status>\d+) `(?P<part>.*)` \|$",
    re.MULTILINE,
)


def rows() -> list[Any]:
    page = PAGE.read_text().partition("## Conformance with TensorFlow Serving")[2]
    found = [match.groupdict() for match in ROW.finditer(page)]
    assert len(found) == len(re.findall(r"^\| `[A-Z]+ /v1", page, re.MULTILINE)) > 40
    return [
        pytest.param(row, id=f"{row['method']} {row['path']} {row['body'] or ''}"[:90])
        for row in found
    ]


def without_space(text: str) -> str:
    return re.sub(r"\s", "", text)


@pytest.mark.parametrize("row", rows())
def test_row(row: dict[str, str], client: Any, tiny: bytes) -> None:
    body = (row["body"] or "").replace("PICTURE", base64.b64encode(tiny).decode())
    # `curl -d` sends JSON with this type; TensorFlow Serving does not look at it.
    headers = {"content-type": "application/x-www-form-urlencoded"}
    answer = client.request(row["method"], row["path"], content=body, headers=headers)
    assert answer.status_code == int(row["status"]), answer.text
    assert answer.headers["content-type"] == "application/json"
    text = answer.text if answer.status_code == 200 else answer.json()["error"]
    assert without_space(row["part"]) in without_space(text)
    assert list(answer.json()) == ["error"] or answer.status_code == 200


def test_metadata_in_full(client: Any) -> None:
    metadata = client.get("/v1/models/colorizer/metadata").json()
    assert metadata["model_spec"] == {"name": "colorizer", "signature_name": "", "version": "1"}
    signatures = metadata["metadata"]["signature_def"]["signature_def"]
    assert list(signatures) == ["serving_default", "network", "colorize_rgb", "colorize_bytes"]

    def dims(*sizes: int) -> dict[str, Any]:
        return {
            "dim": [{"size": str(size), "name": ""} for size in sizes],
            "unknown_rank": False,
        }

    assert signatures["colorize_bytes"] == {
        "inputs": {
            "image_bytes": {
                "dtype": "DT_STRING",
                "tensor_shape": dims(-1),
                "name": "colorize_bytes_image_bytes:0",
            }
        },
        "outputs": {
            "colorized_bytes": {
                "dtype": "DT_STRING",
                "tensor_shape": dims(-1),
                "name": "colorize_bytes_colorized_bytes:0",
            }
        },
        "method_name": "tensorflow/serving/predict",
    }
    (lightness,) = signatures["serving_default"]["inputs"].values()
    assert lightness["tensor_shape"] == dims(-1, -1, -1, 1)
