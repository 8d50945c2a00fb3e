import numpy as np
import pytest
from PIL import Image
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


@pytest.fixture(scope="session")
def waves():
    """Makes a smooth picture in warm colours, uint8 (H, W, 3)."""

    def make(shift=0, size=(256, 256)):
        y, x = np.mgrid[: size[0], : size[1]]
        periods = ((160, 40, 30), (127, 25, -50), (90, -60, 28))
        channels = [mean + 50 * np.sin(x / a + y / b + shift) for mean, a, b in periods]
        return np.stack(channels, -1).astype(np.uint8)

    return make


@pytest.fixture(scope="session")
def save():
    """Writes pixels as a file, folders and all; returns its path."""

    def write(rgb, path):
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rgb).save(path)
        return path

    return write


@pytest.fixture
def folder(tmp_path, waves, save):
    """Three images in nested folders; by path: a/2.png, a/b/1.png, c.png."""
    for shift, name in enumerate(("c.png", "a/2.png", "a/b/1.png")):
        save(waves(shift), tmp_path / "photographs" / name)
    return tmp_path / "photographs"
