"""Photographs: read into lightness or RGB, written as files."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from keras_colorize.imaging.bounds import DEFAULT_MAX_PIXELS, BoundError, check_size
from keras_colorize.imaging.captions import Captions, carried_captions
from keras_colorize.imaging.color import gray_to_lightness, rgb_to_lightness
from keras_colorize.imaging.decoding import (
    Pixels,
    Source,
    decode,
)
from keras_colorize.imaging.errors import (
    CutShortError,
    ImageError,
    PagesError,
    PixelLimitError,
)
from keras_colorize.imaging.exif import carried_exif, orientation, upright
from keras_colorize.imaging.pillow_warnings import quiet_pillow
from keras_colorize.imaging.pixels import PixelKindError, pixels_of
from keras_colorize.imaging.resolution import Dpi, carried_dpi
from keras_colorize.imaging.writing import over_white, write_image

__all__ = [
    "DEFAULT_MAX_PIXELS",
    "CutShortError",
    "ImageError",
    "PagesError",
    "Photograph",
    "PixelLimitError",
    "photograph_from_pil",
    "read_photograph",
    "read_rgb",
    "write_image",
]


@dataclass(frozen=True)
class Photograph:
    """What colorization needs of a photograph, and what it hands on.

    Attributes:
        lightness: (H, W) float32, L in 0..100, upright.
        alpha: (H, W) uint8, or None.
        exif: the EXIF block with its orientation reset, or None.
        dpi: dots per inch, (horizontal, vertical), or None.
        format: "JPEG", "PNG", "TIFF", "WEBP" or "BMP".
        captions: XMP, IPTC and comment, or None.
        several: whether its file holds more pictures, as those of an animation.
    """

    lightness: NDArray[np.float32]
    alpha: NDArray[np.uint8] | None
    exif: bytes | None
    dpi: Dpi | None
    format: str
    captions: Captions | None = None
    several: bool = False

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        height, width = self.lightness.shape
        return height, width


def read_photograph(
    source: Source,
    *,
    max_pixels: int = DEFAULT_MAX_PIXELS,
    as_far_as_it_goes: bool = False,
    page: int | None = None,
) -> Photograph:
    """Reads a photograph, grey or in colour, as lightness.

    JPEG (CMYK too), PNG, TIFF, WebP, BMP, GIF, JPEG 2000, AVIF, and HEIC with the extra `heic`.
    16-bit tones stay fine; a colour profile is applied. Of an animation it is the first picture.

    Args:
        source: path, the encoded bytes, or a stream at their start.
        max_pixels: the most pixels to decode.
        as_far_as_it_goes: whether to fill what is missing of a JPEG that is cut short.
        page: of a TIFF of several pages, from 1 on.

    Returns:
        The photograph, upright.

    Raises:
        PixelLimitError: it has more than `max_pixels`.
        CutShortError: it is a JPEG with pixels missing.
        PagesError: it is a TIFF of several pages, and `page` is None.
        ImageError: it cannot be read, is no picture, is damaged, or has no such page.
    """
    pixels = decode(source, max_pixels, as_far_as_it_goes=as_far_as_it_goes, page=page)
    lightness = _lightness(pixels.color)
    return Photograph(
        lightness,
        pixels.alpha,
        pixels.exif,
        pixels.dpi,
        pixels.format,
        pixels.captions,
        pixels.several,
    )


def photograph_from_pil(image: Image.Image) -> Photograph:
    """Takes the photograph out of a Pillow image; its orientation and profile are applied.

    Args:
        image: of any mode that holds a picture.

    Returns:
        The photograph, upright.

    Raises:
        ImageError: its pixels are of a kind that holds no picture, or there are none.
    """
    if 0 in image.size:
        raise ImageError("The picture has no pixels.")
    try:
        check_size(*image.size)
        with quiet_pillow():
            turn = orientation(image)
            color, alpha = pixels_of(image)
            exif, dpi = carried_exif(image, turn), carried_dpi(image, turn)
            captions = carried_captions(image, turn)
    except (PixelKindError, BoundError) as error:
        raise ImageError(f"The picture {error}") from error
    except OSError as error:  # Pillow decodes late
        raise ImageError("The picture is damaged or cut short and cannot be decoded.") from error
    if alpha is not None:
        alpha = upright(alpha, turn)
    lightness = _lightness(upright(color, turn))
    return Photograph(lightness, alpha, exif, dpi, image.format or "PNG", captions)


def read_rgb(source: Source, *, max_pixels: int = DEFAULT_MAX_PIXELS) -> NDArray[np.uint8]:
    """Reads a picture as (H, W, 3) sRGB, upright; what is transparent becomes white.

    Args:
        source: path, the encoded bytes, or a stream at their start.
        max_pixels: the most pixels to decode.

    Returns:
        uint8 (H, W, 3), 0..255.

    Raises:
        ImageError: as `read_photograph`.
    """
    return rgb_of(decode(source, max_pixels))


def rgb_of(pixels: Pixels) -> NDArray[np.uint8]:
    """Returns decoded pixels as (H, W, 3) uint8; what is transparent becomes white."""
    color = pixels.color
    if color.dtype == np.uint16:
        color = ((color.astype(np.uint32) + 128) // 257).astype(np.uint8)
    if color.ndim == 2:
        color = np.repeat(color[..., None], 3, axis=2)
    if pixels.alpha is not None:
        return over_white(color, pixels.alpha)
    return np.require(color, requirements="W")  # Pillow's memory is read-only


def _lightness(color: NDArray[Any]) -> NDArray[np.float32]:
    return gray_to_lightness(color) if color.ndim == 2 else rgb_to_lightness(color)
