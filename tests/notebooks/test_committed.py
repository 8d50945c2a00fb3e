"""The notebooks as they are committed: whole, run from start to end, and without logic."""

import ast
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from IPython.core.inputtransformer2 import TransformerManager

FOLDER = Path(__file__).parents[2] / "notebooks"
NAMES = ["01_colorize", "02_train", "03_evaluate", "04_export", "reproduce_paper"]
# What decides or defines belongs into the package, where it is tested.
LOGIC = (ast.FunctionDef, ast.ClassDef, ast.Lambda, ast.If, ast.While, ast.Try)
MACHINE_PATH = re.compile(r"(?<![\w.:/}])/(?:tmp|root|home|work|usr|opt|var|Users)/|site-packages")


@pytest.fixture(params=NAMES)
def path(request: pytest.FixtureRequest) -> Path:
    return FOLDER / f"{request.param}.ipynb"


@pytest.fixture
def notebook(path: Path) -> Any:
    found = nbformat.read(path, as_version=4)
    nbformat.validate(found)
    return found


def code_cells(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def parsed(source: str) -> ast.Module:
    return ast.parse(TransformerManager().transform_cell(source))


def test_there_are_five_and_they_are_small() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.ipynb")) == NAMES
    assert sum(path.stat().st_size for path in FOLDER.iterdir() if path.is_file()) < 2e6


def test_it_begins_with_what_colab_needs(path: Path, notebook: Any) -> None:
    title, colab = notebook.cells[:2]
    (repository, name) = re.findall(
        r"\(https://colab\.research\.google\.com/github/([\w-]+/[\w-]+)/blob/main/notebooks/(\w+)",
        title.source,
    )[0]
    assert title.source.startswith("# ")
    assert name == path.stem
    assert "GPU" in title.source
    assert ("accelerator" in notebook.metadata) is ("It needs no GPU" not in title.source)
    assert f"!git clone -q --depth 1 https://github.com/{repository}\n" in colab.source
    assert re.search(r'%pip install -q "\.\.(\[[a-z,]+\])?"', colab.source)


def test_parameters_stand_at_the_top(notebook: Any) -> None:
    _, first, *others = code_cells(notebook)
    assert first.metadata.tags == ["parameters"]
    assert all(isinstance(line, ast.Assign) for line in parsed(first.source).body)
    assert not any("tags" in cell.metadata for cell in others)


def test_it_has_no_logic(notebook: Any) -> None:
    colab, *others = code_cells(notebook)
    assert any(isinstance(node, LOGIC) for node in ast.walk(parsed(colab.source)))
    for cell in others:
        found = [node for node in ast.walk(parsed(cell.source)) if isinstance(node, LOGIC)]
        assert found == [], cell.source


def test_its_outputs_are_of_these_sources(tools: Any, notebook: Any) -> None:
    """If not, `make notebooks` has to be run."""
    cells = code_cells(notebook)
    assert notebook.metadata["sources"] == tools.digest(notebook)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell.outputs]
    assert {output.output_type for output in outputs} >= {"execute_result"}
    assert not any(output.output_type == "error" for output in outputs)
    assert any(kind.startswith("image/") for o in outputs for kind in o.get("data", {}))


def test_it_tells_nothing_of_the_machine(path: Path, notebook: Any) -> None:
    assert MACHINE_PATH.findall(path.read_text()) == []
    assert set(notebook.metadata) <= {
        *("accelerator", "colab", "kernelspec", "language_info", "sources"),
    }
    for cell in notebook.cells:
        assert set(cell.metadata) <= {"tags"}


def test_paths_of_machines_are_seen() -> None:
    for text in ("run in /tmp/x", '"/root/y"', "a/lib/python3.11/site-packages/keras"):
        assert MACHINE_PATH.search(text)
    for text in ("output/train/run", "../examples", "https://x.org/home/y", "{output}/tmp/"):
        assert not MACHINE_PATH.search(text)


def test_its_links_lead_somewhere(path: Path, notebook: Any) -> None:
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    for target in re.findall(r"\]\(([^)]+)\)", text):
        if not target.startswith("https://"):
            assert (FOLDER / target).exists(), target
