"""Makes the gallery, docs/gallery.md with its pictures.

    python examples/gallery.py DATA [BEFORE]

DATA holds validation photographs in `val/`, and `MANIFEST.csv` with a line for each: `file`,
`source_repo`, `source_path`, `licence_note`. Those of the sources in SHOWN are scored, and chosen
by their scores alone. The photographs of examples/ come before them. BEFORE are the weights of an
earlier network, which the contact sheet then shows, too.
"""

import codecs
import csv
import html
import re
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from strip import panels

from keras_colorize import Colorizer
from keras_colorize.evaluation.figures import grid
from keras_colorize.evaluation.scoring import read_truth, score_folder
from keras_colorize.imaging.color import lab_to_rgb, rgb_to_lightness
from keras_colorize.imaging.images import write_image

ROOT = Path(__file__).parents[1]
SHOWN = ("food", "nips", "osie")  # names begin so; their terms allow it, with what is said of each
EACH = 5  # photographs in a section
HEIGHT = 192
SHEET = 64  # photographs on the contact sheet
ACROSS = 8
SHEET_SIDE = 96  # of a square that is shown grey, ours and original
INTRODUCTION = """# Gallery

This page shows what the packaged network, `{model}`, makes of photographs, failures included.
Each strip shows the grey photograph, our result and the original. The original photographs were
resized, turned grey and coloured. The terms of a photograph also apply to its strip.
`make gallery DATA=FOLDER` makes this page.

## Photographs that never had colour

These were taken on black-and-white film, so there is no original.

{film}
## The other example photographs

{examples}
[examples/](../examples/README.md) says where the example photographs come from.

## Validation photographs, chosen by numbers

The network was not trained on these photographs. There were {count} photographs whose terms allow
us to show them. They were scored as [Evaluation](evaluation.md) describes. Each section below
shows the first {each} by one measure; no photograph was chosen by eye.

The numbers below each strip are the CIEDE2000 colour differences from the original, for the grey
photograph and for our result. Lower is better. The terms of the photographs from OSIE are also in
[examples/](../examples/README.md).
"""
CONTACT_SHEET = """## {count} at a glance

These are {count} of the same photographs, spread evenly over their names. Each cell shows the
centre square that the network sees (256 pixels a side). From top to bottom: {order}.

![Contact sheet](images/gallery/contact-sheet.jpg)

The photographs, row by row:
"""
SECTIONS = (
    ("Most gained over grey", lambda grey, ours: ours - grey),
    ("In the middle", lambda grey, ours: np.abs(ours - grey - np.median(ours - grey))),
    ("Least gained, or lost", lambda grey, ours: grey - ours),
    ("Furthest from the truth", lambda grey, ours: -ours),
)


def attribution(row: dict[str, str]) -> str:
    """Says where a photograph comes from, and under which terms."""
    note = html.unescape(row["licence_note"])
    if "\\" in note:  # bytes of UTF-8 in octal
        note = codecs.escape_decode(note)[0].decode()
    note = re.sub(r"(https?://[^\s;)]+)", r"<\1>", note)
    return f"{note}. From {row['source_repo']}, `{row['source_path']}`."


def show(photograph: Path, colorizer: Colorizer, pictures: Path) -> str:
    """Colours a photograph, writes it beside its grey and its own colours, and refers to that."""
    with TemporaryDirectory() as folder:
        colorized = Path(folder) / "colorized.png"
        colorizer.colorize_file(photograph, colorized)
        strip = grid([panels(photograph, colorized)], HEIGHT)
    write_image(strip, pictures / f"{photograph.stem}.jpg", quality=85, overwrite=True)
    return f"![{photograph.stem}](images/gallery/{photograph.stem}.jpg)\n"


def spread(names: list[str], count: int) -> list[str]:
    """Takes so many, or all if there are fewer, evenly."""
    count = min(count, len(names))
    return [names[k * len(names) // count] for k in range(count)]


def contact_sheet(photographs: list[Path], colorizers: list[Colorizer]) -> np.ndarray:
    """Puts square crops of photographs side by side, each grey over coloured over original.

    Args:
        photographs: in the order of reading.
        colorizers: what colours them, from top to bottom.

    Returns:
        (H, W, 3) RGB, `ACROSS` photographs wide.
    """
    cells = []
    for photograph in photographs:
        truth = read_truth(photograph)
        lightness = rgb_to_lightness(truth)
        coloured = [lab_to_rgb(lightness, c.predict_ab(lightness)) for c in colorizers]
        grey = lab_to_rgb(lightness, np.zeros((*lightness.shape, 2), np.float32))
        shown = (grey, *coloured, truth)
        cells.append(grid([[picture] for picture in shown], SHEET_SIDE))
    rows = [cells[start : start + ACROSS] for start in range(0, len(cells), ACROSS)]
    return grid(rows, cells[0].shape[0])


def main(data: Path, page: Path, before: Path | None = None) -> None:
    """Writes the page, and its pictures into images/gallery beside it.

    Args:
        data: the folder with the validation photographs.
        page: the Markdown file.
        before: weights of an earlier network for the contact sheet.
    """
    with (data / "MANIFEST.csv").open(newline="", encoding="utf-8") as lines:
        rows = {
            Path(row["file"]).name: row
            for row in csv.DictReader(lines)
            if re.match(rf"val/.*\b({'|'.join(SHOWN)})_[^/]*$", row["file"])
        }
    pictures = page.parent / "images" / "gallery"
    shutil.rmtree(pictures, ignore_errors=True)
    pictures.mkdir(parents=True)
    colorizer = Colorizer()
    examples = sorted((ROOT / "examples" / "photographs").glob("*.jpg"))
    film = [path for path in examples if path.name.startswith("fsa-")]
    with TemporaryDirectory() as folder:
        for row in rows.values():
            shutil.copy(data / row["file"], folder)
        scores = score_folder(folder, colorizer.predict_ab, metrics=["ciede2000"], progress=True)
    grey, ours = (scores.values[row]["ciede2000"] for row in ("grey", "model"))
    parts = [
        INTRODUCTION.format(
            model=colorizer.runtime.name,
            film="\n".join(show(path, colorizer, pictures) for path in film),
            examples="\n".join(show(p, colorizer, pictures) for p in examples if p not in film),
            count=len(scores.names),
            each=EACH,
        )
    ]
    for title, order in SECTIONS:
        parts.append(f"### {title}\n")
        for k in np.argsort(order(grey, ours), kind="stable")[:EACH]:
            row = rows[scores.names[k]]
            parts.append(show(data / row["file"], colorizer, pictures))
            parts.append(f"Grey {grey[k]:.1f}, ours {ours[k]:.1f}. {attribution(row)}\n")
    sheet = spread(sorted(rows), SHEET)
    colorizers = [Colorizer(before), colorizer] if before else [colorizer]
    picture = contact_sheet([data / rows[name]["file"] for name in sheet], colorizers)
    write_image(picture, pictures / "contact-sheet.jpg", quality=70, overwrite=True)
    order = ["grey", *(["an earlier network"] if before else []), "our result", "the original"]
    parts.append(CONTACT_SHEET.format(count=len(sheet), order=", ".join(order)))
    parts += [f"{k}. {attribution(rows[name])}" for k, name in enumerate(sheet, 1)]
    page.write_text("\n".join(parts) + "\n", encoding="utf-8")


if __name__ == "__main__":
    earlier = Path(sys.argv[2]) if len(sys.argv) > 2 else None
    main(Path(sys.argv[1]), ROOT / "docs" / "gallery.md", earlier)
