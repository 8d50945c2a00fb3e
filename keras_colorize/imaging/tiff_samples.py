"""The samples of a TIFF as colours, for the kinds that Pillow has no mode for or gets wrong."""

from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from keras_colorize.imaging import tiff
from keras_colorize.imaging.tiff import Directory
from keras_colorize.imaging.tiff_planes import can_read, read_plane

_BASE = {tiff.WHITE_IS_ZERO: 1, tiff.BLACK_IS_ZERO: 1, tiff.RGB: 3, tiff.PALETTE: 1, tiff.CMYK: 4}
_UNSIGNED, _SIGNED, _FLOAT, _UNDEFINED = 1, 2, 3, 4  # of SAMPLE_FORMAT
_TYPES = {_UNSIGNED: "u", _SIGNED: "i", _FLOAT: "f", _UNDEFINED: "u"}  # as NumPy calls them
_MOST_SAMPLES, _MOST_BITS = 16, 256  # of a pixel
_OVERSHOOT = 0.01  # by how much sharpening may leave 0 to 1
_LEAST_RANGE = 2**31  # of whole numbers of 32 bits: with less of it, they are those of fewer bits
_ASSOCIATED, _UNASSOCIATED = 1, 2  # of EXTRA_SAMPLES: alpha, and whether it is in the colours


class PixelKindError(ValueError):
    """The pixels hold no picture; the message wants the name of the picture before it."""


def bits_of(directory: Directory) -> int:
    """Bits of the first sample."""
    return directory.get(tiff.BITS_PER_SAMPLE, 1)


def kind_of(directory: Directory) -> str:
    """Says what kind of pixels a page has, as the end of a sentence."""
    return (
        f"has {_samples(directory)} samples of {bits_of(directory)} bits a pixel, of photometric "
        f"interpretation {directory.get(tiff.PHOTOMETRIC, -1)} and compression "
        f"{directory.get(tiff.COMPRESSION, 1)}"
    )


def is_left_to_pillow(directory: Directory) -> bool:
    """Whether Pillow is known to decode pictures of this kind rightly, with all of their bits."""
    tags = directory.tags
    bits = set(tags.get(tiff.BITS_PER_SAMPLE, (1,)))
    samples, photometric = _samples(directory), directory.get(tiff.PHOTOMETRIC, -1)
    if set(tags.get(tiff.SAMPLE_FORMAT, (_UNSIGNED,))) - {_UNSIGNED, _UNDEFINED}:
        return photometric not in _BASE  # which Pillow refuses
    if photometric == tiff.PALETTE and bits <= {1, 2, 4, 8}:
        return not _is_short(tags.get(tiff.COLOR_MAP, ()))
    if photometric not in _BASE:
        return True
    extra = tags.get(tiff.EXTRA_SAMPLES, ())
    if directory.big and directory.order == ">":
        return False
    if bits == {16}:
        return samples == 1
    fourth = photometric == tiff.RGB and samples == 4 and directory.get(tiff.PLANAR, 1) == 1
    return len(bits) == 1 and bits <= {1, 2, 4, 8} and (not extra or fourth)


def read_samples(stream: BinaryIO, directory: Directory) -> NDArray[Any]:
    """Reads the samples of a page, whose size is within the caller's limit.

    Returns:
        (H, W, samples), uint8 for up to 8 bits and uint16 for more, each with its bits as they are;
        signed ones are moved up, so that the least is 0. Floating-point numbers and those of 32
        bits are brought to all of the range of 16.

    Raises:
        PixelKindError: they are of a kind that holds no picture, or that is not known.
        ValueError: the file is damaged.
    """
    bits, kind = _kind(directory)
    samples = _samples(directory)
    planes = samples if directory.get(tiff.PLANAR, 1) == 2 and samples > 1 else 1
    parts = [read_plane(stream, directory, k, planes, bits) for k in range(planes)]
    pixels = np.concatenate(parts, axis=2) if planes > 1 else parts[0]
    if kind == _FLOAT or bits > 16:
        return _in_16_bits(pixels.view(f"{_TYPES[kind]}{bits // 8}"), directory)
    if kind == _SIGNED:
        pixels ^= pixels.dtype.type(1 << (bits - 1))
    return pixels


def _in_16_bits(values: NDArray[Any], directory: Directory) -> NDArray[np.uint16]:
    """Has black at 0 and white at 65535: they are where the file says, else the type's own ends."""
    is_float = values.dtype.kind == "f"
    least, greatest = values.min(), values.max()
    if not np.isfinite([least, greatest]).all():
        raise PixelKindError("has pixels that are infinite or no numbers.")
    ends = (0, 1) if is_float else (np.iinfo(values.dtype).min, np.iinfo(values.dtype).max)
    tags = zip((tiff.LEAST_VALUE, tiff.GREATEST_VALUE), ends, strict=True)
    black, white = (
        np.resize(np.array(directory.tags.get(tag, (end,)), np.float64), values.shape[2])
        for tag, end in tags
    )
    said = not directory.tags.keys().isdisjoint((tiff.LEAST_VALUE, tiff.GREATEST_VALUE))
    if not (said and np.isfinite(white - black).all() and (black < white).all()):
        black, white = (np.full(values.shape[2], end, np.float64) for end in ends)
        if is_float and not -_OVERSHOOT <= least <= greatest <= 1 + _OVERSHOOT:
            raise PixelKindError(
                f"has floating-point pixels from {least:g} to {greatest:g} instead of 0 to 1; save "
                "it with 8 or 16 bits a channel."
            )
        if not is_float and int(greatest) - int(least) < _LEAST_RANGE:
            raise PixelKindError(
                "has only a part of the range of 32-bit pixels; save it with 8 or 16 bits a "
                "channel."
            )
    made = np.empty(values.shape, np.uint16)
    with np.errstate(over="ignore"):
        for row, line in zip(made, values, strict=True):
            row[:] = np.rint(np.clip((line - black) / (white - black), 0, 1) * 65535)
    return made


def split_alpha(
    pixels: NDArray[Any], directory: Directory
) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """Splits (H, W, samples) over all of their type's range; extra samples but alpha are left out.

    Returns:
        (H, W, colours), not multiplied with alpha, and alpha (H, W) or None.
    """
    base = _BASE[directory.get(tiff.PHOTOMETRIC, -1)]
    extra = directory.tags.get(tiff.EXTRA_SAMPLES, ())
    if not extra and pixels.shape[2] == base + 1 > 2:
        extra = (_UNASSOCIATED,)  # as Pillow has it: they forgot the tag
    color = pixels[..., :base]
    for k, kind in enumerate(extra[: pixels.shape[2] - base]):
        if kind in (_ASSOCIATED, _UNASSOCIATED):
            alpha = pixels[..., base + k]
            return (_separated(color, alpha) if kind == _ASSOCIATED else color), alpha
    return color, None


def palette_colors(indices: NDArray[Any], directory: Directory) -> NDArray[Any]:
    """Looks (H, W) indices up in a palette: (H, W, 3), uint8 if none of its entries is over 255."""
    values = directory.tags.get(tiff.COLOR_MAP, ())
    if len(values) < 3 or len(values) % 3:
        raise PixelKindError("has a palette without colours.")
    # The standard has 16 bits; writers that forgot it are known by their small numbers.
    table = np.array(values, np.uint8 if _is_short(values) else np.uint16).reshape(3, -1).T
    if indices.max() >= len(table):
        raise ValueError("An index is beyond the palette.")
    return table[indices]


def _is_short(values: tuple[int, ...]) -> bool:
    return bool(values) and max(values) <= 255


def _samples(directory: Directory) -> int:
    return directory.get(tiff.SAMPLES_PER_PIXEL, 1)


def _kind(directory: Directory) -> tuple[int, int]:
    """Bits and format of all samples."""
    photometric, samples = directory.get(tiff.PHOTOMETRIC, -1), _samples(directory)
    if photometric not in _BASE or samples < _BASE[photometric] or samples > _MOST_SAMPLES:
        raise PixelKindError(f"{kind_of(directory)}, which is not supported.")
    formats = set(directory.tags.get(tiff.SAMPLE_FORMAT, (_UNSIGNED,)))
    bits = set(directory.tags.get(tiff.BITS_PER_SAMPLE, (1,)))
    if len(bits) > 1 or len(formats) > 1:
        raise PixelKindError("has channels of different kinds, which is not supported.")
    (depth,), (kind,) = bits, formats
    known = (16, 32, 64) if kind == _FLOAT else (*range(1, 17), 32)
    if kind in _TYPES and depth not in known:
        raise PixelKindError(f"has {depth} bits a channel; save it with 8 or 16.")
    if (
        kind not in _TYPES
        or not can_read(directory, depth, is_float=kind == _FLOAT)
        or samples * depth > _MOST_BITS
        or (photometric == tiff.PALETTE and (kind == _FLOAT or depth > 16))
    ):
        raise PixelKindError(f"{kind_of(directory)}, which is not supported.")
    return depth, kind


def _separated(color: NDArray[Any], alpha: NDArray[Any]) -> NDArray[Any]:
    """Divides colours by the alpha that they were multiplied with."""
    most = np.iinfo(color.dtype).max
    opacity = np.maximum(alpha, 1)[..., None].astype(np.uint32)
    divided = (color.astype(np.uint32) * most + opacity // 2) // opacity
    return np.minimum(divided, most).astype(color.dtype)
