"""The directories of a TIFF or BigTIFF: what its pictures are, before anything is decoded."""

import struct
from dataclasses import dataclass
from typing import Any, BinaryIO

NEW_SUBFILE_TYPE = 254
WIDTH, HEIGHT = 256, 257
BITS_PER_SAMPLE = 258
COMPRESSION = 259
PHOTOMETRIC = 262
FILL_ORDER = 266
STRIP_OFFSETS, ROWS_PER_STRIP, STRIP_BYTES = 273, 278, 279
ORIENTATION = 274
SAMPLES_PER_PIXEL = 277
PLANAR = 284
PREDICTOR = 317
COLOR_MAP = 320
TILE_WIDTH, TILE_HEIGHT, TILE_OFFSETS, TILE_BYTES = 322, 323, 324, 325
SUB_IFDS = 330
EXTRA_SAMPLES = 338
SAMPLE_FORMAT, LEAST_VALUE, GREATEST_VALUE = 339, 340, 341
ICC_PROFILE = 34675
DNG_VERSION = 50706

REDUCED, MASK = 1, 4  # bits of NEW_SUBFILE_TYPE: a smaller copy of another page; its transparency
WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, CMYK = 0, 1, 2, 3, 5
_SENSOR = (32803, 34892)  # PHOTOMETRIC of what a camera's sensor saw
_KINDS = {1: "B", 3: "H", 4: "I", 7: "B", 13: "I", 16: "Q", 18: "Q"}  # the types of whole numbers
_OTHER_KINDS = {6: "b", 8: "h", 9: "i", 11: "f", 12: "d"}  # of the values of samples alone
# All that is read, so that no file has more read than it has pixels.
_WANTED = {
    *(NEW_SUBFILE_TYPE, WIDTH, HEIGHT, BITS_PER_SAMPLE, COMPRESSION, PHOTOMETRIC, FILL_ORDER),
    *(STRIP_OFFSETS, ROWS_PER_STRIP, STRIP_BYTES, ORIENTATION, SAMPLES_PER_PIXEL, PLANAR),
    *(PREDICTOR, COLOR_MAP, TILE_WIDTH, TILE_HEIGHT, TILE_OFFSETS, TILE_BYTES, SUB_IFDS),
    *(EXTRA_SAMPLES, SAMPLE_FORMAT, LEAST_VALUE, GREATEST_VALUE, DNG_VERSION),
}
_FEW, _MOST = 256, 2**20  # values of a tag, before a page is chosen and after
_LONGEST_PROFILE = 2**24


@dataclass(frozen=True)
class Directory:
    """A directory: tags of numbers, and where the file has them.

    Attributes:
        order: of the bytes, "<" or ">".
        big: whether the file is a BigTIFF.
        start: of the directory in the file.
        tags: the values of a tag by its number, of those that are known here and not too many:
            whole numbers, but for `LEAST_VALUE` and `GREATEST_VALUE`.
        entries: where the entry of a tag begins.
        profile: a colour profile, or nothing.
        next: where the next directory is; 0 after the last.
    """

    order: str
    big: bool
    start: int
    tags: dict[int, tuple[Any, ...]]
    entries: dict[int, int]
    next: int
    profile: bytes = b""

    def get(self, tag: int, default: int) -> int:
        """The first value of a tag."""
        return self.tags.get(tag, (default,))[0]

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self.get(WIDTH, 0), self.get(HEIGHT, 0)

    @property
    def kind(self) -> int:
        """Bits of `REDUCED` and `MASK`; 0 for a photograph."""
        return self.get(NEW_SUBFILE_TYPE, 0)


def read_directories(stream: BinaryIO) -> list[Directory]:
    """Reads the directories, at least one, of a TIFF that `check_pages` has let through.

    Long tags are not read. A damaged directory ends them.

    Raises:
        ValueError: the first is damaged.
    """
    stream.seek(0)
    header = stream.read(16)
    order = {b"II": "<", b"MM": ">"}[header[:2]]
    big = struct.unpack(order + "H", header[2:4])[0] == 43
    (next_one,) = struct.unpack_from(order + ("Q" if big else "I"), header, 8 if big else 4)
    found: dict[int, Directory] = {}
    while next_one and next_one not in found:
        try:
            directory = _read(stream, order, big, next_one)
        except (ValueError, struct.error):
            if not found:
                raise
            break
        if found and 0 in directory.size:
            break
        found[next_one] = directory
        next_one = directory.next
    if not found:
        raise ValueError("There is no directory.")
    return list(found.values())


def whole(stream: BinaryIO, directory: Directory) -> Directory:
    """Reads a directory again, with its long tags.

    Raises:
        ValueError: it is damaged.
    """
    return _read(stream, directory.order, directory.big, directory.start, most=_MOST)


def photograph_pages(directories: list[Directory]) -> list[int]:
    """Returns the indices, at least one, of pages that are no reduced copy and no mask."""
    found = [k for k, each in enumerate(directories) if not each.kind & (REDUCED | MASK)]
    return found or [0]


def problem_of(stream: BinaryIO, directories: list[Directory], page: int) -> str | None:
    """Says why a page is not the photograph, as the end of a sentence, or None if it is."""
    stream.seek(8)
    canon = stream.read(2) == b"CR"
    below = _sub_directories(stream, directories[page])
    is_raw = canon or any(
        DNG_VERSION in each.tags or each.get(PHOTOMETRIC, 0) in _SENSOR
        for each in [*directories, *below]
    )
    if is_raw:
        return "is a camera's raw file; develop it first, and colour the JPEG or TIFF."
    if directories[page].kind & REDUCED and any(not each.kind & REDUCED for each in below):
        return "shows a small copy of a picture in a SubIFD, which is not supported."
    return None


def _sub_directories(stream: BinaryIO, directory: Directory) -> list[Directory]:
    found = []
    for start in directory.tags.get(SUB_IFDS, ())[:16]:
        try:
            found.append(_read(stream, directory.order, directory.big, start))
        except (ValueError, struct.error):  # damage there must not cost the photograph
            continue
    return found


def _read(stream: BinaryIO, order: str, big: bool, start: int, *, most: int = _FEW) -> Directory:
    head, entry, word = ("Q", "HHQ", "Q") if big else ("H", "HHI", "I")
    stream.seek(start)
    size, width = struct.calcsize(order + entry), struct.calcsize(order + word)
    (count,) = struct.unpack(order + head, stream.read(struct.calcsize(order + head)))
    if not count or count > 65535:
        raise ValueError("This is no directory.")
    first = stream.tell()
    block = stream.read(count * (size + width))
    tags: dict[int, tuple[Any, ...]] = {}
    entries: dict[int, int] = {}
    profile = b""
    for k in range(count):
        at = k * (size + width)
        tag, kind, length = struct.unpack_from(order + entry, block, at)
        entries.setdefault(tag, first + at)
        if tag == ICC_PROFILE and most > _FEW and width < length <= _LONGEST_PROFILE:
            stream.seek(struct.unpack_from(order + word, block, at + size)[0])
            profile = stream.read(length)
        kinds = _KINDS
        if tag in (LEAST_VALUE, GREATEST_VALUE):
            kinds = _KINDS | _OTHER_KINDS
        if tag not in _WANTED or kind not in kinds or not length or tag in tags:
            continue
        if length > most:
            if most > _FEW:
                raise ValueError("A tag is too long.")
            continue
        format = f"{order}{length}{kinds[kind]}"
        needed = struct.calcsize(format)
        values = block[at + size : at + size + needed]
        if needed > width:
            stream.seek(struct.unpack_from(order + word, block, at + size)[0])
            values = stream.read(needed)
        if len(values) == needed:
            tags[tag] = struct.unpack(format, values)
    stream.seek(first + len(block))
    link = stream.read(width)
    after = struct.unpack(order + word, link)[0] if len(link) == width else 0
    return Directory(order, big, start, tags, entries, after, profile)


def stand_in(data: bytes, directory: Directory) -> bytes:
    """A file whose first page is that of the directory, which Pillow opens as plain grey.

    It is for metadata, not for pixels, whose kind Pillow may not know.
    """
    order, big = directory.order, directory.big
    changed = bytearray(data)
    plain = {BITS_PER_SAMPLE: 8, COMPRESSION: 1, PHOTOMETRIC: 1, SAMPLES_PER_PIXEL: 1, PLANAR: 1}
    for tag, value in (plain | {SAMPLE_FORMAT: 1, FILL_ORDER: 1}).items():
        if tag in directory.entries:
            entry = "HHQHHI" if big else "HHIHH"
            rest = (0, 0) if big else (0,)
            struct.pack_into(
                order + entry, changed, directory.entries[tag], tag, 3, 1, value, *rest
            )
    if EXTRA_SAMPLES in directory.entries:  # a number that means nothing
        struct.pack_into(order + "H", changed, directory.entries[EXTRA_SAMPLES], 65000)
    struct.pack_into(order + ("Q" if big else "I"), changed, 8 if big else 4, directory.start)
    return bytes(changed)
