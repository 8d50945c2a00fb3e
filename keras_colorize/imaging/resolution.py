"""The resolution of a picture: how large it is on paper."""

from PIL import Image

Dpi = tuple[float, float]

_HIGHEST = 65535  # what a JPEG can say


def carried_dpi(image: Image.Image, turn: int) -> Dpi | None:
    """Returns the dots per inch, (horizontal, vertical), of the picture once it is upright.

    Args:
        image: an opened picture.
        turn: its EXIF orientation, 1 to 8.

    Returns:
        The resolution, or None where the file has none, or one that cannot be.
    """
    try:
        horizontal, vertical = (float(value) for value in image.info["dpi"])
    except (KeyError, TypeError, ValueError, ArithmeticError):  # none, or it is damaged
        return None
    # Pillow gives a TIFF that has no resolution 1 dot per inch.
    if not (1 < horizontal <= _HIGHEST and 1 < vertical <= _HIGHEST):
        return None
    return (vertical, horizontal) if turn >= 5 else (horizontal, vertical)
