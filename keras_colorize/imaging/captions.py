"""What people wrote to a photograph: XMP, IPTC and the comment of a JPEG, for the coloured one.

XMP of Adobe, IPTC-IIM in the blocks of Photoshop. What they say of size and orientation is put
right, and small pictures in them, which would stay grey, are left out.
"""

import re
import struct
from dataclasses import dataclass
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo

_IPTC_BLOCK = 0x0404
_TIFF_XMP, _TIFF_IPTC, _TIFF_BLOCKS = 700, 33723, 34377
_BLOCKS = b"Photoshop 3.0\0"  # begins a segment of them in a JPEG
_LONGEST = 65000  # of each in a JPEG, whose segments end at 65535 bytes
_PNG_XMP = "XML:com.adobe.xmp"
_SIZES = (
    (b"tiff:ImageWidth", b"tiff:ImageLength"),
    (b"exif:PixelXDimension", b"exif:PixelYDimension"),
)
_SMALL = re.compile(rb"<(xmp|xap):Thumbnails\b.*?</\1:Thumbnails>", re.DOTALL)


@dataclass(frozen=True)
class Captions:
    """What people wrote.

    Attributes:
        xmp: a packet of XML, or None.
        iptc: IPTC-IIM data sets, or None.
        comment: of a JPEG, or None.
    """

    xmp: bytes | None = None
    iptc: bytes | None = None
    comment: bytes | None = None


def carried_captions(image: Image.Image, turn: int, xmp: bytes | None = None) -> Captions | None:
    """Returns what to write beside upright pixels, or None.

    The turn is the picture's EXIF orientation, and `xmp` is given where Pillow does not find it.
    """
    try:
        found = xmp or image.info.get("xmp")
        comment = image.info.get("comment")
        captions = Captions(
            _upright(found, turn) if isinstance(found, bytes) and found else None,
            _iptc(image),
            comment if image.format in ("JPEG", "MPO") and isinstance(comment, bytes) else None,
        )
    except Exception:  # damaged metadata must not cost the picture
        return None
    return captions if captions != Captions() else None


def caption_options(captions: Captions, format: str) -> dict[str, Any]:
    """Returns the options of Pillow's `save` that write them into a picture of a format."""
    xmp, iptc, comment = captions.xmp, captions.iptc, captions.comment
    options: dict[str, Any] = {}
    if format == "JPEG":
        if xmp and len(xmp) <= _LONGEST:
            options["xmp"] = xmp
        if comment and len(comment) <= _LONGEST:
            options["comment"] = comment
        if iptc and len(iptc) <= _LONGEST:
            block = _BLOCKS + _block(iptc)
            options["extra"] = b"\xff\xed" + struct.pack(">H", len(block) + 2) + block
    elif format == "WEBP" and xmp:
        options["xmp"] = xmp
    elif format == "TIFF":
        tags = {_TIFF_XMP: xmp, _TIFF_IPTC: iptc}
        options["tiffinfo"] = {tag: content for tag, content in tags.items() if content}
    elif format == "PNG":
        texts = PngInfo()
        if xmp:
            texts.add_itxt(_PNG_XMP, xmp.decode(errors="replace"))
        if comment:
            texts.add_itxt("Comment", comment.decode(errors="replace").replace("\0", ""))
        if iptc:  # as ImageMagick writes, and others read
            block = _block(iptc)
            texts.add_text(
                "Raw profile type iptc", f"\niptc\n{len(block):8}\n{block.hex()}\n", True
            )
        options["pnginfo"] = texts
    return options


def _iptc(image: Image.Image) -> bytes | None:
    segments = [content for name, content in getattr(image, "applist", ()) if name == "APP13"]
    blocks = [each[len(_BLOCKS) :] for each in segments if each.startswith(_BLOCKS)]
    if blocks:
        return _in_blocks(b"".join(blocks))
    tags = getattr(image, "tag_v2", {})
    if _TIFF_IPTC in tags:
        return _bytes(tags[_TIFF_IPTC])
    return _in_blocks(_bytes(tags.get(_TIFF_BLOCKS)) or b"")


def _bytes(value: Any) -> bytes | None:
    if isinstance(value, tuple) and len(value) == 1:
        value = value[0]
    if isinstance(value, tuple):  # some writers give them as 32-bit numbers
        value = struct.pack(f"<{len(value)}I", *value)
    return value if isinstance(value, bytes) and value else None


def _in_blocks(data: bytes) -> bytes | None:
    place = 0
    while data[place : place + 4] == b"8BIM":
        kind, length = struct.unpack_from(">HB", data, place + 4)
        place += 6 + (length + 2) // 2 * 2
        (size,) = struct.unpack_from(">I", data, place)
        if kind == _IPTC_BLOCK:
            return data[place + 4 : place + 4 + size] or None
        place += 4 + (size + 1) // 2 * 2
    return None


def _block(iptc: bytes) -> bytes:
    head = b"8BIM" + struct.pack(">HHI", _IPTC_BLOCK, 0, len(iptc))
    return head + iptc + b"\0" * (len(iptc) % 2)


def _upright(xmp: bytes, turn: int) -> bytes:
    xmp = _SMALL.sub(b"", xmp)
    xmp = _changed(xmp, b"tiff:Orientation", lambda _: b"1")
    if turn < 5:
        return xmp
    for pair in _SIZES:
        values = [_value(xmp, name) for name in pair]
        for name, value in zip(pair, reversed(values), strict=True):
            if None not in values:
                xmp = _changed(xmp, name, lambda old, value=value: value)
    return xmp


def _pattern(name: bytes) -> re.Pattern[bytes]:
    return re.compile(rb"(\b%s(?:\s*=\s*[\"']|>\s*))(\d+)(?=\s*[\"'<])" % re.escape(name))


def _value(xmp: bytes, name: bytes) -> bytes | None:
    found = _pattern(name).search(xmp)
    return found[2] if found else None


def _changed(xmp: bytes, name: bytes, change: Any) -> bytes:
    return _pattern(name).sub(lambda found: found[1] + change(found[2]), xmp)
