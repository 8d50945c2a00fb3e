"""Low-resolution ab and a photograph's lightness to a picture of full size."""

import threading
from functools import cache

import numpy as np
from numpy.typing import NDArray

from keras_colorize.imaging.color import Floats, lab_to_rgb
from keras_colorize.imaging.framing import Area, Framing
from keras_colorize.imaging.upsampling import guided_upsample, render


def paint(lightness: Floats, ab: Floats, picture: Area | None = None) -> NDArray[np.uint8]:
    """Colours a photograph whose ab is known at a low resolution.

    This is the second step of `Colorizer.colorize`. It needs no network, so that ab can come from
    anywhere: from `Colorizer.predict_low_ab`, changed or blended on the way, or from another
    program. The colours end where the lightness has its edges.

    Args:
        lightness: (H, W) in 0..100.
        ab: (h, w, 2) in Lab units, where h and w are at most those of the picture.
        picture: the part of the photograph that ab covers. The rest stays grey. By default, ab
            covers all of it.

    Returns:
        (H, W, 3) sRGB.

    Raises:
        ValueError: an array has another shape.

    Examples:
        >>> lightness = np.full((200, 300), 60, np.float32)
        >>> paint(lightness, np.full((1, 1, 2), 20, np.float32))[0, 0]
        array([189, 131, 110], dtype=uint8)
    """
    lightness, ab, picture = _checked(lightness, ab, picture)
    prepare_opencv().join()
    inside = render(lightness[picture.slices], ab)
    if inside.shape[:2] == lightness.shape:
        return inside
    rgb = np.empty((*lightness.shape, 3), np.uint8)
    rgb[picture.slices] = inside
    for border in picture.around(lightness.shape):
        rgb[border.slices] = render(lightness[border.slices], np.zeros((1, 1, 2), np.float32))
    return rgb


def full_size_ab(lightness: Floats, ab: Floats, picture: Area | None = None) -> Floats:
    """Brings ab to the size of the lightness; the arguments are those of `paint`.

    Returns:
        (H, W, 2) float32, 0 outside of the picture.
    """
    lightness, ab, picture = _checked(lightness, ab, picture)
    inside = guided_upsample(ab, lightness[picture.slices])
    if inside.shape[:2] == lightness.shape:
        return inside
    full = np.zeros((*lightness.shape, 2), np.float32)
    full[picture.slices] = inside
    return full


@cache
def prepare_opencv() -> threading.Thread:
    """Has OpenCV fill its Lab tables, 0.1 s once a process, while the first picture is decoded."""
    pixel = np.zeros((1, 1, 2), np.float32)
    thread = threading.Thread(target=lab_to_rgb, args=(pixel[..., 0], pixel))
    thread.start()
    return thread


def _checked(lightness: Floats, ab: Floats, picture: Area | None) -> tuple[Floats, Floats, Area]:
    lightness, ab = (np.ascontiguousarray(array, np.float32) for array in (lightness, ab))
    if lightness.ndim != 2 or ab.ndim != 3 or ab.shape[2] != 2:
        raise ValueError(
            f"Lightness is (H, W) and ab is (h, w, 2), not {lightness.shape} and {ab.shape}."
        )
    picture = picture or Framing.none(lightness.shape).picture
    size = lightness[picture.slices].shape
    if not 0 < ab.shape[0] <= size[0] or not 0 < ab.shape[1] <= size[1]:
        raise ValueError(f"ab of {ab.shape[:2]} is empty, or finer than the picture of {size}.")
    return lightness, ab, picture
