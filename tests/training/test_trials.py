"""The benchmarks that train: a table of all that was trained, and nothing is trained twice."""

import json
import runpy
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from keras_colorize.models.ab_bins import ab_bins

pytestmark = pytest.mark.slow


@pytest.fixture
def folders(photographs: Path, tmp_path: Path) -> list[str]:
    """`--train` with enough photographs for a batch of 32, and `--val`."""
    found = sorted(photographs.rglob("*.jpg"))
    (tmp_path / "many").mkdir()
    for k in range(32):
        shutil.copy(found[k % len(found)], tmp_path / "many" / f"{k}.jpg")
    return ["--train", str(tmp_path / "many"), "--val", str(photographs)]


def run(
    repository: Path, name: str, arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> dict[str, Any]:
    monkeypatch.setattr("sys.argv", [name, *arguments])
    return runpy.run_path(str(repository / "benchmarks" / name), run_name="__main__")


def test_recipes(repository, folders, tmp_path, monkeypatch, capsys):
    out = tmp_path / "recipes"
    arguments = [*folders, "--out", str(out), "--seeds", "1", "--width", "0.125", "--size", "64"]
    arguments += ["--budget", "128", "--only", "none", "Huber", "rare colours count more"]
    program = run(repository, "recipes.py", arguments, monkeypatch)
    lines = (out / "recipes.md").read_text().splitlines()
    assert [line.split(" | ")[0] for line in lines[2:]] == [
        "| none",
        "| Huber",
        "| rare colours count more",
    ]
    assert capsys.readouterr().out.splitlines()[-len(lines) :] == lines
    scores = {f.parent.name: json.loads(f.read_text()) for f in out.glob("*/scores.json")}
    assert len({found["l1_loss"] for found in scores.values()}) == 3  # each has a loss of its own
    for found in scores.values():
        assert -10 < found["gain"] < 10
        assert 0 <= found["acc_2"] <= 1

    before = {path: path.stat().st_mtime_ns for path in out.glob("*/*.keras")}
    run(repository, "recipes.py", arguments, monkeypatch)
    assert before == {path: path.stat().st_mtime_ns for path in out.glob("*/*.keras")}
    assert (out / "recipes.md").read_text().splitlines() == lines

    real, ours = np.zeros((1, 2, 2, 2)), np.full((1, 2, 2, 2), 0.5)
    assert float(program["huber"](real, ours)) == pytest.approx(0.5 - 0.1 / 2)
    assert float(program["huber"](real, ours / 10)) == pytest.approx(0.05**2 / 0.2)
    assert float(program["log_squared_error"](real, ours)) == pytest.approx(np.log(0.25), abs=1e-3)
    weights = np.arange(313, dtype=np.float32)
    grey = program["rebalanced_l1"](weights, real, ours)
    assert float(grey) == pytest.approx(0.5 * np.flatnonzero(~ab_bins().any(axis=1))[0])


def test_scaling(repository, folders, tmp_path, monkeypatch, capsys):
    out = tmp_path / "scaling"
    arguments = [*folders, "--out", str(out), "--widths", "0.125", "--parts", "2", "1"]
    arguments += ["--budget", "64", "--epochs", "2", "--size", "64"]
    run(repository, "scaling.py", arguments, monkeypatch)
    lines = (out / "scaling.md").read_text().splitlines()
    assert [line.split(" | ")[1] for line in lines[2:]] == ["16", "32"]
    assert "32 crops | 64 crops" in lines[0]
    assert (out / "scaling.png").stat().st_size > 10_000
    assert len(json.loads((out / "scaling.json").read_text())) == 2
