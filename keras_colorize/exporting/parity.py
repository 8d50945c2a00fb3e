"""Whether an exported file computes what its Keras parent computes."""

import numpy as np
from numpy.typing import NDArray

from keras_colorize.imaging.color import scale_ab

FLOAT32_TOLERANCE = 1e-5  # in scaled units; float32's spacing at L = 100 is 7.6e-6


class ParityError(ArithmeticError):
    """An exported file gives other ab than its parent; the message is one sentence."""


def assert_parity(
    exported_ab: NDArray[np.float32],
    parent_ab: NDArray[np.float32],
    tolerance: float = FLOAT32_TOLERANCE,
) -> float:
    """Compares what a file and its parent make of the same L.

    Args:
        exported_ab: (H, W, 2), the file's, in Lab units.
        parent_ab: (H, W, 2), the Keras generator's, in Lab units.
        tolerance: largest difference allowed, in scaled units (Lab units over 110).

    Returns:
        The largest difference, in scaled units.

    Raises:
        ParityError: it is over the tolerance, or no number.
    """
    difference = float(np.abs(scale_ab(exported_ab - parent_ab)).max())
    if not difference <= tolerance:
        raise ParityError(
            f"The exported file differs from its parent by {difference:.2g} in scaled units, "
            f"more than {tolerance:.2g}."
        )
    return difference
