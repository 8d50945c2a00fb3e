import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
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


@pytest.fixture(scope="session")
def colorize() -> Callable[..., Result]:
    """Runs `keras-colorize colorize` with some arguments, in this process."""
    from keras_colorize.cli.main import main

    def colorize(*arguments: object, input: bytes | None = None) -> Result:
        return CliRunner().invoke(main, ["colorize", *map(str, arguments)], input=input)

    return colorize


@pytest.fixture(scope="session")
def tree() -> Callable[[Path], set[str]]:
    """Lists the files below a folder."""
    return lambda folder: {
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
    }


@pytest.fixture(scope="session")
def snapshot(tree: Callable[[Path], set[str]]) -> Callable[[Path], dict[str, bytes]]:
    """Reads all files below a folder."""
    return lambda folder: {name: (folder / name).read_bytes() for name in tree(folder)}


@pytest.fixture(scope="session")
def is_coloured() -> Callable[[Path], bool]:
    """Says whether a result has colour."""

    def is_coloured(path: Path) -> bool:
        with Image.open(path) as image:
            assert image.size == (80, 60)
            return bool(np.ptp(np.asarray(image.convert("RGB")).astype(int), axis=-1).max() > 0)

    return is_coloured
