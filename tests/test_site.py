"""The documentation: it builds strictly, and holds what the code says of itself.

MkDocs itself fails on a page that is missing in the navigation, or on a link or an anchor of a page
that is not there.
"""

import os
import pkgutil
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

import keras_colorize
from keras_colorize.cli.main import COMMANDS

LOADED = {"img": "src", "script": "src", "link": "href", "iframe": "src"}


class Page(HTMLParser):
    """A page's links, what it loads, and the places in it that can be linked to."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.places: set[str] = set()
        self.feed(path.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.places.add(found.get("id") or "")
        if tag == "a" and found.get("href"):
            self.links.append(str(found["href"]))
        if found.get(LOADED.get(tag, "")):
            self.loads.append(str(found[LOADED[tag]]))


@pytest.fixture(scope="module")
def site(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[Path, Page]:
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", folder],
        cwd=repository,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": str(repository)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return {path: Page(path) for path in folder.rglob("*.html")}


def page(site: dict[Path, Page], name: str) -> Page:
    (found,) = (page for path, page in site.items() if path.as_posix().endswith(f"/{name}"))
    return found


def test_every_link_within_the_site_leads_somewhere(site: dict[Path, Page]) -> None:
    dead = []
    for path, found in site.items():
        for link in (*found.links, *found.loads):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc or path.name == "404.html":
                continue
            target = path if not parts.path else (path.parent / unquote(parts.path)).resolve()
            if not target.exists() or (
                target in site and unquote(parts.fragment) not in {"", *site[target].places}
            ):
                dead.append(f"{path.name}: {link}")
    assert dead == []


def test_external_links_are_well_formed(site: dict[Path, Page]) -> None:
    links = {link for found in site.values() for link in found.links if ":" in link}
    assert len(links) > 5
    for link in links:
        parts = urlsplit(link)
        assert parts.scheme in ("http", "https"), link
        assert re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+(:\d+)?", parts.netloc), link


def test_pages_load_nothing_from_other_hosts(site: dict[Path, Page]) -> None:
    loads = [load for found in site.values() for load in found.loads]
    assert any(load.endswith(".css") for load in loads)
    assert [load for load in loads if urlsplit(load).netloc] == []


def test_the_references_are_whole(site: dict[Path, Page]) -> None:
    assert set(COMMANDS) <= page(site, "command-line.html").places
    names = {f"keras_colorize.{name}" for name in keras_colorize.__all__ if name[0] != "_"}
    assert names <= page(site, "api/index.html").places
    modules = {"keras_colorize.config"} | {
        module.name
        for module in pkgutil.walk_packages(keras_colorize.__path__, "keras_colorize.")
        if not module.ispkg and not re.search(r"\.(cli|config)\.", module.name)
    }
    places = {place for found in site.values() for place in found.places}
    assert len(modules) > 50 and sorted(modules - places) == []
