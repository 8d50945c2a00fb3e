"""The gallery: what it shows, what it says of each picture, and the committed page."""

import csv
import re
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest
from PIL import Image

LINK = re.compile(r"^!\[.*\]\(images/gallery/(.+)\)$", re.MULTILINE)
NAMES = [f"nips_{k:05d}.jpg" for k in range(6)] + ["coco_00001.jpg", "osie_00001.jpg"]


@pytest.fixture
def gallery(repository: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(repository / "examples")
    for name in ("gallery", "strip"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return import_module("gallery")


def test_shows_what_may_be_shown_and_says_whose_it_is(
    gallery: ModuleType, make_picture: Callable[..., Image.Image], tmp_path: Path
) -> None:
    with (tmp_path / "MANIFEST.csv").open("w", newline="") as lines:
        rows = csv.writer(lines)
        rows.writerow(["file", "source_repo", "source_path", "licence_note"])
        for k, name in enumerate(NAMES):
            place = "train" if k == 0 else "val"
            (tmp_path / place).mkdir(exist_ok=True)
            make_picture(k).save(tmp_path / place / name)
            note = rf"https://example.org/by (author O&#x27;Neil \303\234st {k}; per list)"
            rows.writerow([f"{place}/{name}", "a/b", f"{k}.png", note])
    page = tmp_path / "docs" / "gallery.md"
    page.parent.mkdir()
    packaged = gallery.ROOT / "keras_colorize" / "weights" / "mobile.tflite"
    gallery.main(tmp_path, page, before=packaged)

    text = page.read_text()
    shown = {name for name in LINK.findall(text) if "_" in name}
    assert shown == {*NAMES[1:6], "osie_00001.jpg"}
    assert "There were 6 photographs" in text
    for k in (1, 2, 3, 4, 5, 7):
        credit = f"<https://example.org/by> (author O'Neil Üst {k}; per list). From a/b, `{k}.png`."
        assert re.search(
            rf"gallery/{NAMES[k]}\)\n\nGrey [\d.]+, ours [\d.]+\. {re.escape(credit)}", text
        )
    assert {*LINK.findall(text)} == {path.name for path in page.parent.rglob("*.jpg")}

    sheet = page.parent / "images" / "gallery" / "contact-sheet.jpg"
    with Image.open(sheet) as picture:
        assert picture.size == (6 * 96 + 5 * 4, 4 * 96 + 3 * 4)
    assert "From top to bottom: grey, an earlier network, our result, the original." in text
    listed = re.findall(r"^\d\. .* From a/b, `(\d)\.png`\.$", text, re.MULTILINE)
    assert listed == ["1", "2", "3", "4", "5", "7"]


def test_the_committed_page_is_whole_and_small(repository: Path, gallery: ModuleType) -> None:
    text = (repository / "docs" / "gallery.md").read_text()
    pictures = [*(repository / "docs" / "images" / "gallery").iterdir()]
    assert {*LINK.findall(text)} == {path.name for path in pictures}
    assert sum(path.stat().st_size for path in pictures) < 1.5e6
    credits = re.findall(r"^Grey .*\bFrom \S+, `.+`\.$", text, re.MULTILINE)
    assert len(credits) == gallery.EACH * len(gallery.SECTIONS)
    listed = re.findall(r"^\d+\. .*\bFrom \S+, `.+`\.$", text, re.MULTILINE)
    assert len(listed) == gallery.SHEET
