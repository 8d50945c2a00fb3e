"""Coloured pictures to files."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from keras_colorize.imaging.captions import Captions, caption_options
from keras_colorize.imaging.errors import ImageError
from keras_colorize.imaging.exif import Dpi
from keras_colorize.imaging.files import atomic_file, write_all
from keras_colorize.imaging.formats import FORMAT_OF, WRITTEN_NAMES
from keras_colorize.imaging.tiff_writing import encode_tiff

_WITH_ALPHA = {"PNG", "TIFF", "WEBP"}
_LONGEST_SIDE = {"JPEG": 65535, "WEBP": 16383}


def write_image(
    rgb: NDArray[np.uint8],
    destination: str | Path | BinaryIO,
    *,
    format: str | None = None,
    quality: int = 95,
    alpha: NDArray[np.uint8] | None = None,
    exif: bytes | None = None,
    dpi: Dpi | None = None,
    captions: Captions | None = None,
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
        captions: XMP, IPTC and comment to embed, as far as the format has a place for them.
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
        rgb, alpha = over_white(rgb, alpha), None
    pixels = rgb if alpha is None else np.dstack([rgb, alpha])
    plain = {"dpi": dpi} if dpi else {}
    written = caption_options(captions, chosen) if captions else {}
    block = {"exif": exif} if exif and chosen != "BMP" else {}
    # What is damaged, or longer than a JPEG segment, goes: the picture matters more.
    ways = (plain | written | block, plain | block, plain | written, plain)
    encoded = _encoded(pixels, chosen, quality, ways)
    if isinstance(destination, str | Path):
        with atomic_file(destination, overwrite=overwrite) as stream:
            stream.write(encoded)
    else:
        write_all(destination, encoded)


def _encoded(
    pixels: NDArray[np.uint8], format: str, quality: int, ways: Sequence[dict[str, Any]]
) -> memoryview | bytes:
    """Encodes with the first options that Pillow can write."""
    for way in ways[:-1]:
        try:
            return _encoded_so(pixels, format, quality, way)
        except OSError:
            raise
        except Exception:
            continue
    return _encoded_so(pixels, format, quality, ways[-1])


def _encoded_so(
    pixels: NDArray[np.uint8], format: str, quality: int, options: dict[str, Any]
) -> memoryview | bytes:
    if format == "TIFF":
        return encode_tiff(pixels, **options)
    if format in ("JPEG", "WEBP"):
        options = {**options, "quality": quality}
    if format == "JPEG":
        options["subsampling"] = "4:4:4" if quality >= 90 else "4:2:0"
    if format == "PNG":
        options = {**options, "compress_level": 3}  # half the time for 3 % more bytes
    stream = BytesIO()  # Pillow takes no notice of a full disk
    Image.fromarray(pixels).save(stream, format, **options)
    return stream.getbuffer()


def _format_of(destination: str | Path | BinaryIO, format: str | None) -> str:
    if format is not None:
        chosen = FORMAT_OF.get(f".{format.lower()}", "")
    elif isinstance(destination, str | Path):
        chosen = FORMAT_OF.get(Path(destination).suffix.lower(), "")
    else:
        raise ImageError("A picture written to a stream needs a format.")
    if not chosen:
        asked = format or destination
        raise ImageError(f"{asked} names no format to write: {WRITTEN_NAMES}.")
    return chosen


def over_white(rgb: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Returns (H, W, 3) with alpha (H, W) as it looks on white paper."""
    opacity = alpha[..., None].astype(np.uint32)
    return ((rgb * opacity + 255 * (255 - opacity) + 127) // 255).astype(np.uint8)
