"""What the page does with photographs, in a browser, on the real server."""

import io
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import ExifTags, Image
from playwright.sync_api import expect

from keras_colorize import Colorizer

from .conftest import PHOTOGRAPHS

Open = Callable[..., Any]
Add = Callable[..., None]


def colorfulness(image: Image.Image) -> float:
    return float(np.ptp(np.asarray(image.convert("RGB"), np.int16), axis=-1).mean())


def shown(page: Any, left: float, right: float) -> float:
    """How colourful the picture of the first card is from `left` to `right`, of its width."""
    image = Image.open(io.BytesIO(page.locator(".picture").first.screenshot()))
    width, height = image.size
    # Not the lowest part, where the words are, nor the middle with the handle.
    return colorfulness(image.crop((int(left * width), 0, int(right * width), int(0.35 * height))))


def download(page: Any, button: Any, folder: Path) -> Path:
    with page.expect_download() as info:
        button.click()
    path = folder / info.value.suggested_filename
    info.value.save_as(path)
    return path


def test_a_photograph_is_coloured_shown_and_downloaded(
    open_page: Open, add: Add, grey: Path, tmp_path: Path
) -> None:
    page = open_page()
    add(page, grey)
    expect(page.locator(".state")).to_have_text("512 × 674 pixels, coloured")
    expect(page.locator("#count")).to_have_text("1 of 1 coloured")
    assert shown(page, 0.05, 0.45) < 1
    assert shown(page, 0.55, 0.95) > 8
    path = download(page, page.get_by_role("button", name=f"Download {grey.name}"), tmp_path)
    assert path.name == "fsa-orchard-road-colorized.jpg"
    expected = io.BytesIO()
    Colorizer().colorize_file(grey, expected, format="JPEG")
    assert path.read_bytes() == expected.getvalue()


def test_the_line_follows_pointer_and_keys(open_page: Open, add: Add, grey: Path) -> None:
    page = open_page()
    add(page, grey)
    slider = page.get_by_role("slider", name=f"Before and after, {grey.name}")
    box = page.locator(".picture").bounding_box()

    def at(share: float) -> tuple[float, float]:
        return box["x"] + share * box["width"], box["y"] + box["height"] / 4

    page.mouse.move(*at(0.5))
    page.mouse.down()
    page.mouse.move(*at(0.7), steps=3)
    page.mouse.move(*at(0.9), steps=3)
    page.mouse.up()
    page.mouse.move(*at(0.2))  # no longer held
    expect(slider).to_have_value("90")
    expect(slider).to_be_focused()
    assert shown(page, 0.55, 0.85) < 1
    slider.press("Home")
    expect(slider).to_have_attribute("aria-valuetext", "0 % before, 100 % coloured")
    assert shown(page, 0.05, 0.45) > 2
    for _ in range(3):
        slider.press("ArrowRight")
    expect(slider).to_have_attribute("aria-valuetext", "3 % before, 97 % coloured")


def test_saturation_and_size_colour_it_again(
    open_page: Open, add: Add, grey: Path, tmp_path: Path
) -> None:
    page = open_page()
    add(page, grey)
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.method))
    saturation = page.get_by_role("slider", name="Saturation")
    button = page.get_by_role("button", name=f"Download {grey.name}")
    for _ in range(20):
        saturation.press("ArrowLeft")
    expect(saturation).to_have_value("0")
    expect(page.locator("output")).to_have_text("0 %")
    expect(button).to_be_enabled()
    assert sent.count("POST") == 1  # not twenty
    assert colorfulness(Image.open(download(page, button, tmp_path))) < 1
    page.get_by_role("combobox", name="Working size").select_option("512")
    saturation.press("End")
    expect(button).to_be_enabled()
    expected = io.BytesIO()
    Colorizer(size=512, saturation=2).colorize_file(grey, expected, format="JPEG")
    assert download(page, button, tmp_path).read_bytes() == expected.getvalue()


def test_several_go_two_at_a_time_and_come_as_one_file(
    open_page: Open, add: Add, tmp_path: Path
) -> None:
    files = sorted(PHOTOGRAPHS.glob("*.jpg"))[:4]
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / files[0].name).write_bytes(files[1].read_bytes())
    page = open_page()
    add(page, *files, tmp_path / "other" / files[0].name)
    assert page.evaluate("[window.most, window.running]") == [2, 0]
    path = download(page, page.get_by_role("button", name="Download all (ZIP)"), tmp_path)
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        stems = [file.stem for file in files]
        expected = [f"{stem}-colorized.jpg" for stem in stems] + [f"{stems[0]}-colorized (2).jpg"]
        assert archive.namelist() == expected
        for name in archive.namelist():
            assert colorfulness(Image.open(io.BytesIO(archive.read(name)))) > 2


def test_files_are_dropped_and_removed_and_none_is_held(open_page: Open, grey: Path) -> None:
    page = open_page()
    page.evaluate(
        """(bytes) => {
          const transfer = new DataTransfer();
          transfer.items.add(new File([Uint8Array.from(bytes)], "a.jpg", { type: "image/jpeg" }));
          transfer.items.add(new File([Uint8Array.from(bytes)], "b.jpg", { type: "image/jpeg" }));
          const options = { bubbles: true, cancelable: true, dataTransfer: transfer };
          const drop = document.getElementById("drop");
          drop.dispatchEvent(new DragEvent("dragenter", options));
          window.highlighted = drop.classList.contains("over");
          drop.dispatchEvent(new DragEvent("drop", options));
        }""",
        list(grey.read_bytes()),
    )
    assert page.evaluate("window.highlighted")
    expect(page.locator("#drop")).not_to_have_class(re.compile("over"))
    expect(page.locator("#count")).to_have_text("2 of 2 coloured", timeout=60_000)
    for value in ("0.5", "1.5"):
        page.get_by_role("slider", name="Saturation").first.fill(value)
        expect(page.locator("#count")).to_have_text("1 of 2 coloured")
        expect(page.locator("#count")).to_have_text("2 of 2 coloured")
    assert page.evaluate("window.held") == 4  # before and after of each
    page.get_by_role("button", name="Remove b.jpg").click()
    assert page.evaluate("window.held") == 2
    page.get_by_role("slider", name="Saturation").fill("1")
    page.get_by_role("button", name="Remove a.jpg").click()  # while it is coloured
    expect(page.locator(".card")).to_have_count(0)
    expect(page.get_by_role("button", name="Choose photographs")).to_be_focused()
    page.wait_for_timeout(1000)
    assert page.evaluate("window.held") == 0


def test_a_photograph_taken_upright_stays_upright(
    open_page: Open, add: Add, grey: Path, tmp_path: Path
) -> None:
    with Image.open(grey) as image:
        exif = image.getexif()
        exif[ExifTags.Base.Orientation] = 6
        image.save(tmp_path / "turned.jpg", exif=exif)
    page = open_page()
    add(page, tmp_path / "turned.jpg")
    expect(page.locator(".state")).to_have_text("674 × 512 pixels, coloured")
    for which in ("before", "coloured"):
        image = page.get_by_alt_text(f"turned.jpg, {which}")
        assert image.evaluate("(image) => [image.naturalWidth, image.naturalHeight]") == [674, 512]


def test_what_the_browser_cannot_show_comes_as_png(
    open_page: Open, add: Add, grey: Path, tmp_path: Path
) -> None:
    with Image.open(grey) as image:
        image.save(tmp_path / "scan.tif")
    page = open_page()
    add(page, tmp_path / "scan.tif")
    expect(page.locator(".state")).to_have_text("512 × 674 pixels, coloured")
    expect(page.get_by_role("slider", name="Before and after")).to_have_count(0)
    assert shown(page, 0.05, 0.95) > 5
    path = download(page, page.get_by_role("button", name="Download scan.tif"), tmp_path)
    assert path.name == "scan-colorized.png"
    with Image.open(path) as image:
        assert (image.format, image.size) == ("PNG", (512, 674))


def test_the_page_holds_no_more_than_fifty(open_page: Open, tmp_path: Path) -> None:
    page = open_page()
    page.route("**/colorize", lambda route: route.abort())
    (tmp_path / "bad.txt").write_text("x")
    page.locator("#files").set_input_files([tmp_path / "bad.txt"] * 53)
    expect(page.locator(".card")).to_have_count(50)
    expect(page.get_by_role("alert")).to_have_text("The page holds 50 photographs. Left out: 3.")
