"""The formats of picture files, by their Pillow names, and how files of them are called."""

SUFFIXES_OF = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),  # the first is that of new files
    "PNG": (".png",),
    "TIFF": (".tif", ".tiff"),
    "WEBP": (".webp",),
    "BMP": (".bmp",),
}
FORMAT_OF = {suffix: name for name, suffixes in SUFFIXES_OF.items() for suffix in suffixes}
SUFFIXES = tuple(FORMAT_OF)
FORMATS = tuple(SUFFIXES_OF)
MARK = "-colorized"  # ends the stem of a result
