"""Pillow images to NumPy pixels in sRGB; 16-bit colour, which Pillow crushes, by OpenCV."""

from typing import Any, BinaryIO

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile

from keras_colorize.imaging import tiff
from keras_colorize.imaging.profiles import to_srgb
from keras_colorize.imaging.tiff import Directory
from keras_colorize.imaging.tiff_samples import (
    PixelKindError,
    bits_of,
    palette_colors,
    read_samples,
    split_alpha,
)

__all__ = ["PixelKindError", "file_pixels", "pixels_of", "tiff_pixels"]

Color = NDArray[Any]
Alpha = NDArray[np.uint8] | None


def pixels_of(image: Image.Image) -> tuple[Color, Alpha]:
    """Returns the colour, (H, W) or (H, W, 3), uint8 or uint16, and alpha of a loaded picture.

    The profile is applied, the orientation is not.

    Raises:
        PixelKindError: for pixel types that hold no picture.
    """
    if image.mode == "F":
        raise PixelKindError("has floating-point pixels; save it with 8 or 16 bits a channel.")
    if image.mode.startswith("I"):
        return _gray16(image)
    profile = image.info.get("icc_profile")
    alpha = None
    if image.has_transparency_data:
        gray = image.mode in ("1", "L", "LA", "La")
        image = image.convert("RGBA" if not gray else "LA")
        alpha = np.asarray(image.getchannel("A"))
        image = image.convert("L" if gray else "RGB")
    elif image.mode == "1":
        image = image.convert("L")
    elif image.mode not in ("L", "RGB", "CMYK"):
        image = image.convert("RGB")
    image = to_srgb(image, profile)
    if image.mode == "CMYK":
        image = image.convert("RGB")
    return np.asarray(image), alpha


def file_pixels(image: ImageFile.ImageFile, stream: BinaryIO) -> tuple[Color, Alpha]:
    """Returns `pixels_of` the loaded `image`, and all of the 16 bits that a PNG may have."""
    color, alpha = pixels_of(image)
    if isinstance(image, BmpImageFile) and alpha is not None and not alpha.any():
        return color, None  # many programs leave the fourth byte 0 and mean opaque
    if isinstance(image, PngImageFile) and image.mode in ("RGB", "RGBA", "LA"):
        stream.seek(24)
        if stream.read(1) == b"\x10":
            stream.seek(0)
            deep = _decode16(stream.read())
            # Pillow has kept the upper 8 bits of each: what differs in them was not decoded.
            if deep is not None and _is_the_same(deep, image):
                return _color16(deep, image)
    return color, alpha


def tiff_pixels(stream: BinaryIO, directory: Directory) -> tuple[Color, Alpha]:
    """Returns as `pixels_of` the picture of a page for which Pillow has no mode, or too few bits.

    Raises:
        PixelKindError: for pixel types that hold no picture, or are not known.
        ValueError: the file is damaged.
    """
    samples, photometric = read_samples(stream, directory), directory.get(tiff.PHOTOMETRIC, -1)
    if photometric == tiff.PALETTE:
        return palette_colors(samples[..., 0], directory), None
    bits = min(bits_of(directory), 16)
    color, alpha = split_alpha(_stretched(samples, bits), directory)
    if alpha is not None and alpha.dtype == np.uint16:
        alpha = (alpha // 257).astype(np.uint8)
    if photometric == tiff.WHITE_IS_ZERO:
        color = np.iinfo(color.dtype).max - color
    color = color[..., 0] if color.shape[2] == 1 else color
    return _in_srgb(color, directory.profile), alpha


def _stretched(samples: NDArray[Any], bits: int) -> NDArray[Any]:
    """Has the highest number of so many bits be the highest of 8 or 16."""
    if bits in (8, 16):
        return samples
    highest = np.iinfo(samples.dtype).max
    table = np.rint(np.arange(2**bits) * (highest / (2**bits - 1))).astype(samples.dtype)
    return table[samples]


def _gray16(image: Image.Image) -> tuple[Color, Alpha]:
    values = np.asarray(image)
    if values.size and (values.min() < 0 or values.max() > 65535):
        raise PixelKindError("has 32-bit integer pixels; save it with 8 or 16 bits a channel.")
    gray = values.astype(np.uint16)
    if isinstance(image, TiffImageFile):
        gray = _full_range(gray, image)
    alpha = None
    if isinstance(image.info.get("transparency"), int):
        alpha = np.where(gray == image.info["transparency"], 0, 255).astype(np.uint8)
    return _in_srgb(gray, image.info.get("icc_profile")), alpha


def _in_srgb(color: Color, profile: bytes | None) -> Color:
    """Applies a profile to (H, W), (H, W, 3) or (H, W, 4), CMYK, of 8 or 16 bits."""
    if color.ndim == 3 and color.shape[2] == 4:
        coarse = color if color.dtype == np.uint8 else (color // 257).astype(np.uint8)
        cmyk = Image.fromarray(np.ascontiguousarray(coarse), "CMYK")
        return np.asarray(to_srgb(cmyk, profile).convert("RGB"))
    color = np.ascontiguousarray(color)
    if not profile:
        return color
    if color.dtype == np.uint8:
        return np.asarray(to_srgb(Image.fromarray(color), profile))
    if color.ndim == 2:
        # Pillow has no 16-bit transform into RGB: a grey profile is a curve, so interpolate it.
        ramp = Image.fromarray(np.arange(256, dtype=np.uint8)[None])
        curve = np.asarray(to_srgb(ramp, profile).convert("L"))[0]
        codes = np.interp(np.arange(65536), np.arange(256) * 257, curve * 257.0)
        return np.rint(codes).astype(np.uint16)[color]
    # The transform has 8 bits; what they round away is carried along, so tones stay fine.
    coarse = ((color.astype(np.uint32) + 128) // 257).astype(np.uint8)
    converted = np.asarray(to_srgb(Image.fromarray(coarse), profile))
    if np.array_equal(converted, coarse):
        return color
    fine = color.astype(np.int32) + (converted.astype(np.int32) - coarse) * 257
    return np.clip(fine, 0, 65535).astype(np.uint16)


def _full_range(gray: NDArray[np.uint16], image: TiffImageFile) -> Color:
    """Has black at 0 and white at 65535: above 8 bits Pillow gives a TIFF's numbers as they are."""
    bits = int(image.tag_v2.get(tiff.BITS_PER_SAMPLE, (8,))[0])
    if bits < 16:
        gray = np.rint(gray * (65535 / (2**bits - 1))).astype(np.uint16)
    return 65535 - gray if image.tag_v2.get(tiff.PHOTOMETRIC) == tiff.WHITE_IS_ZERO else gray


def _color16(deep: NDArray[np.uint16], image: Image.Image) -> tuple[Color, Alpha]:
    """Splits OpenCV's (H, W, 3 or 4) uint16 into RGB, in sRGB, and alpha."""
    alpha = None
    if deep.shape[2] == 4:
        alpha = (deep[..., 3] // 257).astype(np.uint8)
    return _in_srgb(deep[..., 2::-1], image.info.get("icc_profile")), alpha


def _is_the_same(deep: NDArray[np.uint16], image: Image.Image) -> bool:
    if deep.shape[:2] != (image.height, image.width):
        return False
    coarse = np.asarray(image if image.mode != "LA" else image.convert("RGBA"))
    channels = [2, 1, 0, 3][: coarse.shape[2]]
    return np.array_equal((deep[..., channels[: deep.shape[2]]] >> 8), coarse[..., : deep.shape[2]])


def _decode16(data: bytes) -> NDArray[np.uint16] | None:
    """OpenCV's (H, W, 3 or 4) uint16, in BGR order, or None where it cannot."""
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(0)  # it would write to the user's terminal
    try:
        deep = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        return None
    finally:
        cv2.utils.logging.setLogLevel(level)
    if deep is None or deep.dtype != np.uint16 or deep.ndim != 3 or deep.shape[2] not in (3, 4):
        return None
    return deep.astype(np.uint16, copy=False)
