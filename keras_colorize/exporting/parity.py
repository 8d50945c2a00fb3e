"""Whether an exported file computes what its Keras parent computes."""

import numpy as np
from numpy.typing import NDArray

from keras_colorize.imaging.color import scale_ab
from keras_colorize.inference.runtime import Runtime

# Root of the mean square, in scaled units. Single values differ by more: float32's rounding alone
# moves a value of the packaged network by up to 1.5e-5 (Keras in float32 against float64).
FLOAT32_TOLERANCE = 1e-5
SAME_OPERATIONS_TOLERANCE = 1e-6  # where the file has the very operations of its parent


class ParityError(ArithmeticError):
    """An exported file gives other ab than its parent; the message is one sentence."""


def probe_lightness(side: int = 256) -> NDArray[np.float32]:
    """L that a file and its parent can be compared on: areas, and grain.

    Args:
        side: of the square, a multiple of 16.

    Returns:
        float32 (side, side) in 0..100.
    """
    random = np.random.default_rng(0)
    areas = np.kron(random.uniform(5, 95, (side // 16, side // 16)), np.ones((16, 16)))
    grain = random.normal(0, 3, areas.shape)
    return np.clip(areas + grain, 0, 100).astype(np.float32)


def tolerance_for(
    parent: Runtime, lightness: NDArray[np.float32], least: float = FLOAT32_TOLERANCE
) -> float:
    """Says how closely a file can be asked to compute what its parent computes.

    A network that has hardly learnt makes much of the last bit of L, and no two orders of adding
    agree on that bit. Twice what it makes of it is allowed, as each layer rounds, too.

    Args:
        parent: the float network.
        lightness: (H, W) in 0..100, that both are compared on.
        least: what is allowed anyhow.

    Returns:
        A root-mean-square difference, in scaled units.
    """
    moved = parent.predict(np.nextafter(lightness, np.float32(np.inf)))
    return max(least, 2 * _rms(moved, parent.predict(lightness)))


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
    rms = _rms(exported_ab, parent_ab)
    if not rms <= tolerance:
        raise ParityError(
            f"The exported file differs from its parent by {rms:.2g} (root mean square, scaled "
            f"units), more than {tolerance:.2g}."
        )
    return {"rms": rms, "max": float(np.abs(_difference(exported_ab, parent_ab)).max())}


def _difference(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float64]:
    return scale_ab(one.astype(np.float64) - other)


def _rms(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    return float(np.sqrt(np.mean(_difference(one, other) ** 2)))
