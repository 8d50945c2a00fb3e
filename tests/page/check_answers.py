"""What the page says when there is no picture, in a browser, on the real server."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from .conftest import MAX_BYTES, PHOTOGRAPHS

Open = Callable[..., Any]
Add = Callable[..., None]


def test_what_cannot_be_coloured_says_why(
    open_page: Open, add: Add, grey: Path, tmp_path: Path
) -> None:
    (tmp_path / "bad.jpg").write_text("no photograph")
    (tmp_path / "cut.jpg").write_bytes(grey.read_bytes()[:9000])
    (tmp_path / "notes.txt").write_text("no photograph")
    (tmp_path / "huge.jpg").write_bytes(grey.read_bytes() + bytes(MAX_BYTES))
    names = ("bad.jpg", "cut.jpg", "notes.txt", "huge.jpg")
    page = open_page()
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.method))
    add(page, *(tmp_path / name for name in names), grey)
    bad, cut, notes, huge, good = (
        text.strip() for text in page.locator(".state").all_inner_texts()
    )
    assert "is not a JPEG, PNG, TIFF, WebP, BMP, GIF, JPEG 2000, AVIF or HEIC picture" in bad
    assert "cut short" in cut
    assert notes == "This is not a photograph."
    assert "larger than the limit of 2 MB" in huge
    assert good == "512 × 674 pixels, coloured"
    assert sent.count("POST") == 4  # notes.txt stayed here
    expect(page.locator("#count")).to_have_text("1 of 5 coloured, 4 failed")
    expect(page.get_by_role("log")).to_contain_text(f"huge.jpg was not coloured. {huge}")


def test_a_busy_server_is_asked_again(open_page: Open, add: Add, grey: Path) -> None:
    page = open_page()
    answers = iter([503, 503])

    def answer(route: Any) -> None:
        if next(answers, None):
            busy = {"Retry-After": "1", "Content-Type": "application/json"}
            route.fulfill(status=503, headers=busy, body='{"error": "The queue is full."}')
        else:
            route.continue_()

    page.route("**/colorize", answer)
    add(page, grey, count=0)
    expect(page.locator(".state")).to_have_text("The server is busy. Trying again in 1 second.")
    expect(page.locator(".state")).to_have_text("512 × 674 pixels, coloured", timeout=60_000)


def test_a_change_does_not_wait_for_a_busy_server(open_page: Open, add: Add, grey: Path) -> None:
    page = open_page()
    busy = {"status": 503, "headers": {"Retry-After": "60"}}
    page.route("**/colorize", lambda route: route.fulfill(**busy), times=2)
    add(page, grey, PHOTOGRAPHS / "egret.jpg", count=0)
    words = "The server is busy. Trying again in 60 seconds."
    expect(page.locator(".state")).to_have_text([words, words])
    for slider in page.get_by_role("slider", name="Saturation").all():
        slider.press("ArrowRight")
    expect(page.locator("#count")).to_have_text("2 of 2 coloured", timeout=30_000)


@pytest.mark.parametrize("status, words", [(504, "The time is over."), (0, "cannot be reached")])
def test_it_can_be_tried_again(
    status: int, words: str, open_page: Open, add: Add, grey: Path
) -> None:
    page = open_page()

    def fail(route: Any) -> None:
        if status:
            route.fulfill(status=status, json={"error": words})
        else:
            route.abort()

    page.route("**/colorize", fail)
    add(page, grey)
    expect(page.locator(".state")).to_contain_text(words)
    page.unroute("**/colorize")
    page.get_by_role("button", name=f"Try again {grey.name}").click()
    expect(page.locator(".state")).to_have_text("512 × 674 pixels, coloured", timeout=60_000)


def test_a_server_with_a_key(open_page: Open, add: Add, grey: Path, address_with_key: str) -> None:
    page = open_page(address_with_key)
    key = page.get_by_label("Key of this server")
    expect(key).to_be_hidden()
    add(page, grey)
    expect(page.locator(".state")).to_have_text("This server wants its key, above.")
    key.fill("wrong")
    key.press("Enter")
    expect(page.locator(".card[aria-busy=false].problem")).to_have_count(1)
    key.fill("open sesame")
    key.press("Enter")
    expect(page.locator(".state")).to_have_text("512 × 674 pixels, coloured", timeout=60_000)
    expect(key).to_be_hidden()
