"""Whether an exported file computes what its Keras parent computes."""

import numpy as np
from numpy.typing import NDArray

from keras_colorize.imaging.color import scale_ab

# Root of the mean square, in scaled units. Single values differ by more: float32's rounding alone
# moves a value of the packaged network by up to 1.5e-5 (Keras in float32 against float64).
FLOAT32_TOLERANCE = 1e-5
SAME_OPERATIONS_TOLERANCE = 1e-6  # where the file has the very operations of its parent
_STEP = 50 / 1024


class ParityError(ArithmeticError):
    """An exported file gives other ab than its parent; the message is one sentence."""


def probe_lightness(side: int = 256) -> NDArray[np.float32]:
    """L that a file and its parent can be compared on: areas, and grain.

    Frameworks divide by 50 in ways that differ in the last bit, of which a network that has hardly
    learnt makes more than float32's rounding does after it. Here L / 50 is exact, so that all that
    is compared is the network.

    Args:
        side: of the square, a multiple of 16.

    Returns:
        float32 (side, side) in 0..100, multiples of 50/1024.
    """
    random = np.random.default_rng(0)
    areas = np.kron(random.uniform(5, 95, (side // 16, side // 16)), np.ones((16, 16)))
    grain = random.normal(0, 3, areas.shape)
    steps = np.rint(np.clip(areas + grain, 0, 100) / _STEP)
    return (steps * _STEP).astype(np.float32)


def assert_parity(
    exported_ab: NDArray[np.float32],
    parent_ab: NDArray[np.float32],
    tolerance: float = FLOAT32_TOLERANCE,
) -> dict[str, float]:
    """Compares what a file and its parent make of the same L.

    Args:
        exported_ab: (H, W, 2), the file's, in Lab units.
        parent_ab: (H, W, 2), the Keras generator's, in Lab units.
        tolerance: largest root-mean-square difference allowed, in scaled units (Lab over 110).

    Returns:
        `rms` and `max` of the difference, in scaled units.

    Raises:
        ParityError: the root mean square is over the tolerance, or no number.
    """
    difference = scale_ab(exported_ab.astype(np.float64) - parent_ab)
    rms = float(np.sqrt(np.mean(difference**2)))
    if not rms <= tolerance:
        raise ParityError(
            f"The exported file differs from its parent by {rms:.2g} (root mean square, scaled "
            f"units), more than {tolerance:.2g}."
        )
    return {"rms": rms, "max": float(np.abs(difference).max())}
