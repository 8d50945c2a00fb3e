import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


@pytest.fixture(scope="module")
def jpeg() -> bytes:
    y, x = np.mgrid[:60, :80]
    gray = (120 + 60 * np.sin(x / 9) * np.cos(y / 7)).astype(np.uint8)
    stream = io.BytesIO()
    Image.fromarray(gray).save(stream, "JPEG")
    return stream.getvalue()


@pytest.fixture
def folder(tmp_path: Path, jpeg: bytes, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a tree of pictures, `album`."""
    monkeypatch.chdir(tmp_path)
    for name in ("one.jpg", "two.JPG", "deep/er/three.jpg", "deep/one.jpg"):
        path = tmp_path / "album" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(jpeg)
    (tmp_path / "album" / "notes.txt").write_text("no picture")
    (tmp_path / "album" / ".hidden.jpg").write_bytes(jpeg)
    return tmp_path
