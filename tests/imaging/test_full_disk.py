"""What a full disk cuts never appears as a file, whatever writes it."""

import io
import os
import subprocess
import sys
from functools import partial

import numpy as np
import pytest

from keras_colorize.imaging import files
from keras_colorize.imaging.formats import SUFFIXES_OF
from keras_colorize.imaging.images import write_image

RGB = np.random.default_rng(0).integers(0, 256, (90, 120, 3), dtype=np.uint8)
SUFFIXES = [suffixes[0] for suffixes in SUFFIXES_OF.values()]
EXIF = b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0"


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_pictures(tmp_path, files_end_at, suffix, overwrite):
    path = tmp_path / f"a{suffix}"
    write_image(RGB, path, exif=EXIF)
    size = path.stat().st_size
    for share in np.linspace(0, 1, 20, endpoint=False):
        path.write_text("mine")
        if not overwrite:
            path.unlink()
        with files_end_at(int(size * share)):
            with pytest.raises(OSError, match="File too large") as caught:
                write_image(RGB, path, exif=EXIF, overwrite=overwrite)
        assert caught.value.filename == str(path)
        assert [each.read_text() for each in tmp_path.iterdir()] == ["mine"] * overwrite
    with files_end_at(size):
        write_image(RGB, path, exif=EXIF, overwrite=True)
    assert path.stat().st_size == size


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_library_that_looks_for_a_descriptor_finds_none(tmp_path, suffix):
    """Pillow writes to it without a look at what was written."""
    with files.atomic_file(tmp_path / f"a{suffix}") as stream:
        with pytest.raises(io.UnsupportedOperation):
            stream.fileno()


def test_files_written_by_path_and_folders(tmp_path, files_end_at):
    with files_end_at(1000):
        with pytest.raises(OSError, match="File too large"):
            with files.atomic_path(tmp_path / "a.bin") as path:
                path.write_bytes(bytes(1001))
        with pytest.raises(OSError, match="File too large"):
            with files.atomic_folder(tmp_path / "folder") as folder:
                (folder / "small").write_bytes(b"1")
                (folder / "large").write_bytes(bytes(1001))
    assert os.listdir(tmp_path) == []


def test_a_disk_that_takes_nothing_more_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "write", lambda descriptor, content: 0)
    with pytest.raises(OSError, match=r"No space left on device: .*a\.png"):
        write_image(RGB, tmp_path / "a.png")
    assert os.listdir(tmp_path) == []


def test_a_disk_that_fails_at_the_last_moment(tmp_path, monkeypatch):
    def fail(descriptor):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match=r"Input/output error: .*a\.png"):
        write_image(RGB, tmp_path / "a.png")
    assert os.listdir(tmp_path) == []


class Halting(io.RawIOBase):
    """Takes seven bytes at a time, as a bare descriptor may."""

    def __init__(self, room=10**9):
        self.taken = b""
        self.room = room

    def writable(self):
        return True

    def write(self, content):
        if len(self.taken) >= self.room:
            return None
        self.taken += bytes(content[:7])
        return len(content[:7])


def test_streams_that_take_a_part_at_a_time():
    whole, halting = io.BytesIO(), Halting()
    for stream in (whole, halting):
        write_image(RGB[:9, :9], stream, format="PNG")
    assert halting.taken == whole.getvalue()
    with pytest.raises(BlockingIOError):
        write_image(RGB, Halting(100), format="PNG")


COLORIZE = """
import resource, sys
from keras_colorize.cli.main import main
if int(sys.argv[1]):
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), resource.RLIM_INFINITY))
main(sys.argv[2:])
"""


@pytest.mark.parametrize(("suffix", "unbuffered"), [(".jpg", ""), (".tif", "1")])
def test_the_command_line(tmp_path, suffix, unbuffered):
    """A sentence and exit code 1, and the next run makes the result; so with standard output."""
    source, result = tmp_path / f"old{suffix}", tmp_path / f"old-colorized{suffix}"
    write_image(np.repeat(RGB[..., :1], 3, axis=2), source)
    run = partial(
        subprocess.run,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": unbuffered},
    )
    program = [sys.executable, "-c", COLORIZE]
    failed = run([*program, "4097", "colorize", str(source)])
    assert failed.returncode == 1
    assert failed.stderr == f"Error: {result} cannot be written: File too large.\n"
    assert os.listdir(tmp_path) == [source.name]
    assert run([*program, "0", "colorize", str(source)]).returncode == 0
    assert result.exists()
    with open(tmp_path / "stream", "wb") as stream:
        command = ["colorize", str(source), "-o", "-", "--format", suffix[1:]]
        failed = run([*program, "4097", *command], stdout=stream)
    assert failed.returncode == 1
    assert failed.stderr == "Error: Standard output cannot be written: File too large.\n"
