"""A server and a browser.

`make test-page` installs the browser, and runs the `check_*.py` here. No name of them begins with
`test_`: the default tests neither have a browser nor need it.
"""

import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

MAX_BYTES = 2_000_000
PHOTOGRAPHS = Path(__file__).parents[2] / "examples" / "photographs"
PROGRAM = "from keras_colorize.cli.main import main; main()"

# Counts the pictures that the page holds on to, and the requests that it has running.
COUNT = """
window.held = 0;
const { createObjectURL, revokeObjectURL } = URL;
const alive = new Set();
URL.createObjectURL = (blob) => {
  const url = createObjectURL.call(URL, blob);
  alive.add(url);
  window.held = alive.size;
  return url;
};
URL.revokeObjectURL = (url) => {
  alive.delete(url);
  window.held = alive.size;
  revokeObjectURL.call(URL, url);
};
window.running = 0;
window.most = 0;
const { open, send } = XMLHttpRequest.prototype;
XMLHttpRequest.prototype.open = function (...options) {
  for (const end of ["load", "error", "abort"]) {
    this.addEventListener(end, () => (window.running -= 1)); // before the page hears of it
  }
  open.apply(this, options);
};
XMLHttpRequest.prototype.send = function (body) {
  window.running += 1;
  window.most = Math.max(window.most, window.running);
  send.call(this, body);
};
"""


@contextmanager
def serving(log: Path, *options: str) -> Iterator[str]:
    """Runs `keras-colorize serve`; gives its address."""
    command = [sys.executable, "-c", PROGRAM, "serve", "--port", "0", *options]
    with log.open("w") as stderr:
        server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, text=True)
    assert server.stdout is not None
    try:
        found = re.search(r"http://[^/]+/", server.stdout.readline())
        assert found, log.read_text()
        yield found[0]
    finally:
        server.send_signal(signal.SIGTERM)
        server.communicate()
    assert server.returncode == 0, log.read_text()


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    log = tmp_path_factory.mktemp("server") / "log"
    with serving(log, "--max-bytes", str(MAX_BYTES)) as found:
        yield found


@pytest.fixture(scope="session")
def address_with_key(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server whose key is `open sesame`."""
    folder = tmp_path_factory.mktemp("server-with-key")
    (folder / "key").write_text("open sesame\n")
    with serving(folder / "log", "--api-key-file", str(folder / "key")) as found:
        yield found


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium")
    assert chromium, "Chromium is missing; `make test-page` installs it."
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Any, address: str) -> Iterator[Callable[..., Any]]:
    """Opens the page; options are those of a browser context.

    In the end, whatever a test did: nothing was asked of another host, and the page had no error
    and broke none of its own rules on what it may load.
    """
    contexts, problems, hosts = [], [], set()

    def heard(message: Any) -> None:
        # A 4xx is told there too, and is no error of the page.
        if message.type in ("error", "warning") and "Failed to load resource" not in message.text:
            problems.append(message.text)

    def open_page(at: str = address, **options: Any) -> Any:
        options = {"viewport": {"width": 1280, "height": 860}, **options}
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.add_init_script(COUNT)
        page.on("request", lambda request: hosts.add(urlsplit(request.url)[:2]))
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", heard)
        page.goto(at)
        allowed.add(urlsplit(at)[:2])
        return page

    allowed = {("blob", "")}
    yield open_page
    for context in contexts:
        context.close()
    assert not problems
    assert len(hosts) > 0 and hosts <= allowed


@pytest.fixture
def add() -> Callable[..., None]:
    """Puts files on a page, and waits until each is coloured or refused."""

    def add(page: Any, *files: Any, count: int | None = None) -> None:
        from playwright.sync_api import expect

        page.locator("#files").set_input_files(list(files))
        finished = page.locator(".card[aria-busy=false]")
        expect(finished).to_have_count(len(files) if count is None else count, timeout=60_000)

    return add


@pytest.fixture(scope="session")
def grey(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A black-and-white photograph."""
    return Path(shutil.copy(PHOTOGRAPHS / "fsa-orchard-road.jpg", tmp_path_factory.mktemp("grey")))
