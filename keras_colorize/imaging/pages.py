"""The pages of a TIFF: which of them are photographs of their own."""

from itertools import count
from typing import BinaryIO

from PIL.TiffImagePlugin import TiffImageFile

_NEW_SUBFILE_TYPE = 254
_REDUCED_IMAGE, _MASK = 1, 4  # bits of it: a smaller copy of another page; its transparency


def photograph_pages(stream: BinaryIO) -> list[int]:
    """Returns the indices of the pages that are no reduced copy of another and no mask.

    Args:
        stream: a TIFF whose first page can be opened.

    Returns:
        At least one index.
    """
    stream.seek(0)
    pages = TiffImageFile(stream)
    found = []
    for index in count():
        try:
            pages.seek(index)
            kind = pages.tag_v2.get(_NEW_SUBFILE_TYPE, 0)
        except Exception:  # the end, or a damaged page, which must not cost the others
            break
        if not kind & (_REDUCED_IMAGE | _MASK):
            found.append(index)
    return found or [0]
