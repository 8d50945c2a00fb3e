"""A hook of MkDocs, which completes the site.

The repository's other pages join it. All of them link to each other by their places in the
repository, as who reads them there needs it; these links are turned into those of the site. And the
page on the command line is filled with what the commands say of themselves.
"""

import posixpath
import re
from pathlib import Path

from click.testing import CliRunner
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from keras_colorize.cli.main import COMMANDS, main

ROOT = Path(__file__).parents[1]
COMMAND_LINE = "command-line.md"
HELP_WIDTH = 84  # characters that fit into the page
# Pages that lie outside of docs/, and what they are called on the site.
OUTSIDE = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "benchmarks/README.md": "benchmarks.md",
    "examples/README.md": "example-photographs.md",
    "export/android/README.md": "android.md",
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
    """Fills the page on the command line, and turns the links of all pages."""
    sources = {name: source for source, name in OUTSIDE.items()}
    name = page.file.src_uri
    if name == COMMAND_LINE:
        markdown += command_help()
    folder = posixpath.dirname(sources.get(name, f"docs/{name}"))
    parts = FENCED.split(markdown)
    parts[::2] = [site_links(text, folder, posixpath.dirname(name)) for text in parts[::2]]
    return "".join(parts)


def site_links(text: str, folder: str, site_folder: str) -> str:
    """Turns the links of a text into those of the site.

    Args:
        text: Markdown, no fenced block.
        folder: where it lies in the repository.
        site_folder: where its page lies on the site.

    Returns:
        The text; what it said of files that are no pages stands there without a link.
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


def command_help() -> str:
    """The help of each command, under a heading of its name."""
    sections = []
    for name in COMMANDS:
        done = CliRunner().invoke(
            main, [name, "--help"], prog_name="keras-colorize", terminal_width=HELP_WIDTH
        )
        sections.append(f"\n## {name}\n\n```text\n{done.output}```\n")
    return "".join(sections)
