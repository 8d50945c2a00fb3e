"""Runs notebooks from start to end and keeps their outputs: `make notebooks`.

    python notebooks/execute.py notebooks/01_colorize.ipynb ...

Each runs in a folder of its own beside a link to `examples/`, so that nothing of an earlier run
takes part and no path of this machine gets into an output.
"""

import hashlib
import os
import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from jupyter_client import AsyncKernelManager
from nbclient import NotebookClient

from keras_colorize.data.folders import scan_folder

ROOT = Path(__file__).parents[1]
KERNEL_OPTIONS = [
    "--InteractiveShell.system_raise_on_error=True",  # `!command` fails as any line does
    "--HistoryManager.enabled=False",
    "--IPKernelApp.capture_fd_output=False",  # what native code tells its developers
]
TENSORFLOW_NOTES = re.compile(r"^(?:INFO|WARNING):tensorflow:.*\n?", re.MULTILINE)
# What `reproduce_paper` is run with: trees that `make_trees` makes, and networks that are no use.
SMALL = {
    "places365": "places365",
    "ilsvrc2012": "ILSVRC2012",
    "preset": "tiny",
    "epochs": 1,
    "batch_size": 4,
    "places365_steps": 8,
    "ilsvrc2012_steps": 8,
    "recipe": "--batch-size 4 --size 64",
    "baselines": "--systems ours,pix2pix",
    "shards": 2,
}


def execute(path: Path, folder: Path, **parameters: object) -> nbformat.NotebookNode:
    """Runs a notebook.

    Args:
        path: its file, which stays as it is.
        folder: where it runs; the commands in it find `keras-colorize` beside this Python.
        **parameters: replace those of the cell tagged `parameters`, as papermill would.

    Returns:
        The notebook with its outputs, the parameters as they stand in the file.

    Raises:
        CellExecutionError: a cell, or a command in it, failed.
    """
    notebook = nbformat.read(path, as_version=4)
    cell = next(c for c in notebook.cells if "parameters" in c.metadata.get("tags", ()))
    before = cell.source
    given = [f"{name} = {value!r}" for name, value in parameters.items()]
    cell.source = "\n".join([before, *given])
    environment = {
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "JUPYTER_PLATFORM_DIRS": "1",
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "IPYTHONDIR": str(folder / ".ipython"),
        "XDG_CACHE_HOME": str(folder / ".cache"),
    }
    with TemporaryDirectory() as room:  # a short path, and no port that others can reach
        manager = AsyncKernelManager(
            kernel_name="python3", transport="ipc", ip=str(Path(room, "kernel"))
        )
        NotebookClient(
            notebook,
            km=manager,
            timeout=None,
            startup_timeout=600,
            resources={"metadata": {"path": str(folder)}},
            record_timing=False,
            coalesce_streams=True,  # of a progress bar what a terminal shows in the end
            extra_arguments=KERNEL_OPTIONS,
        ).execute(env=environment, cleanup_kc=True)
    cell.source = before
    notebook.metadata["language_info"] = {"name": "python"}
    notebook.metadata["sources"] = digest(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            _tidy(cell)
    return notebook


def _tidy(cell: nbformat.NotebookNode) -> None:
    """Leaves out of a cell's outputs what is twice there, or differs from run to run."""
    for output in cell.outputs:
        if "image/jpeg" in output.get("data", {}):
            output["data"].pop("image/png", None)  # the same picture, ten times as large
        if output.output_type == "stream":
            output.text = TENSORFLOW_NOTES.sub("", output.text)
    cell.outputs = [output for output in cell.outputs if output.get("text") != ""]


def digest(notebook: nbformat.NotebookNode) -> str:
    """Tells the sources that a notebook was run with from others."""
    sources = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    return hashlib.sha256("\n\n".join(sources).encode()).hexdigest()[:16]


def make_trees(files: Sequence[Path], folder: Path) -> None:
    """Makes `places365` and `ILSVRC2012` in a folder, laid out as their archives unpack.

    Args:
        files: JPEGs, each of which takes part in both splits of both.
        folder: where to.
    """
    places, imagenet = folder / "places365", folder / "ILSVRC2012"
    lists = {"train": [], "val": []}
    for number, file in enumerate(files, start=1):
        category = "ab"[number % 2]
        names = {
            "train": f"{category}/place/{number:08d}.jpg",
            "val": f"Places365_val_{number:08d}.jpg",
        }
        for split, name in names.items():
            lists[split].append(f"{'/' * (split == 'train')}{name} {number}\n")
            images = {"train": "data_256", "val": "val_256"}[split]
            _copy(file, places / images / name)
        synset = f"n{number % 2:08d}"
        _copy(file, imagenet / "ILSVRC2012_img_train" / synset / f"{synset}_{number}.JPEG")
        _copy(file, imagenet / "ILSVRC2012_img_val" / f"ILSVRC2012_val_{number:08d}.JPEG")
    for split, listing in (("train", "train_standard"), ("val", "val")):
        (places / f"places365_{listing}.txt").write_text("".join(lists[split]))


def _copy(file: Path, to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(file, to)


def main() -> None:
    """Runs the notebooks that are named and writes them back."""
    for path in map(Path, sys.argv[1:]):
        print(f"{path} ...", flush=True)
        with TemporaryDirectory() as room:
            folder = Path(room, "notebooks")
            folder.mkdir()
            (folder.parent / "examples").symlink_to(ROOT / "examples")
            parameters = {}
            if path.stem == "reproduce_paper":
                make_trees(scan_folder(ROOT / "examples" / "photographs").files, folder)
                parameters = SMALL
            nbformat.write(execute(path, folder, **parameters), path)


if __name__ == "__main__":
    main()
