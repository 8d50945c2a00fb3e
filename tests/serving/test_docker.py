"""The steps of export/docker/Dockerfile, taken by hand: there is no Docker here."""

import json
import re
import shlex
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError

import pytest

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "export" / "docker"
DOCKERFILE = (FOLDER / "Dockerfile").read_text().replace("\\\n", " ")
PREFIX = "/opt/keras-colorize"


def instructions(name: str) -> list[str]:
    return re.findall(rf"^{name} (.*)$", DOCKERFILE, re.MULTILINE)


def test_what_is_ignored_leaves_what_is_copied() -> None:
    ignored = (FOLDER / "Dockerfile.dockerignore").read_text().splitlines()
    kept = {line[1:] for line in ignored if line.startswith("!")}
    copied = [part for line in instructions("COPY") for part in line.split()[:-1]]
    own = {part for part in copied if not part.startswith(("--from", PREFIX))}
    assert own == kept
    assert all((ROOT / name).exists() for name in own)


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Installs what the Dockerfile copies; libraries come from the environment of the tests."""
    folder = tmp_path_factory.mktemp("image")
    source = folder / "source"
    for line in instructions("COPY"):
        *names, _ = line.split()
        for name in names:
            if name.startswith(("--from", PREFIX)):
                continue
            if (ROOT / name).is_dir():
                ignored = shutil.ignore_patterns("__pycache__")
                shutil.copytree(ROOT / name, source / name, ignore=ignored)
            else:
                source.mkdir(exist_ok=True)
                shutil.copy(ROOT / name, source)
    (run,) = instructions("RUN")
    installed = r'pip install --no-cache-dir "/source\[serve\]"'
    assert re.fullmatch(rf"python -m venv {PREFIX}\s+&& {PREFIX}/bin/{installed}", run)
    made = folder / "environment"
    # Like the steps above, but without the network.
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "install",
            "-q",
            "--disable-pip-version-check",
            "--no-deps",
            "--no-build-isolation",
            "--target",
            made,
            source,
        ],
        check=True,
    )
    return made


@pytest.fixture(scope="module")
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture(scope="module")
def server(environment: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    command = json.loads(instructions("ENTRYPOINT")[0])
    assert command[0] == f"{PREFIX}/bin/keras-colorize"
    program = [sys.executable, "-c", "from keras_colorize.cli.main import main; main()"]
    arguments = [*program, *command[1:], "--port", str(port), "--workers", "1"]
    with subprocess.Popen(
        arguments, env={"PYTHONPATH": str(environment), "HOME": "/nonexistent"}, cwd="/"
    ) as process:
        yield process
        process.terminate()


def test_the_health_check_passes_and_the_page_is_there(
    server: subprocess.Popen[bytes], port: int
) -> None:
    words = json.loads(instructions("HEALTHCHECK")[0].partition("CMD ")[2])
    assert words[:2] == [f"{PREFIX}/bin/python", "-c"]
    check = [sys.executable, "-c", words[2].replace(":8501", f":{port}")]
    end = time.monotonic() + 120
    while subprocess.run(check, stderr=subprocess.DEVNULL).returncode:
        assert server.poll() is None
        assert time.monotonic() < end, shlex.join(check)
        time.sleep(0.5)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=30) as answer:
        assert b"<html" in answer.read()
    with pytest.raises(URLError):
        urllib.request.urlopen(f"http://127.0.0.1:{port}/absent", timeout=30)
