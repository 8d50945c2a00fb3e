"""Puts the example photographs side by side as grey | ours | original: `strip.jpg`.

    python examples/strip.py examples/photographs examples/output

The first folder holds the photographs, the second what `keras-colorize colorize` made of them and,
afterwards, the strip. A photograph without colour has no original beside it.
"""

import sys
from pathlib import Path

import numpy as np

from keras_colorize.evaluation.figures import grid
from keras_colorize.imaging.color import lab_to_rgb, rgb_to_lab, rgb_to_lightness
from keras_colorize.imaging.images import read_rgb, write_image

HEIGHT = 200
COLUMNS = 3  # triples or pairs in a row


def panels(photograph: Path, colorized: Path) -> list[np.ndarray]:
    """Grey, ours and, where the photograph has colour, the original: RGB (H, W, 3) each."""
    original = read_rgb(photograph)
    lightness = rgb_to_lightness(original)
    grey = lab_to_rgb(lightness, np.zeros((*lightness.shape, 2), np.float32))
    shown = [grey, read_rgb(colorized)]
    in_colour = np.abs(rgb_to_lab(original)[..., 1:]).mean() > 1
    return [*shown, original] if in_colour else shown


def main() -> None:
    """Writes the strip."""
    photographs, output = map(Path, sys.argv[1:])
    cells = [
        grid([panels(path, output / f"{path.stem}-colorized.jpg")], HEIGHT)
        for path in sorted(photographs.glob("*.jpg"))
    ]
    cells.sort(key=lambda cell: cell.shape[1])  # alike widths make full rows
    rows = [cells[start : start + COLUMNS] for start in range(0, len(cells), COLUMNS)]
    write_image(grid(rows, HEIGHT), output / "strip.jpg", quality=88, overwrite=True)


if __name__ == "__main__":
    main()
