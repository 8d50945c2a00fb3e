"""A hook of MkDocs that completes the site.

It adds the pages that lie outside of docs/. All pages link to each other by their paths in the
repository, so that the links work there. This hook turns them into links of the site.
"""

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
# Pages that lie outside of docs/, and their names on the site.
OUTSIDE = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "benchmarks/README.md": "benchmarks.md",
    "examples/README.md": "example-photographs.md",
    "export/android/README.md": "android.md",
    "export/docker/README.md": "docker.md",
    "export/tf_serving/README.md": "tf-serving.md",
    "keras_colorize/weights/README.md": "model-card.md",
}
FENCED = re.compile(r"(^ *```.*?^ *```$)", re.MULTILINE | re.DOTALL)
LINK = re.compile(
    r'(?P<open>\[(?P<text>[^]]*)\]\(|src=")(?P<path>[^)"\s#]+)(?P<rest>(?:#[^)"\s]*)?[)"])'
)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages of other folders."""
    for source, name in OUTSIDE.items():
        files.append(File.generated(config, name, abs_src_path=str(ROOT / source)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turns the links of a page into those of the site."""
    sources = {name: source for source, name in OUTSIDE.items()}
    name = page.file.src_uri
    folder = posixpath.dirname(sources.get(name, f"docs/{name}"))
    parts = FENCED.split(markdown)
    parts[::2] = [site_links(text, folder, posixpath.dirname(name)) for text in parts[::2]]
    return "".join(parts)


def site_links(text: str, folder: str, site_folder: str) -> str:
    """Turns the links of a text into those of the site.

    Args:
        text: Markdown without fenced blocks.
        folder: the folder of the page in the repository.
        site_folder: the folder of the page on the site.

    Returns:
        The text. Links to files that are not pages are replaced by their text.
    """

    def turn(match: re.Match[str]) -> str:
        if ":" in match["path"]:
            return match[0]
        place = posixpath.normpath(posixpath.join(folder, match["path"]))
        target = OUTSIDE.get(place) or place.removeprefix("docs/")
        if target == place and (ROOT / place).exists():
            return str(match["text"])
        return match["open"] + posixpath.relpath(target, site_folder or ".") + match["rest"]

    return LINK.sub(turn, text)
