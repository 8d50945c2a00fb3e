"""The benchmarks that train: a table of all that was trained, and nothing is trained twice."""

import json
import runpy
import shutil
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


@pytest.fixture
def folders(photographs: Path, tmp_path: Path) -> list[str]:
    """`--train` with enough photographs for a batch of 32, and `--val`."""
    found = sorted(photographs.rglob("*.jpg"))
    (tmp_path / "many").mkdir()
    for k in range(32):
        shutil.copy(found[k % len(found)], tmp_path / "many" / f"{k}.jpg")
    return ["--train", str(tmp_path / "many"), "--val", str(photographs)]


def run(repository: Path, name: str, arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", [name, *arguments])
    runpy.run_path(str(repository / "benchmarks" / name), run_name="__main__")


def test_recipes(repository, folders, tmp_path, monkeypatch, capsys):
    out = tmp_path / "recipes"
    arguments = [*folders, "--out", str(out), "--seeds", "1", "--width", "0.125", "--size", "64"]
    arguments += ["--budget", "128", "--only", "none", "Huber", "rare colours count more"]
    run(repository, "recipes.py", arguments, monkeypatch)
    lines = (out / "recipes.md").read_text().splitlines()
    assert [line.split(" | ")[0] for line in lines[2:]] == [
        "| none",
        "| Huber",
        "| rare colours count more",
    ]
    assert capsys.readouterr().out.splitlines()[-len(lines) :] == lines
    scores = {f.parent.name: json.loads(f.read_text()) for f in out.glob("*/scores.json")}
    losses = [scores[f"{name}, seed 0"]["l1_loss"] for name in ("none", "Huber")]
    assert losses[1] < losses[0]  # by half of where it becomes linear, if errors are beyond that
    for found in scores.values():
        assert -10 < found["gain"] < 10
        assert 0 <= found["acc_2"] <= 1

    before = {path: path.stat().st_mtime_ns for path in out.glob("*/*.keras")}
    run(repository, "recipes.py", arguments, monkeypatch)
    assert before == {path: path.stat().st_mtime_ns for path in out.glob("*/*.keras")}
    assert (out / "recipes.md").read_text().splitlines() == lines


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
