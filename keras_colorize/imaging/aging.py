"""Photographs as film and time would have left them, for networks that shall know old ones."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from keras_colorize.imaging.color import Floats, gray_to_lightness, rgb_to_lightness

# Shares of red, green and blue. Film since the 1930s sees about as the eye does; plates before it
# saw blue best and red hardly (orthochromatic).
_PANCHROMATIC = np.array([0.21, 0.72, 0.07])
_ORTHOCHROMATIC = np.array([0.03, 0.47, 0.50])
_DESIGN_SIDE = 256  # pixels to which blur is told; grain is as wide as a scanner's pixel


def aged_lightness(rgb: NDArray[np.uint8], random: np.random.Generator) -> Floats:
    """Takes a picture once more on black-and-white film, and lets it age.

    In this order: the film's sensitivity to colours, the print's contrast, unsharpness, grain,
    and fading, which lifts black and darkens white. Each is drawn anew, blur and grain for half
    of the pictures.

    Args:
        rgb: (H, W, 3), sRGB.
        random: what all of it is drawn from.

    Returns:
        (H, W), L in 0..100.
    """
    weights = _PANCHROMATIC + random.random() * (_ORTHOCHROMATIC - _PANCHROMATIC)
    light: NDArray[Any] = gray_to_lightness(cv2.transform(rgb, weights[None])) / 100
    light = cv2.pow(light, np.exp(random.uniform(-0.4, 0.4)))
    blur = random.uniform(-1.5, 1.5) * min(light.shape) / _DESIGN_SIDE
    if blur > 0.1:
        light = cv2.GaussianBlur(light, (0, 0), blur)
    strength = random.uniform(-0.06, 0.06)
    if strength > 0:
        light = light + np.float32(strength) * random.standard_normal(light.shape, np.float32)
    black, white = random.uniform(0, 15), random.uniform(85, 100)
    return np.clip(black + (white - black) * light, 0, 100, dtype=np.float32)


def film_lightness(rgb: NDArray[np.uint8], share: float, seed: int, position: int) -> Floats:
    """Lightness, (H, W) in 0..100, of a picture of a stream, some of which are aged.

    Args:
        rgb: (H, W, 3), sRGB.
        share: of pictures whose lightness is `aged_lightness`.
        seed: of the stream.
        position: in the stream; with the seed it decides whether and how the picture is aged.
    """
    random = np.random.default_rng([seed, position, 1])  # the crop is drawn from the first two
    aged = random.random() < share
    return aged_lightness(rgb, random) if aged else rgb_to_lightness(rgb)
