"""The formats of picture files, by their Pillow names: how files are called, and how they begin."""

from keras_colorize.imaging.errors import ImageError

SUFFIXES_OF = {  # what is read and written
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),  # the first is that of new files
    "PNG": (".png",),
    "TIFF": (".tif", ".tiff"),
    "WEBP": (".webp",),
    "BMP": (".bmp",),
}
FORMAT_OF = {suffix: name for name, suffixes in SUFFIXES_OF.items() for suffix in suffixes}
SUFFIXES = tuple(FORMAT_OF)
MARK = "-colorized"  # ends the stem of a result
# Results of these have another format: PNG, unless one is asked for.
READ_ONLY_SUFFIXES_OF = {
    "GIF": (".gif",),
    "JPEG2000": (".jp2", ".j2k", ".jpf", ".jpx"),
    "AVIF": (".avif",),
    "HEIF": (".heic", ".heif", ".hif"),
}
READ_SUFFIXES = (*SUFFIXES, *(each for of in READ_ONLY_SUFFIXES_OF.values() for each in of))
READ_NAMES = "JPEG, PNG, TIFF, WebP, BMP, GIF, JPEG 2000, AVIF or HEIC"  # for people
WRITTEN_NAMES = "JPEG, PNG, TIFF, WebP or BMP"
# Pictures in formats that are refused: that they are pictures is worth a word.
UNREAD_SUFFIXES = (
    *(".jxl", ".psd", ".svg", ".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".rw2", ".raf"),
    *(".pef", ".srw", ".x3f"),
)
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


def result_format(image_format: str) -> str:
    """Returns the format of a result: that of its picture, or PNG if the picture's is read only."""
    return image_format if image_format in SUFFIXES_OF else "PNG"


def sniff(start: bytes, name: str) -> str:
    """Says which format a picture has, a key of the two tables, from its first `START` bytes.

    Raises:
        ImageError: it has none of the formats that can be read. The sentence begins with the name.
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
