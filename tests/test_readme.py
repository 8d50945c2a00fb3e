"""Runs what the pages of the repository say, block by block, in their order.

- A `console` block holds commands behind `$ `; a line that ends in a backslash goes on in the
  next. Each must succeed. Lines below a command are its standard output, `...` for any text; a
  command with no such lines may print anything.
- A `python` block is run as a program.
- `<!-- not run: REASON -->` right above a block leaves it out.
- `<!-- run with: OPTIONS -->` right above a block adds OPTIONS to each of its commands, to make a
  long one short: a training of two steps instead of a day.
- Blocks of other kinds (`text`, `bibtex`) are no programs; `sh` and the like are refused, so that
  no command escapes.

The blocks of a page share a folder with `examples/` and `export/` (copies), `old.jpg` (one of the
example photographs), `photographs/` (a few colour images to train on) and `photographs-val/` (a
few others).
"""

import doctest
import os
import re
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for pattern in (
        "*.md",
        "docs/*.md",
        "benchmarks/*.md",
        "examples/*.md",
        "export/*/*.md",
        "keras_colorize/weights/*.md",
    )
    for path in ROOT.glob(pattern)
)
SLOW_PAGES = (
    "docs/export.md",
    "docs/fine-tuning.md",
    "docs/how-it-works.md",
    "docs/training.md",
    "docs/troubleshooting.md",
    "export/android/README.md",
)
FENCE = re.compile(
    r"^(?P<indent> *)(?:<!-- (?P<mark>not run|run with): (?P<text>.+?) -->\n(?P=indent))?"
    r"```(?P<kind>\w*)\n(?P<body>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)
PROGRAMS = ("console", "python")
NOT_PROGRAMS = ("bibtex", "cpp", "json", "kotlin", "swift", "text")


@dataclass(frozen=True)
class Block:
    """A fenced block of a page and how it is run."""

    line: int
    kind: str
    body: str
    not_run: str | None = None
    options: str = ""

    def commands(self) -> list[tuple[str, str]]:
        """Split a console block into (command, expected output)."""
        parts = re.split(r"^\$ ", self.body, flags=re.MULTILINE)
        assert parts[0] == "", f"line {self.line}: a console block begins with `$ `"
        found = []
        for part in parts[1:]:
            command, _, output = re.sub(r"\\\n\s*", "", part).partition("\n")
            found.append((f"{command} {self.options}".strip(), output))
        return found


def blocks(page: str) -> list[Block]:
    found = []
    for match in FENCE.finditer(page):
        kind, mark, text = match["kind"], match["mark"], match["text"]
        line = page.count("\n", 0, match.start()) + 1
        assert kind in (*PROGRAMS, *NOT_PROGRAMS), f"line {line}: a block of kind {kind!r}"
        found.append(
            Block(
                line=line,
                kind=kind,
                body=textwrap.dedent(match["body"]),
                not_run=text if mark == "not run" else None,
                options=text if mark == "run with" else "",
            )
        )
    assert len(found) == len(re.findall(r"^ *```\w+$", page, re.MULTILINE))
    return found


def run(command: list[str], folder: Path) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command[-1]}\n{done.stdout}{done.stderr}"
    return done.stdout


def run_block(block: Block, folder: Path) -> int:
    """Run a block; each program has to succeed. Gives the number of programs."""
    if block.kind == "python":
        run([sys.executable, "-c", block.body], folder)
        return 1
    for command, expected in block.commands():
        output = run(["bash", "-euo", "pipefail", "-c", command], folder)
        flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
        if expected.strip():
            assert doctest.OutputChecker().check_output(expected, output, flags), output
    return len(block.commands())


@pytest.fixture(scope="module")
def folder_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Finds the folder of a page, which is made when it is first asked for."""
    return cache(lambda page: make_folder(tmp_path_factory.mktemp("page")))


def make_folder(folder: Path) -> Path:
    for name in ("examples", "export"):
        ignored = shutil.ignore_patterns("output")
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    first = sorted((folder / "examples" / "photographs").glob("*.jpg"))[0]
    shutil.copy(first, folder / "old.jpg")
    rng = np.random.default_rng(2)
    for name, count in (("photographs", 8), ("photographs-val", 4)):
        (folder / name).mkdir()
        for index in range(count):
            coarse = rng.integers(0, 256, (6, 6, 3), dtype=np.uint8)
            image = Image.fromarray(coarse).resize((288, 288), Image.Resampling.BICUBIC)
            image.save(folder / name / f"{index}.jpg")
    return folder


def page_blocks() -> list[object]:
    found: list[object] = []
    for name in PAGES:
        marks = [pytest.mark.slow] if name in SLOW_PAGES else []
        for block in blocks((ROOT / name).read_text()):
            if block.kind in PROGRAMS and block.not_run is None:
                found.append(pytest.param(name, block, id=f"{name}:{block.line}", marks=marks))
    return found


@pytest.mark.parametrize("page, block", page_blocks())
def test_block_runs(page: str, block: Block, folder_of: Callable[[str], Path]) -> None:
    assert run_block(block, folder_of(page)) > 0


def test_the_readme_colours_a_photograph_on_the_command_line_and_in_python() -> None:
    run_here = [b for b in blocks((ROOT / "README.md").read_text()) if b.not_run is None]
    assert any("keras-colorize colorize" in b.body for b in run_here if b.kind == "console")
    assert any("Colorizer" in b.body for b in run_here if b.kind == "python")


PAGE = """
```console
$ printf 'one\\n'
one
$ printf '%s ' two \\
    three
two ...
```

<!-- not run: it would never end -->
```console
$ sleep infinity
```

<!-- run with: --short -->
```console
$ echo train
train --short
```

```python
print(1)
```
"""


def test_blocks_are_found_with_their_marks() -> None:
    first, endless, short, program = blocks(PAGE)
    assert first.commands() == [
        ("printf 'one\\n'", "one\n"),
        ("printf '%s ' two three", "two ...\n"),
    ]
    assert endless.not_run == "it would never end"
    assert short.commands() == [("echo train --short", "train --short\n")]
    assert (program.kind, program.body) == ("python", "print(1)\n")


def test_right_blocks_run(tmp_path: Path) -> None:
    ran = [run_block(block, tmp_path) for block in blocks(PAGE) if block.not_run is None]
    assert sum(ran) >= 3


@pytest.mark.parametrize(
    "body, kind",
    [
        ("$ false\n", "console"),
        ("$ echo one\ntwo\n", "console"),
        ("$ false | true\n", "console"),
        ("echo one\n", "console"),
        ("raise SystemExit(3)\n", "python"),
    ],
)
def test_wrong_blocks_fail(body: str, kind: str, tmp_path: Path) -> None:
    with pytest.raises(AssertionError):
        run_block(Block(1, kind, body), tmp_path)


def test_a_block_of_an_unknown_kind_is_refused() -> None:
    with pytest.raises(AssertionError, match="line 2: a block of kind 'sh'"):
        blocks("\n```sh\nmake demo\n```\n")
