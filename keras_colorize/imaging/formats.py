"""The formats of picture files, by their Pillow names, and how files of them are called."""

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


def result_format(image_format: str) -> str:
    """Returns the format of a result: that of its picture, or PNG if the picture's is read only."""
    return image_format if image_format in SUFFIXES_OF else "PNG"
