import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def tools(repository: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module `notebooks/execute.py`."""
    monkeypatch.syspath_prepend(repository / "notebooks")
    import execute

    return execute


@pytest.fixture
def room(repository: Path, tmp_path: Path) -> Path:
    """A folder to run in, beside the example photographs."""
    photographs = repository / "examples" / "photographs"
    shutil.copytree(photographs, tmp_path / "examples" / "photographs")
    (tmp_path / "notebooks").mkdir()
    return tmp_path / "notebooks"


@pytest.fixture
def run(tools: Any, repository: Path, room: Path) -> Callable[..., Any]:
    """Runs one of the notebooks by its name, with parameters of its own."""
    return lambda name, **parameters: tools.execute(
        repository / "notebooks" / f"{name}.ipynb", room, **parameters
    )
