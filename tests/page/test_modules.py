"""The modules of the page that need no browser, on the Node that Playwright brings."""

import os
import re
import subprocess
import zipfile
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).parent


def node() -> Path:
    spec = find_spec("playwright")
    assert spec is not None and spec.origin is not None, "pip install playwright"
    return Path(spec.origin).parent / "driver" / ("node.exe" if os.name == "nt" else "node")


def test_modules(tmp_path: Path) -> None:
    packed = tmp_path / "packed.zip"
    tests = sorted(HERE.glob("*.test.mjs"))
    done = subprocess.run(
        [node(), "--test", "--test-reporter=tap", *tests],
        env={**os.environ, "ZIP_FILE": str(packed)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    counts = {name: int(count) for name, count in re.findall(r"^# (\w+) (\d+)$", done.stdout, re.M)}
    assert counts["pass"] == counts["tests"] >= len(tests) > 0, done.stdout

    with zipfile.ZipFile(packed) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["a.jpg", "Großmutter 祖母.png", "empty"]
        assert archive.read("a.jpg") == bytes(k * k % 251 for k in range(70_000))
        assert archive.read("Großmutter 祖母.png") == b"two"
        assert archive.read("empty") == b""
        assert {info.date_time for info in archive.infolist()} == {(2026, 11, 26, 17, 5, 42)}
