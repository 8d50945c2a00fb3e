"""Which format a picture has, by its content."""

from keras_colorize.imaging.errors import ImageError
from keras_colorize.imaging.formats import READ_NAMES

START = 64  # the bytes in which a file says its format
_MAGIC = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),
    (b"MM\0+", "TIFF"),
    (b"BM", "BMP"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG2000"),  # a file
    (b"\xff\x4f\xff\x51", "JPEG2000"),  # a bare codestream
)
_HEIF = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}


def sniff(start: bytes, name: str) -> str:
    """Says which format a picture has, from its first `START` bytes.

    Args:
        start: those bytes, fewer if there are no more.
        name: of the picture, for people.

    Returns:
        A key of `SUFFIXES_OF` or of `READ_ONLY_SUFFIXES_OF`.

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
    brands = _brands(start)
    if brands & {b"avif", b"avis"}:
        return "AVIF"
    if brands & _HEIF:
        return "HEIF"
    raise ImageError(f"{name} is not a {READ_NAMES} picture.")


def _brands(start: bytes) -> set[bytes]:
    """What a file of ISO's base media format, such as AVIF and HEIC, says that it is."""
    if start[4:8] != b"ftyp":
        return set()
    end = min(int.from_bytes(start[:4], "big"), len(start))
    return {start[8:12], *(start[k : k + 4] for k in range(16, end - 3, 4))}
