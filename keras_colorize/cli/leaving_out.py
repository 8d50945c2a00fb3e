"""What `keras-colorize colorize` left out of the folders that it was given, and how it says so."""

from dataclasses import dataclass, field
from pathlib import Path

from keras_colorize.imaging.formats import MARK, UNREAD_SUFFIXES

_SHOWN = 5  # files named of a kind


@dataclass(frozen=True)
class LeftOut:
    """Files below folders that were not coloured.

    Attributes:
        unread: pictures of formats that are not read.
        others: files that are no pictures, by their names.
        excluded: what `--exclude` names, each folder as one.
        results: what is named as results are, without an original beside it.
    """

    unread: list[Path] = field(default_factory=list)
    others: list[Path] = field(default_factory=list)
    excluded: list[Path] = field(default_factory=list)
    results: list[Path] = field(default_factory=list)

    def note(self, file: Path) -> None:
        """Notes a file that has no suffix of a picture that is read."""
        unread = file.suffix.lower() in UNREAD_SUFFIXES
        (self.unread if unread else self.others).append(file)

    def sentences(self) -> list[str]:
        """Says what there is, a sentence a kind."""
        kinds: tuple[tuple[list[Path], str, str, str], ...] = (
            (self.unread, "picture has a format", "pictures have formats", " not read here"),
            (self.others, "file was not a picture", "files were not pictures", ""),
            (
                self.excluded,
                "file or folder was",
                "files or folders were",
                " left out by --exclude",
            ),
            (self.results, "file has", "files have", f" the name of a result (*{MARK})"),
        )
        return [
            f"{len(found)} {one if len(found) == 1 else many}{more}: {_listed(found)}."
            for files, one, many, more in kinds
            if (found := list(dict.fromkeys(files)))
        ]


def _listed(files: list[Path]) -> str:
    shown = ", ".join(map(str, files[:_SHOWN]))
    return shown + (f" and {len(files) - _SHOWN} more" if len(files) > _SHOWN else "")
