"""Which Python `make` takes for an environment, and what it says where none fits."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ENVIRONMENTS = {".venv-demo/.installed": "3.14", ".venv/.installed": "3.13"}


@pytest.fixture
def folder(repository: Path, tmp_path: Path) -> Path:
    for name in ("Makefile", "setup.cfg", "pyproject.toml", "requirements.lock"):
        shutil.copy(repository / name, tmp_path)
    return tmp_path


def make(folder: Path, *arguments: str, path: str = "") -> subprocess.CompletedProcess[str]:
    # `make test` hands down its own options, and with them its PYTHON.
    handed_down = ("PYTHON", "MAKEFLAGS", "MAKEOVERRIDES", "MFLAGS", "MAKELEVEL")
    environment = {key: value for key, value in os.environ.items() if key not in handed_down}
    if path:
        environment["PATH"] = f"{path}{os.pathsep}{environment['PATH']}"
    command = ["make", "--no-print-directory", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def script(file: Path, text: str) -> None:
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)


@pytest.mark.parametrize("target", ENVIRONMENTS)
def test_a_python_that_does_not_fit_is_a_sentence(folder: Path, target: str) -> None:
    done = make(folder, target, "PYTHON=false")
    assert done.returncode == 2
    sentence, of_make = done.stderr.splitlines()
    assert sentence == (
        f"This needs Python 3.11 to {ENVIRONMENTS[target]}, which false is not; name one, for "
        "example: make PYTHON=python3.12"
    )
    assert of_make.startswith("make: ***")


@pytest.mark.parametrize("target", ENVIRONMENTS)
def test_the_first_python_that_fits_is_taken(folder: Path, target: str) -> None:
    programs = folder / "programs"
    programs.mkdir()
    for name in ("python3", "python3.11"):
        script(programs / name, "exit 1")
    fits = f'[ "$1" = -c ] && exec "{sys.executable}" "$@"; echo "$0 $@"; exit 1'
    script(programs / "python3.12", fits)
    done = make(folder, target, path=str(programs))
    environment = target.partition("/")[0]
    assert done.stdout == f"{programs}/python3.12 -m venv {environment}\n"
