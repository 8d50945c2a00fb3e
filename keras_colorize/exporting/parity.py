"""Whether an exported file computes what its Keras parent computes."""

import numpy as np
from numpy.typing import NDArray

from keras_colorize.imaging.color import scale_ab

# Root mean square, in scaled units. Single values differ by more: the rounding of float32 alone
# changes a value of the packaged network by up to 1.5e-5 (Keras in float32 against float64).
FLOAT32_TOLERANCE = 1e-5
SAME_OPERATIONS_TOLERANCE = 1e-6  # where the file has the same operations as its parent
_STEP = 50 / 1024


class ParityError(ArithmeticError):
    """An exported file predicts other colours than its parent; the message is one sentence."""


def probe_lightness(side: int = 256) -> NDArray[np.float32]:
    """Makes L with areas and grain to compare a file and its parent on.

    Frameworks divide by 50 in ways that differ in the last bit, and a network that has hardly
    learnt magnifies this. Here L / 50 is exact, so that only the networks are compared.

    Args:
        side: side of the square, a multiple of 16.

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
    """Compares what a file and its parent predict from the same L, (H, W, 2) in Lab units.

    Returns:
        `rms` and `max` of the difference, in scaled units (Lab over 110).

    Raises:
        ParityError: the root mean square is over the tolerance, in scaled units, or no number.
    """
    difference = scale_ab(exported_ab.astype(np.float64) - parent_ab)
    rms = float(np.sqrt(np.mean(difference**2)))
    if not rms <= tolerance:
        raise ParityError(
            f"The exported file differs from its parent by {rms:.2g} (root mean square, scaled "
            f"units), more than {tolerance:.2g}."
        )
    return {"rms": rms, "max": float(np.abs(difference).max())}
