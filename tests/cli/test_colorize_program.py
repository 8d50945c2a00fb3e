"""`keras-colorize colorize` as a program of its own: streams, signals, names, what it loads."""

import errno
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest
from PIL import Image


def program() -> str:
    found = shutil.which("keras-colorize", path=str(Path(sys.executable).parent))
    assert found is not None
    return found


def run_program(*arguments: str, input: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([program(), *arguments], input=input, capture_output=True)


def run_in_shell(command: str) -> subprocess.CompletedProcess[str]:
    line = ["bash", "-o", "pipefail", "-c", f"{program()} {command}"]
    return subprocess.run(line, capture_output=True, text=True)


def tree(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def is_coloured(path: Path) -> bool:
    with Image.open(path) as image:
        assert image.size == (80, 60)
        return bool(np.ptp(np.asarray(image.convert("RGB")).astype(int), axis=-1).max() > 0)


def test_colouring_loads_no_framework(folder: Path) -> None:
    code = """
import sys
from keras_colorize.cli.main import main
main(["colorize", "album/one.jpg"], standalone_mode=False)
heavy = {"tensorflow", "keras", "scipy", "skimage", "matplotlib", "tqdm", "PIL.ImageCms"}
heavy |= {"fastapi", "uvicorn", "grpc"}
print(sorted(heavy & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stderr == ""
    assert done.stdout == "album/one-colorized.jpg\n[]\n"


def test_a_pipe_works_from_end_to_end(folder: Path, jpeg: bytes) -> None:
    done = run_program("colorize", "-", input=jpeg)
    assert (done.returncode, done.stderr) == (0, b"")
    with Image.open(io.BytesIO(done.stdout)) as image:
        assert image.size == (80, 60)


def test_names_that_are_not_utf_8(folder: Path, jpeg: bytes) -> None:
    name = os.fsdecode(b"caf\xe9.jpg")
    (folder / name).write_bytes(jpeg)
    (folder / os.fsdecode(b"b\xe4d.jpg")).write_bytes(b"no picture")
    single = run_program("colorize", name)
    assert (single.returncode, single.stderr) == (0, b"")
    assert single.stdout == b"caf\\udce9-colorized.jpg\n"
    assert is_coloured(folder / os.fsdecode(b"caf\xe9-colorized.jpg"))
    several = run_program("colorize", ".", "-o", "out", "--json")
    assert several.returncode == 1
    assert b"b\\udce4d.jpg is not a JPEG" in several.stderr
    records = {record["source"]: record for record in json.loads(several.stdout)}
    assert records["caf\\udce9.jpg"]["status"] == "colorized"
    assert records["b\\udce4d.jpg"]["reason"].startswith("b\\udce4d.jpg is not a JPEG")


@pytest.mark.parametrize(
    "command, sentence",
    [
        ("colorize - < album/one.jpg > /dev/full", "Standard output cannot be written: No space"),
        ("colorize album/one.jpg > /dev/full", "No space left on device."),
        ("colorize album --json > /dev/full", "No space left on device."),
        ("colorize - < album/one.jpg | true", "Standard output cannot be written: Broken pipe."),
        ("colorize album/one.jpg | true", ""),
        ("colorize - -o new.jpg <&-", "Standard input is closed."),
        ("colorize - < album/one.jpg >&-", "Standard output is closed."),
    ],
)
def test_streams_that_fail(folder: Path, command: str, sentence: str) -> None:
    done = run_in_shell(command)
    assert done.returncode in (1, 2)
    assert "Traceback" not in done.stderr and "Exception ignored" not in done.stderr
    assert sentence in done.stderr
    assert bool(sentence) == bool(done.stderr)


@pytest.mark.parametrize(
    "command",
    [
        "colorize - -o out/one.jpg < album/one.jpg >&-",
        "colorize album/one.jpg -o - <&- > one.jpg",
        "colorize album -o out --jobs 2 <&- >&- 2>&-",
    ],
)
def test_streams_that_are_not_needed_may_be_closed(folder: Path, command: str) -> None:
    (folder / "out").mkdir()
    done = run_in_shell(command)
    assert (done.returncode, done.stderr) == (0, "")
    results = [*folder.glob("out/**/*.*"), *folder.glob("one.jpg")]
    assert results and all(is_coloured(path) for path in results)


def test_an_endless_input_is_a_sentence(folder: Path) -> None:
    done = run_in_shell("colorize - -o new.jpg --max-pixels 1000 < /dev/zero")
    assert done.returncode == 1
    assert done.stderr == (
        "Error: <stdin> goes on after 67116864 bytes, more than its pixels may take.\n"
    )
    assert not (folder / "new.jpg").exists()


def test_a_folder_with_a_pipe_is_coloured_without_it(folder: Path) -> None:
    os.mkfifo(folder / "album" / "pipe.jpg")
    (folder / "album" / "zero.jpg").symlink_to("/dev/zero")
    done = run_in_shell("colorize album 'album/*.jpg' -o out")
    assert done.returncode == 0
    assert done.stderr.startswith("Coloured 4 of 4 pictures.\n")


def open_when_read(pipe: Path, reader: subprocess.Popen[str]) -> BinaryIO:
    """Opens a named pipe to write, as soon as a process has begun to read it."""
    while True:
        assert reader.poll() is None
        try:
            return open(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK), "wb")
        except OSError as error:
            assert error.errno == errno.ENXIO  # nobody reads it yet
            time.sleep(0.01)


def test_ctrl_c_ends_a_folder_run_cleanly(folder: Path, jpeg: bytes) -> None:
    """It comes when one picture is done, two are being read and more are to come."""
    roll = folder / "roll"
    roll.mkdir()
    pipes = [roll / "001.jpg", roll / "002.jpg"]
    for pipe in pipes:
        os.mkfifo(pipe)
    for index in (0, *range(3, 300)):
        (roll / f"{index:03}.jpg").write_bytes(jpeg)
    named = [f"roll/{index:03}.jpg" for index in range(3)]  # by the folder it reads no pipes
    command = [program(), "colorize", *named, "roll", "-o", "out", "--jobs", "2"]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    streams = [open_when_read(pipe, running) for pipe in pipes]
    running.send_signal(signal.SIGINT)
    for stream in streams:
        with stream:
            stream.write(jpeg)
    assert running.communicate() == ("", "Interrupted.\n")
    assert running.returncode == 130
    made = tree(folder / "out")
    assert made >= {f"{index:03}-colorized.jpg" for index in range(3)}
    assert len(made) < 300
    assert not [name for name in made if name.endswith(".tmp")]
    assert all(is_coloured(folder / "out" / name) for name in made)
