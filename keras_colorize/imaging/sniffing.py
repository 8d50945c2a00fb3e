"""Which format a picture has, by its content."""

from keras_colorize.imaging.errors import ImageError

_MAGIC = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),
    (b"MM\0+", "TIFF"),
    (b"BM", "BMP"),
)


def sniff(start: bytes, name: str) -> str:
    """Says which format a picture has, from its first 16 bytes.

    Args:
        start: those bytes, fewer if there are no more.
        name: of the picture, for people.

    Returns:
        A name of `FORMATS`.

    Raises:
        ImageError: it has none of the formats that can be read.
    """
    if not start:
        raise ImageError(f"{name} is empty.")
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "WEBP"
    for magic, image_format in _MAGIC:
        if start.startswith(magic):
            return image_format
    raise ImageError(f"{name} is not a JPEG, PNG, TIFF, WebP or BMP picture.")
