"""Each notebook from start to end, with parameters that make it short."""

import json
from base64 import b64decode
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
from nbclient.exceptions import CellExecutionError
from nbformat.v4 import new_code_cell, new_notebook
from PIL import Image

from keras_colorize.data.folders import scan_folder
from keras_colorize.data.layouts import find_photographs

FEW_STEPS = {"epochs": 1, "steps": 2}


def shown(notebook: Any, kind: str) -> list[Any]:
    """What the cells gave of a kind, in order."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    return [output.data[kind] for output in outputs if kind in output.get("data", {})]


def colour(examples: Path) -> list[Path]:
    """The photographs that are not black-and-white."""
    return scan_folder(examples / "photographs").files


def is_colourful(picture: Image.Image) -> bool:
    return float(np.ptp(np.asarray(picture.convert("RGB"), np.int16), axis=-1).mean()) > 2


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Writes a notebook with a parameter `x` and some more cells."""

    def write(*cells: str) -> Path:
        first = new_code_cell("x = 1", metadata={"tags": ["parameters"]})
        path = tmp_path / "x.ipynb"
        nbformat.write(new_notebook(cells=[first, *map(new_code_cell, cells)]), path)
        return path

    return write


def test_parameters_are_replaced_for_the_run_alone(tools: Any, write: Any, tmp_path: Path) -> None:
    done = tools.execute(write("x + 1", "!echo {x}"), tmp_path, x=41)
    assert [cell.source for cell in done.cells] == ["x = 1", "x + 1", "!echo {x}"]
    assert shown(done, "text/plain") == ["42"]
    assert done.cells[2].outputs[0].text.split() == ["41"]
    assert done.metadata["sources"] == tools.digest(done)
    done.cells[1].source = "x + 2"
    assert done.metadata["sources"] != tools.digest(done)


def test_tensorflows_notes_are_left_out(tools: Any, write: Any, tmp_path: Path) -> None:
    notes = 'print("INFO:tensorflow:Assets written to: /tmp/x")'
    done = tools.execute(write(notes, f"print('one')\n{notes}\nprint('two')"), tmp_path)
    assert done.cells[1].outputs == []
    assert [output.text for output in done.cells[2].outputs] == ["one\ntwo\n"]


@pytest.mark.parametrize("cell", ["1 / 0", "!false", "!keras-colorize colorize nothing.jpg"])
def test_a_cell_or_a_command_that_fails_ends_the_run(
    tools: Any, write: Any, tmp_path: Path, cell: str
) -> None:
    with pytest.raises(CellExecutionError):
        tools.execute(write(cell, "x"), tmp_path)


def test_trees_are_laid_out_as_the_data_sets_are(
    tools: Any, repository: Path, tmp_path: Path
) -> None:
    tools.make_trees(colour(repository / "examples"), tmp_path)
    for name, layout in (("places365", "Places365"), ("ILSVRC2012", "ILSVRC2012")):
        for split in ("train", "val"):
            found = find_photographs(tmp_path / name, split)
            assert (found.layout, found.count, found.missing) == (layout, 6, 0)


def test_01_colorize(run: Any, room: Path) -> None:
    notebook = run("01_colorize")
    made = sorted((room / "output" / "colorize").iterdir())
    assert len(made) == 9
    for file in made:
        photograph = room.parent / "examples/photographs" / file.name.replace("-colorized", "")
        with Image.open(photograph) as before, Image.open(file) as after:
            assert is_colourful(after)
            assert after.size == before.size
    assert len(shown(notebook, "image/jpeg")) == 5
    assert "image/png" not in json.dumps(notebook)
    *_, in_memory, as_bytes = shown(notebook, "text/plain")
    assert in_memory == "((450, 656), (450, 656, 3))"
    assert as_bytes == "('JPEG', (656, 450))"


@pytest.mark.slow
def test_02_train(run: Any, room: Path) -> None:
    notebook = run("02_train", **FEW_STEPS)
    output = room / "output" / "train"
    (record,) = (output / "run" / "metrics.jsonl").read_text().splitlines()
    assert json.loads(record)["images"] == 8
    assert {path.name for path in output.iterdir()} == {"generator.keras", "photographs", "run"}
    assert len(list((output / "photographs").iterdir())) == 6
    assert len(shown(notebook, "image/png")) == 2  # the curves of both trainings
    assert shown(notebook, "text/plain")[-1] == "(288, 288)"


@pytest.mark.slow  # it compares systems as tests/comparison/test_compare.py does
def test_03_evaluate(run: Any, room: Path) -> None:
    notebook = run("03_evaluate", systems=["ours", "pix2pix"], **FEW_STEPS)
    scores, systems = shown(notebook, "text/markdown")
    for row in ("model", "grey", "image mean", "over grey"):
        assert f"\n| {row} |" in scores
    for row in ("grey", "image mean", "ours", "pix2pix", "minus ours"):
        assert f"\n| {row} |" in systems
    report = json.loads((room / "output/evaluate/scores/scores.json").read_text())
    assert report["images"] == 6
    assert f"| {report['rows']['model']['psnr']:.2f} |" in scores
    assert report["over_grey"]["psnr"] > 0.5  # the packaged network, on photographs it never saw
    assert len(shown(notebook, "image/jpeg")) == 2


# Keras 3.15 reads TensorFlow's variables the old way when it saves; users do not see this one.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.slow
def test_04_export(run: Any, room: Path) -> None:
    from keras_colorize import build_generator
    from keras_colorize.config import GeneratorConfig

    weights = room / "small.keras"  # quick to convert
    build_generator(GeneratorConfig((8, 8, 8, 8, 8), 2, "unet")).save(weights)
    notebook = run("04_export", weights=str(weights), kinds=["float32", "int8"])
    (table,) = shown(notebook, "text/markdown")
    for name in ("SavedModel", "TFLite float32", "TFLite int8"):
        assert f"\n| {name} |" in table
    *_, served = shown(notebook, "image/jpeg")
    assert Image.open(BytesIO(b64decode(served))).size == (288, 288)
    assert shown(notebook, "text/plain")[-1] == "0"  # how the server ended


@pytest.mark.slow
def test_reproduce_paper(tools: Any, run: Any, room: Path) -> None:
    tools.make_trees(colour(room.parent / "examples"), room)
    few = {"places365_steps": 2, "ilsvrc2012_steps": 2}
    notebook = run("reproduce_paper", **tools.SMALL | few)
    tables = shown(notebook, "text/markdown")
    assert len(tables) == 2
    for folder, table in zip(("places365", "ilsvrc2012"), tables, strict=True):
        output = room / "output" / "paper" / folder
        report = json.loads((output / "comparison.json").read_text())
        assert list(report["scores"][0]["rows"]) == ["grey", "image_mean", "ours", "pix2pix"]
        assert report["photographs"] == 6
        for row in ("grey", "ours", "pix2pix", "minus ours"):
            assert f"\n| {row} |" in table
        assert (output / "figure.png").exists()
    assert len(shown(notebook, "image/jpeg")) == 2
