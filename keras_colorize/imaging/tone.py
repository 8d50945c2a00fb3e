"""Faded photographs with the black and white points that good ones have.

Fading lifts black and darkens white: so both must be off. A photograph of the night has no white
and one of snow no black, and they are to stay what they are. What is foggy by intention looks like
faded; it gains contrast, but by no more than half.
"""

import numpy as np

from keras_colorize.imaging.color import Floats

_SHARE = 1.0  # percent of the pixels below the black point, and above the white one: dust is less
# L that most photographs reach at both ends: the medians of 500 are 4 and 94.
_BLACK, _WHITE = 6.0, 92.0
_AT_A_TIME = 2.0  # one point moves by no more than so many times the other
_MOST_GAIN = 1.5


def restored_range(lightness: Floats) -> Floats:
    """Stretches a faded picture to the range of good ones.

    Args:
        lightness: (H, W) in 0..100, in any size that shows the picture as a whole.

    Returns:
        (H, W) in 0..100; `lightness` itself, untouched, where the picture is not faded.
    """
    black, white = map(float, np.percentile(lightness, [_SHARE, 100 - _SHARE]))
    lower, raise_ = max(0.0, black - _BLACK), max(0.0, _WHITE - white)
    lower, raise_ = min(lower, _AT_A_TIME * raise_), min(raise_, _AT_A_TIME * lower)
    added = lower + raise_
    if added <= 0 or black == white:  # of one tone: there is nothing to stretch
        return lightness
    fixed = black + (white - black) * lower / added  # the L that stays where it is
    gain = min(1 + added / (white - black), _MOST_GAIN)
    stretched = fixed + gain * (lightness - fixed)
    return np.clip(stretched, 0, 100, dtype=np.float32)
