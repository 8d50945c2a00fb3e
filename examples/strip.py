"""Puts the example photographs side by side as grey | ours | original: `strip.jpg`.

    python examples/strip.py examples/photographs examples/output

The first folder holds the photographs, the second what `keras-colorize colorize` made of them and,
afterwards, the strip. A photograph without colour has no original beside it.
"""

import sys
from pathlib import Path

import cv2
import numpy as np

from keras_colorize.evaluation.figures import grid
from keras_colorize.imaging.color import lab_to_rgb, rgb_to_lab, rgb_to_lightness
from keras_colorize.imaging.images import read_rgb, write_image

HEIGHT = 256
COLUMNS = 2  # triples or pairs in a row
WIDTH = 1200


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
    cells.sort(key=lambda cell: cell.shape[1])  # alike widths stand well together
    strip = []
    for start in range(0, len(cells), COLUMNS):
        row = grid([cells[start : start + COLUMNS]], HEIGHT)
        height = round(row.shape[0] * WIDTH / row.shape[1])
        strip.append(cv2.resize(row, (WIDTH, height), interpolation=cv2.INTER_AREA))
        strip.append(np.full((4, WIDTH, 3), 255, np.uint8))
    write_image(np.vstack(strip[:-1]), output / "strip.jpg", quality=88, overwrite=True)


if __name__ == "__main__":
    main()
