"""Makes `tests/data/golden_colour.npz`: what every implementation of colour must reproduce.

The Lab vectors are scikit-image's, in float64. The guided upsampling is the package's NumPy and
OpenCV one, which `tests/imaging/test_upsampling.py` holds to its definition. TensorFlow and
JavaScript versions are compared with the same file.

Run from the repository root: `python tests/make_golden_colour.py`.
"""

from pathlib import Path

import cv2
import numpy as np
from skimage.color import rgb2lab

from keras_colorize.imaging.upsampling import EPSILON, RADIUS, guided_upsample, render

GOLDEN = Path(__file__).parent / "data" / "golden_colour.npz"


def colors() -> np.ndarray:
    """Returns (N, 3) uint8: a lattice with its corners, and the darkest colours."""
    lattice, dark = np.linspace(0, 255, 9).astype(np.uint8), np.arange(0, 12, 2, dtype=np.uint8)
    cubes = [np.stack(np.meshgrid(x, x, x), axis=-1).reshape(-1, 3) for x in (lattice, dark)]
    return np.concatenate(cubes)


def picture() -> tuple[np.ndarray, np.ndarray]:
    """Returns lightness (72, 104) with edges and texture, and ab (18, 13)."""
    y, x = np.mgrid[0:72, 0:104].astype(np.float32)
    disc = np.clip(20.5 - np.hypot(x - 45, y - 30), 0, 1)
    lightness = 30 + 0.3 * x + 35 * disc + 6 * np.sin(x / 2) * np.sin(y / 3)
    ab = np.stack([40 * disc - 0.2 * y, 0.5 * x - 60 * disc], axis=-1)
    low = cv2.resize(ab, (13, 18), interpolation=cv2.INTER_AREA)
    return lightness.astype(np.float32), low.astype(np.float32)


def golden() -> dict[str, np.ndarray]:
    """Returns all arrays of the file."""
    rgb = colors()
    lightness, ab = picture()
    return {
        "rgb": rgb,
        "lab": rgb2lab(rgb),
        "lightness": lightness,
        "ab": ab,
        "radius": np.array(RADIUS),
        "epsilon": np.array(EPSILON),
        "upsampled_ab": guided_upsample(ab, lightness),
        "rendered_rgb": render(lightness, ab),
    }


if __name__ == "__main__":
    GOLDEN.parent.mkdir(exist_ok=True)
    np.savez_compressed(GOLDEN, **golden())
    print(f"{GOLDEN}: {GOLDEN.stat().st_size} bytes")
