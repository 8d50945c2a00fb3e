"""PNG: chunks beside the picture must not cost it, and gAMA says what its numbers mean."""

import struct
import zlib
from dataclasses import dataclass
from io import BytesIO
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

_SIGNATURE = 8  # bytes
_PILLOWS = 2**20  # bytes that Pillow unpacks of a text or profile at most
_MOST = 2**24  # bytes that this does
_MOST_TEXT = 2**25  # of all texts
_LONGEST = 2**26  # of a chunk beside the picture
_SHORTEST = {b"gAMA": 4, b"sRGB": 1, b"pHYs": 9, b"cHRM": 32, b"acTL": 8, b"fcTL": 26}
_XMP = b"XML:com.adobe.xmp"
_LIKE_SRGB = 0.05  # a gamma so near to 1 / 2.2 is that of sRGB, as browsers have it


@dataclass
class PngFacts:
    """What the chunks say.

    Attributes:
        gamma: of the numbers: light to its power; None where they are sRGB or have a profile.
        profile: a colour profile that is too long for Pillow, or None.
        xmp: or None.
    """

    gamma: float | None = None
    profile: bytes | None = None
    xmp: bytes | None = None


def readable(stream: BinaryIO) -> tuple[BinaryIO, PngFacts]:
    """Leaves out of a PNG what Pillow would refuse it for: damaged or long chunks.

    Returns:
        The stream at its start, or another one, and what the chunks say.
    """
    facts, left_out = PngFacts(), []
    stream.seek(_SIGNATURE)
    named, gamma, texts, place = False, None, 0, _SIGNATURE
    while len(head := stream.read(8)) == 8:
        (length,), kind = struct.unpack(">I", head[:4]), head[4:]
        if kind == b"IEND" or length > _LONGEST:
            break
        after = place + 12 + length
        if kind[0] & 0x20:  # not critical
            content, check = stream.read(length), stream.read(4)
            if len(check) < 4:
                break
            good = zlib.crc32(content, zlib.crc32(kind)) == int.from_bytes(check, "big")
            good = good and length >= _SHORTEST.get(kind, 0)
            if good and kind == b"gAMA":
                gamma = int.from_bytes(content[:4], "big") / 100_000
            elif good and kind in (b"sRGB", b"cICP"):
                named = True
            elif good and kind == b"iCCP":
                profile = _unpacked(content.partition(b"\0")[2][1:])
                named = named or profile is not None
                good = profile is not None and len(profile) <= _PILLOWS
                facts.profile = None if good else profile
            elif good and kind in (b"tEXt", b"zTXt", b"iTXt"):
                text = _text(kind, content)
                texts += len(text or b"")
                good = text is not None and len(text) <= _PILLOWS and texts <= _MOST_TEXT
                if text and content.startswith(_XMP + b"\0"):
                    facts.xmp = text
            if not good:
                left_out.append((place, after))
        place = after
        stream.seek(place)
    if gamma and 0.1 < gamma < 10 and not named and abs(gamma * 2.2 - 1) > _LIKE_SRGB:
        facts.gamma = gamma
    stream.seek(0)
    if not left_out:
        return stream, facts
    kept, at = BytesIO(), 0
    for start, end in left_out:
        kept.write(stream.read(start - at))
        at = stream.seek(end)
    kept.write(stream.read())
    kept.seek(0)
    return kept, facts


def without_gamma(color: NDArray[Any], gamma: float) -> NDArray[np.uint16]:
    """Returns colours whose numbers are light to the power of `gamma` as sRGB of 16 bits."""
    most = np.iinfo(color.dtype).max
    light = (np.arange(most + 1) / most) ** (1 / gamma)
    codes = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.rint(codes * 65535).astype(np.uint16)[color]


def _unpacked(packed: bytes) -> bytes | None:
    """The content, or None if it is damaged or longer than anything of use."""
    unpacking = zlib.decompressobj()
    try:
        content = unpacking.decompress(packed, _MOST)
    except zlib.error:
        return None
    return content if unpacking.eof else None


def _text(kind: bytes, content: bytes) -> bytes | None:
    rest = content.partition(b"\0")[2]
    if kind == b"zTXt":
        return _unpacked(rest[1:])
    if kind == b"iTXt":
        packed, text = rest[:1] == b"\1", rest[2:].partition(b"\0")[2].partition(b"\0")[2]
        return _unpacked(text) if packed else text
    return rest
