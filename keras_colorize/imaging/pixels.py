"""Pillow images to NumPy pixels in sRGB; 16-bit colour, which Pillow crushes, by OpenCV."""

from typing import Any, BinaryIO

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile

from keras_colorize.imaging.profiles import to_srgb

Color = NDArray[Any]
Alpha = NDArray[np.uint8] | None

# Tags of TIFF, and a value.
_BITS_PER_SAMPLE = 258
_PHOTOMETRIC = 262
_WHITE_IS_ZERO = 0


class PixelKindError(ValueError):
    """The pixels hold no picture; the message wants the name of the picture before it."""


def pixels_of(image: Image.Image) -> tuple[Color, Alpha]:
    """Returns the colour, (H, W) or (H, W, 3), uint8 or uint16, and alpha of a loaded picture.

    The profile is applied, the orientation is not.

    Args:
        image: loaded.

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
    """Returns `pixels_of` the loaded `image`, and all of the 16 bits that its file may have."""
    if image.mode in ("RGB", "RGBA", "LA") and _bits(image, stream) == 16:
        # Pillow keeps the upper 8 bits alone; it has shown above that the file is whole.
        stream.seek(0)
        deep = _decode16(stream.read())
        if deep is not None and deep.shape[:2] == (image.height, image.width):
            return _color16(deep, image)
    return pixels_of(image)


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
    profile = image.info.get("icc_profile")
    if profile:
        # Pillow has no 16-bit transform into RGB: a grey profile is a curve, so interpolate it.
        ramp = Image.fromarray(np.arange(256, dtype=np.uint8)[None])
        curve = np.asarray(to_srgb(ramp, profile).convert("L"))[0]
        codes = np.interp(np.arange(65536), np.arange(256) * 257, curve * 257.0)
        gray = np.rint(codes).astype(np.uint16)[gray]
    return gray, alpha


def _full_range(gray: NDArray[np.uint16], image: TiffImageFile) -> Color:
    """Has black at 0 and white at 65535: above 8 bits Pillow gives a TIFF's numbers as they are."""
    bits = _tiff_bits(image)
    if bits < 16:
        gray = np.rint(gray * (65535 / (2**bits - 1))).astype(np.uint16)
    return 65535 - gray if image.tag_v2.get(_PHOTOMETRIC) == _WHITE_IS_ZERO else gray


def _color16(deep: NDArray[np.uint16], image: Image.Image) -> tuple[Color, Alpha]:
    """Splits OpenCV's (H, W, 3 or 4) uint16 into RGB, in sRGB, and alpha."""
    alpha = None
    if deep.shape[2] == 4:
        alpha = (deep[..., 3] // 257).astype(np.uint8)
    rgb = np.ascontiguousarray(deep[..., 2::-1])
    profile = image.info.get("icc_profile")
    if profile:
        # The transform has 8 bits; what they round away is carried along, so tones stay fine.
        coarse = ((rgb.astype(np.uint32) + 128) // 257).astype(np.uint8)
        converted = np.asarray(to_srgb(Image.fromarray(coarse), profile))
        if not np.array_equal(converted, coarse):
            fine = rgb.astype(np.int32) + (converted.astype(np.int32) - coarse) * 257
            rgb = np.clip(fine, 0, 65535).astype(np.uint16)
    return rgb, alpha


def _bits(image: ImageFile.ImageFile, stream: BinaryIO) -> int:
    """Bits a channel as the file has them."""
    if isinstance(image, PngImageFile):
        stream.seek(24)
        return stream.read(1)[0]
    if isinstance(image, TiffImageFile):
        return _tiff_bits(image)
    return 8


def _tiff_bits(image: TiffImageFile) -> int:
    return int(image.tag_v2.get(_BITS_PER_SAMPLE, (8,))[0])


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
