"""Photographs as callers give them: files, bytes, streams, Pillow images or arrays."""

import os
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from keras_colorize.imaging.bounds import BoundError, check_size
from keras_colorize.imaging.color import gray_to_lightness, rgb_to_lightness
from keras_colorize.imaging.images import (
    ImageError,
    Photograph,
    photograph_from_pil,
    read_photograph,
)

File = str | os.PathLike[str] | bytes | BinaryIO
Source = File | NDArray[Any] | Image.Image


def kind_of(thing: object) -> str:
    """Names what was given in the place of something else, for a sentence."""
    return "None" if thing is None else f"a {type(thing).__name__}"


def read_given(
    source: Source, max_pixels: int, as_far_as_it_goes: bool = False, page: int | None = None
) -> Photograph:
    """Reads a photograph.

    Args:
        source: as `Colorizer.colorize` takes it.
        max_pixels: the most pixels to decode.
        as_far_as_it_goes: whether to fill what is missing of a JPEG that is cut short.
        page: of a TIFF of several pages, from 1 on.

    Raises:
        ImageError: it cannot be read.
        TypeError: it is nothing that holds a photograph.
    """
    if isinstance(source, Image.Image):
        return photograph_from_pil(source)
    if isinstance(source, np.ndarray):
        return _photograph_from_pixels(source)
    if isinstance(source, os.PathLike):
        source = Path(source)
    if not isinstance(source, str | bytes | Path) and not hasattr(source, "read"):
        raise TypeError(
            "A photograph is a path, encoded bytes, a binary stream, a Pillow image or an array, "
            f"not {kind_of(source)}."
        )
    return read_photograph(
        source, max_pixels=max_pixels, as_far_as_it_goes=as_far_as_it_goes, page=page
    )


def _photograph_from_pixels(pixels: NDArray[Any]) -> Photograph:
    channels = 1 if pixels.ndim == 2 else pixels.shape[-1]
    if pixels.ndim not in (2, 3) or channels not in (1, 3, 4):
        raise ImageError(f"Pixels are (H, W), (H, W, 3) or (H, W, 4), not {pixels.shape}.")
    if pixels.dtype not in (np.uint8, np.uint16):
        raise ImageError(f"Pixels are uint8 or uint16, not {pixels.dtype}.")
    if not pixels.size:
        raise ImageError("The picture has no pixels.")
    try:
        check_size(pixels.shape[1], pixels.shape[0])
    except BoundError as error:
        raise ImageError(f"The picture {error}") from error
    alpha = None
    if channels == 4:
        alpha = np.ascontiguousarray(pixels[..., 3])
        if alpha.dtype == np.uint16:
            alpha = (alpha // 257).astype(np.uint8)
    if channels == 1:
        lightness = gray_to_lightness(pixels.reshape(pixels.shape[:2]))
    else:
        lightness = rgb_to_lightness(pixels[..., :3])
    return Photograph(lightness, alpha, None, None, "PNG")
