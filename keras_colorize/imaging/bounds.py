"""What input may cost at most: checked before it is unpacked, as a small file may hold much."""

DEFAULT_MAX_PIXELS = 200_000_000
# A strip of rows is worked on at a time, so what a long row takes is bounded by this alone.
MOST_SIDE = 2**17
# Weights hardly get smaller when they are packed, and Keras does not pack them.
_UNPACKED, _BESIDE = 10, 2**26


class BoundError(ValueError):
    """Input is too large, as the end of a sentence that names it."""


class PixelBoundError(BoundError):
    """There are more pixels than the caller allows."""


def check_size(width: int, height: int, max_pixels: int | None = None) -> None:
    """Refuses pictures that would take more memory than others of as many pixels, or too many.

    Args:
        width: in pixels.
        height: the same.
        max_pixels: the most that are allowed; None = as many as there are.

    Raises:
        PixelBoundError: there are more than `max_pixels`.
        BoundError: a side is longer than `MOST_SIDE`.
    """
    if max_pixels is not None and width * height > max_pixels:
        raise PixelBoundError(
            f"has {width} x {height} pixels, more than the limit of {max_pixels}."
        )
    if max(width, height) > MOST_SIDE:
        raise BoundError(f"has {width} x {height} pixels; a side may have at most {MOST_SIDE}.")


def check_unpacked(packed: int, unpacked: int) -> None:
    """Refuses files of networks that unpack to much more than there is in them.

    Args:
        packed: bytes of the file.
        unpacked: bytes of what is in it.

    Raises:
        BoundError: they are too many.
    """
    if unpacked > _UNPACKED * packed + _BESIDE:
        raise BoundError(f"has {packed} bytes and would unpack to {unpacked}: it is no network.")
