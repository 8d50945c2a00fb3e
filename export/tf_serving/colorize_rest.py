"""Colours a photograph over REST, with Python's standard library alone.

python colorize_rest.py old.jpg new.png [http://HOST:PORT]

KERAS_COLORIZE_API_KEY is the key of the server, if it asks for one.
"""

import base64
import json
import os
import sys
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen


def colorize(photograph: bytes, server: str) -> bytes:
    """Gives the PNG of a JPEG or PNG; fails with the server's sentence."""
    instance = {"image_bytes": {"b64": base64.b64encode(photograph).decode()}}
    body = json.dumps({"signature_name": "colorize_bytes", "instances": [instance]}).encode()
    request = Request(f"{server}/v1/models/colorizer:predict", body)
    if key := os.environ.get("KERAS_COLORIZE_API_KEY"):
        request.add_header("Authorization", f"Bearer {key}")
    try:
        with urlopen(request) as response:
            answer = json.load(response)
    except HTTPError as error:
        sys.exit(f"{error.code}: {json.load(error)['error']}")
    return base64.b64decode(answer["predictions"][0]["b64"])


if __name__ == "__main__":
    source, destination, *server = sys.argv[1:]
    picture = colorize(Path(source).read_bytes(), *(server or ["http://127.0.0.1:8501"]))
    Path(destination).write_bytes(picture)
