"""Photographs: read into lightness or RGB, written as files."""

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from keras_colorize.imaging.color import gray_to_lightness, rgb_to_lightness
from keras_colorize.imaging.decoding import (
    DEFAULT_MAX_PIXELS,
    CutShortError,
    ImageError,
    PixelLimitError,
    Pixels,
    Source,
    decode,
)
from keras_colorize.imaging.exif import carried_exif, orientation, upright
from keras_colorize.imaging.files import atomic_file, write_all
from keras_colorize.imaging.formats import FORMAT_OF
from keras_colorize.imaging.pixels import PixelKindError, pixels_of
from keras_colorize.imaging.quiet import quiet_pillow
from keras_colorize.imaging.resolution import Dpi, carried_dpi

__all__ = [
    "DEFAULT_MAX_PIXELS",
    "CutShortError",
    "ImageError",
    "Photograph",
    "PixelLimitError",
    "photograph_from_pil",
    "read_photograph",
    "read_rgb",
    "write_image",
]

_WITH_ALPHA = {"PNG", "TIFF", "WEBP"}
_LONGEST_SIDE = {"JPEG": 65535, "WEBP": 16383}


@dataclass(frozen=True)
class Photograph:
    """What colorization needs of a photograph, and what it hands on.

    Attributes:
        lightness: (H, W) float32, L in 0..100, upright.
        alpha: (H, W) uint8, or None.
        exif: the EXIF block with its orientation reset, or None.
        dpi: dots per inch, (horizontal, vertical), or None.
        format: "JPEG", "PNG", "TIFF", "WEBP" or "BMP".
    """

    lightness: NDArray[np.float32]
    alpha: NDArray[np.uint8] | None
    exif: bytes | None
    dpi: Dpi | None
    format: str

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        height, width = self.lightness.shape
        return height, width


def read_photograph(
    source: Source, *, max_pixels: int = DEFAULT_MAX_PIXELS, as_far_as_it_goes: bool = False
) -> Photograph:
    """Reads a photograph, grey or in colour, as lightness.

    JPEG (CMYK too), PNG, TIFF, WebP and BMP. 16-bit tones stay fine; a colour profile is applied.

    Args:
        source: path, the encoded bytes, or a stream at their start.
        max_pixels: the most pixels to decode.
        as_far_as_it_goes: whether to fill what is missing of a JPEG that is cut short.

    Returns:
        The photograph, upright.

    Raises:
        PixelLimitError: it has more than `max_pixels`.
        CutShortError: it is a JPEG with pixels missing.
        ImageError: it cannot be read, is no picture, is damaged, or is several pictures.
    """
    pixels = decode(source, max_pixels, as_far_as_it_goes=as_far_as_it_goes)
    lightness = _lightness(pixels.color)
    return Photograph(lightness, pixels.alpha, pixels.exif, pixels.dpi, pixels.format)


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
        with quiet_pillow():
            turn = orientation(image)
            color, alpha = pixels_of(image)
            exif, dpi = carried_exif(image), carried_dpi(image, turn)
    except PixelKindError as error:
        raise ImageError(f"The picture {error}") from error
    except OSError as error:  # Pillow decodes late
        raise ImageError("The picture is damaged or cut short and cannot be decoded.") from error
    if alpha is not None:
        alpha = upright(alpha, turn)
    return Photograph(_lightness(upright(color, turn)), alpha, exif, dpi, image.format or "PNG")


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
        return _over_white(color, pixels.alpha)
    return np.require(color, requirements="W")  # Pillow's memory is read-only


def write_image(
    rgb: NDArray[np.uint8],
    destination: str | Path | BinaryIO,
    *,
    format: str | None = None,
    quality: int = 95,
    alpha: NDArray[np.uint8] | None = None,
    exif: bytes | None = None,
    dpi: Dpi | None = None,
    overwrite: bool = False,
) -> None:
    """Writes a picture; a file appears whole or not at all.

    Args:
        rgb: (H, W, 3).
        destination: path or binary stream.
        format: "JPEG", "PNG", "TIFF", "WEBP" or "BMP"; None takes it from the suffix.
        quality: of JPEG and WebP, 1..100. From 90 on, JPEG keeps colour at full resolution.
        alpha: (H, W); JPEG and BMP have none and get the picture over white.
        exif: EXIF block to embed; BMP has none.
        dpi: dots per inch, (horizontal, vertical); WebP has none but in its EXIF block.
        overwrite: whether an existing file may be replaced.

    Raises:
        FileExistsError: the file exists and `overwrite` is false.
        ImageError: the format is unknown, or cannot hold the picture.
        OSError: the file cannot be written.
    """
    chosen = _format_of(destination, format)
    if max(rgb.shape[:2]) > _LONGEST_SIDE.get(chosen, max(rgb.shape)):
        raise ImageError(f"{chosen} holds at most {_LONGEST_SIDE[chosen]} pixels a side.")
    if alpha is not None and chosen not in _WITH_ALPHA:
        rgb, alpha = _over_white(rgb, alpha), None
    pixels = rgb if alpha is None else np.dstack([rgb, alpha])
    image = Image.fromarray(pixels)
    if isinstance(destination, str | Path):
        with atomic_file(destination, overwrite=overwrite) as stream:
            _encode(image, stream, chosen, quality, exif, dpi)
    else:
        encoded = BytesIO()  # TIFF seeks, which a pipe cannot
        _encode(image, encoded, chosen, quality, exif, dpi)
        write_all(destination, encoded.getbuffer())


def _encode(
    image: Image.Image,
    stream: BinaryIO,
    format: str,
    quality: int,
    exif: bytes | None,
    dpi: Dpi | None,
) -> None:
    options: dict[str, Any] = {"dpi": dpi} if dpi else {}
    if format in ("JPEG", "WEBP"):
        options["quality"] = quality
    if format == "JPEG":
        options["subsampling"] = "4:4:4" if quality >= 90 else "4:2:0"
    if format == "PNG":
        options["compress_level"] = 3  # half the time of the default for 3 % more bytes
    # TIFF stays uncompressed: Pillow loses the Exif folder where libtiff compresses.
    if exif and format != "BMP":
        try:
            image.save(stream, format, exif=exif, **options)
            return
        except OSError:
            raise
        except Exception:  # damaged, or longer than a JPEG segment: the picture matters more
            stream.seek(0)
            stream.truncate()
    image.save(stream, format, **options)


def _format_of(destination: str | Path | BinaryIO, format: str | None) -> str:
    if format is not None:
        chosen = FORMAT_OF.get(f".{format.lower()}", "")
    elif isinstance(destination, str | Path):
        chosen = FORMAT_OF.get(Path(destination).suffix.lower(), "")
    else:
        raise ImageError("A picture written to a stream needs a format.")
    if not chosen:
        asked = format or destination
        raise ImageError(f"{asked} names no format to write: JPEG, PNG, TIFF, WebP or BMP.")
    return chosen


def _lightness(color: NDArray[Any]) -> NDArray[np.float32]:
    return gray_to_lightness(color) if color.ndim == 2 else rgb_to_lightness(color)


def _over_white(rgb: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
    opacity = alpha[..., None].astype(np.uint32)
    return ((rgb * opacity + 255 * (255 - opacity) + 127) // 255).astype(np.uint8)
