import numpy as np
import pytest
from skimage import color


@pytest.fixture
def pair():
    """A smooth colour image with detail, and the same with half of its chroma."""
    noise = np.random.default_rng(1).integers(0, 256, (48, 64, 3), np.uint8)
    y, x = np.mgrid[0:48, 0:64]
    waves = [127 + 90 * np.sin(x / a + y / b) for a, b in ((9, 7), (5, -11), (-14, 6))]
    real = np.clip(np.stack(waves, -1) + noise / 8, 0, 255).astype(np.uint8)
    lab = color.rgb2lab(real)
    lab[..., 1:] *= 0.5
    generated = np.rint(np.clip(color.lab2rgb(lab), 0, 1) * 255).astype(np.uint8)
    return real, generated
