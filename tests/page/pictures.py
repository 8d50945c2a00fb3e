"""Makes the two pictures of the page in docs/images: python tests/page/pictures.py [FOLDER]."""

import base64
import io
import shutil
import sys
import tempfile
from pathlib import Path

from conftest import PHOTOGRAPHS, serving
from PIL import Image
from playwright.sync_api import Browser, expect, sync_playwright

IMAGES = Path(__file__).parents[2] / "docs" / "images"
SCALE = 1.1
DESKTOP = {"viewport": {"width": 1200, "height": 960}}
PHONE = {
    "viewport": {"width": 390, "height": 800},
    "is_mobile": True,
    "has_touch": True,
    "color_scheme": "dark",
}


def picture(browser: Browser, address: str, names: list[str], **options: object) -> Image.Image:
    """Shows photographs of examples/ on the page, coloured, and takes a picture of it."""
    context = browser.new_context(**options)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(address)
    page.locator("#files").set_input_files([PHOTOGRAPHS / name for name in names])
    expect(page.locator("#count")).to_have_text(f"{len(names)} of {len(names)} coloured")
    # Playwright's own screenshot looks like that of a device without touch.
    session = context.new_cdp_session(page)
    clip = {"x": 0, "y": 0, **page.viewport_size, "scale": SCALE}
    made = session.send("Page.captureScreenshot", {"format": "png", "clip": clip})
    context.close()
    return Image.open(io.BytesIO(base64.b64decode(made["data"]))).convert("RGB")


def main() -> None:
    """Makes both."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else IMAGES
    with (
        tempfile.TemporaryDirectory() as logs,
        serving(Path(logs) / "log") as address,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"))
        desktop = picture(
            browser, address, ["fsa-salvage-worker.jpg", "fsa-orchard-road.jpg"], **DESKTOP
        )
        phone = picture(browser, address, ["fsa-orchard-road.jpg"], **PHONE)
        browser.close()
    desktop.save(folder / "page.jpg", quality=74, optimize=True, progressive=True)
    phone.save(folder / "page-phone.jpg", quality=74, optimize=True, progressive=True)


if __name__ == "__main__":
    main()
