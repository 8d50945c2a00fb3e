import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from keras_colorize.cli.main import main
from keras_colorize.inference.weights import resolve_weights


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the packaged weights that stands in for them."""
    packaged = resolve_weights(None)
    for path in packaged.parent.glob(f"{packaged.stem}.*"):
        shutil.copy(path, tmp_path)
    monkeypatch.setattr("keras_colorize.inference.weights.PACKAGED_FOLDER", tmp_path)
    return tmp_path


def doctor(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["doctor", *arguments])


def report(code: int = 0) -> dict[str, Any]:
    result = doctor("--json")
    assert result.exit_code == code
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def spoil_golden(weights: Path, by: float) -> None:
    path = weights / "mobile.golden.npz"
    with np.load(path) as golden:
        lightness, ab = golden["lightness"], golden["ab"]
    np.savez(path, lightness=lightness, ab=ab + np.float32(by))


def test_this_installation_is_healthy() -> None:
    result = doctor()
    assert result.exit_code == 0, result.output
    assert "self-test passed" in result.stdout
    assert "colorize_256x384" in result.stdout


def test_report_in_json() -> None:
    found = report()
    assert found["libraries"]["numpy"] == np.__version__
    extras = {extra["name"]: extra for extra in found["extras"]}
    assert extras["train"]["install"] == 'pip install ".[train]" in a clone of keras-colorize'
    assert extras["train"]["installed"] is (extras["train"]["missing"] == [])
    (mobile,) = (model for model in found["models"] if model["name"] == "mobile")
    assert [256, 256] in mobile["sizes"]
    assert mobile["bytes"] == Path(mobile["path"]).stat().st_size
    assert mobile["passed"] is True
    assert mobile["mean_difference"] < 0.5


def test_other_output_than_the_golden_one_fails(weights: Path) -> None:
    spoil_golden(weights, 1.0)
    result = doctor()
    assert result.exit_code == 1
    assert "self-test FAILED: its ab is 1 from the golden one in the mean" in result.stdout


@pytest.mark.parametrize("suffix", [".tflite", ".golden.npz"])
@pytest.mark.parametrize("damage", ["cut", "other"])
def test_a_damaged_file_is_a_failure_and_no_trace(weights: Path, suffix: str, damage: str) -> None:
    path = weights / f"mobile{suffix}"
    path.write_bytes(b"damaged" if damage == "other" else path.read_bytes()[:-20])
    (model,) = report(code=1)["models"]
    assert model["passed"] is False
    assert model["problem"]


def test_an_installation_without_weights(weights: Path) -> None:
    (weights / "mobile.tflite").unlink()
    result = doctor()
    assert result.exit_code == 1
    assert "none: this installation is broken" in result.stdout


def test_an_extra_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "keras_colorize.cli.doctor.declared_extras", lambda: {"video": ["no-such-library"]}
    )
    (video,) = report()["extras"]
    assert (video["installed"], video["missing"]) == (False, ["no-such-library"])
    assert 'not installed: pip install ".[video]" in a clone of keras-colorize' in doctor().stdout


@pytest.mark.parametrize("library", ["cv2", "numpy", "ai_edge_litert"])
def test_a_library_that_cannot_be_loaded_is_a_finding(tmp_path: Path, library: str) -> None:
    (tmp_path / f"{library}.py").write_text(
        "try:\n"
        "    raise ImportError('libGL.so.1: cannot open shared object file')\n"
        "except ImportError as error:\n"
        "    raise ImportError('Advice\\n\\nof a page') from error\n"
    )
    code = "from keras_colorize.cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "doctor", "--json"],
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (1, "")
    (model,) = json.loads(done.stdout)["models"]
    assert model["passed"] is False
    assert model["problem"] == (
        "A library cannot be loaded: libGL.so.1: cannot open shared object file. "
        "Reinstall it, or install what it needs."
    )
