"""The page by keyboard, on a phone, in the dark, and with a screen reader's eyes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

Open = Callable[..., Any]
Add = Callable[..., None]

PHONE = {"viewport": {"width": 360, "height": 740}, "is_mobile": True, "has_touch": True}

# WCAG 2.2: relative luminance and contrast ratio, of a text against what lies behind it.
CONTRAST = """(element) => {
  const channels = (color) => color.match(/[\\d.]+/g).map(Number);
  const luminance = (color) => {
    const [r, g, b] = channels(color).map((v) => v / 255)
      .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  let behind = element;
  const background = () => getComputedStyle(behind).backgroundColor;
  while (channels(background())[3] === 0) behind = behind.parentElement;
  const [a, b] = [luminance(getComputedStyle(element).color), luminance(background())];
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}"""


def focused(page: Any) -> str:
    """The name of what has the focus, if one can see that it has."""
    return page.evaluate(
        """() => {
          const element = document.activeElement;
          const ring = element.closest(".picture") ?? element;
          const { outlineStyle, outlineWidth } = getComputedStyle(ring);
          const visible = outlineStyle === "solid" && parseFloat(outlineWidth) >= 2;
          const name = element.getAttribute("aria-label") ?? element.labels?.[0]?.textContent;
          return `${name || element.textContent}${visible ? "" : ", unseen"}`;
        }"""
    )


def test_keyboard_alone(open_page: Open, grey: Path, tmp_path: Path) -> None:
    page = open_page()
    with page.expect_file_chooser() as chooser:  # the browser hears of that some steps later
        page.keyboard.press("Tab")
        assert focused(page) == "Choose photographs"
        page.keyboard.press("Enter")
    assert chooser.value.is_multiple()
    chooser.value.set_files(grey)
    expect(page.locator(".state")).to_contain_text("coloured", timeout=60_000)
    order = []
    for _ in range(5):
        page.keyboard.press("Tab")
        order.append(focused(page))
    name = grey.name
    assert order == [
        *(f"Before and after, {name}", "Saturation", "Working size"),
        *(f"Download {name}", f"Remove {name}"),
    ]
    page.keyboard.press("Shift+Tab")
    with page.expect_download() as info:
        page.keyboard.press("Enter")
    assert Path(info.value.path()).stat().st_size > 10_000
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(page.locator(".card")).to_have_count(0)
    assert focused(page) == "Choose photographs"


def test_a_phone(open_page: Open, add: Add, grey: Path, tmp_path: Path) -> None:
    bad = tmp_path / f"{'a-very-long-name-' * 8}.jpg"
    bad.write_text("no photograph")
    page = open_page(**PHONE)
    width = "document.documentElement.scrollWidth"
    assert page.evaluate(width) == 360
    take = page.get_by_role("button", name="Take a photograph")
    with page.expect_file_chooser() as chooser:
        take.tap()
    assert chooser.value.element.get_attribute("capture") == "environment"
    chooser.value.set_files(grey)
    expect(page.locator("#count")).to_have_text("1 of 1 coloured", timeout=60_000)
    add(page, bad, count=2)
    assert page.evaluate(width) == 360
    for control in page.locator(":is(button, select, .saturation):visible").all():
        box = control.bounding_box()
        assert box["height"] >= 44 and box["width"] >= 44
        assert box["x"] >= 0 and box["x"] + box["width"] <= 360
    slider = page.get_by_role("slider", name=f"Before and after, {grey.name}")
    box = page.locator(".picture").first.bounding_box()
    page.touchscreen.tap(box["x"] + 0.25 * box["width"], box["y"] + 20)
    expect(slider).to_have_value("25")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_light_and_dark(scheme: str, open_page: Open, add: Add, grey: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.jpg").write_text("no photograph")
    page = open_page(color_scheme=scheme)
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    red = int(background.removeprefix("rgb(").split(",")[0])
    assert red < 40 if scheme == "dark" else red > 215
    seen = 0
    for texts in (
        ":is(h1, .intro p, .kinds, footer p)",
        "#main :is(h2, h3, p, label, output, button)",
    ):
        for element in page.locator(f"{texts}:visible").all():
            assert element.evaluate(CONTRAST) >= 4.5, element.inner_text()
            seen += 1
        if page.locator(".card").count() == 0:
            add(page, grey, tmp_path / "bad.jpg")
    assert seen > 15


def test_landmarks_labels_and_what_is_said(open_page: Open, add: Add, grey: Path) -> None:
    page = open_page()
    add(page, grey)
    for landmark in ("banner", "main", "contentinfo"):
        expect(page.get_by_role(landmark)).to_have_count(1)
    expect(page.get_by_role("region", name="Your photographs")).to_be_visible()
    expect(page.get_by_role("heading", name=grey.name, level=3)).to_be_visible()
    expect(page.get_by_role("listitem")).to_have_count(1)
    expect(page.get_by_role("log")).to_have_text(f"{grey.name} is coloured.")
    expect(page.get_by_alt_text(f"{grey.name}, before")).to_be_visible()
    expect(page.get_by_alt_text(f"{grey.name}, coloured")).to_be_visible()


def test_reduced_motion(open_page: Open, grey: Path) -> None:
    page = open_page(reduced_motion="reduce")
    page.route("**/colorize", lambda route: None)  # it never comes
    page.locator("#files").set_input_files(grey)
    progress = page.get_by_role("progressbar", name=f"Progress of {grey.name}")
    expect(progress).to_be_visible()
    expect(progress).to_have_css("animation-name", "none")
    page.unroute_all(behavior="ignoreErrors")
