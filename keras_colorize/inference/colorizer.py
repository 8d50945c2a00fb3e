"""Any photograph to a colour photograph, at full size, with the lightness it had."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from keras_colorize.imaging.framing import Area, Framing, find_framing
from keras_colorize.imaging.hints import Hint, hints_within, with_hints
from keras_colorize.imaging.images import (
    DEFAULT_MAX_PIXELS,
    ImageError,
    Photograph,
    write_image,
)
from keras_colorize.imaging.tone import restored_range
from keras_colorize.inference.fitting import predict_fitted, short_side
from keras_colorize.inference.given import File, Source, kind_of, read_given
from keras_colorize.inference.painting import full_size_ab, paint, prepare_opencv
from keras_colorize.inference.runtime import Floats, KerasRuntime, Runtime, load_runtime

if TYPE_CHECKING:
    import keras

_OF_RUNTIMES = ("name", "sizes", "size_multiple", "chroma_stride", "predict")


class Colorizer:
    """Colours photographs: the network sees them small, the result has their full size.

    Examples:
        >>> import numpy as np
        >>> from keras_colorize import Colorizer
        >>> ramp = np.linspace(0, 255, 300 * 200).astype(np.uint8).reshape(200, 300)
        >>> Colorizer().colorize(ramp)
        <PIL.Image.Image image mode=RGB size=300x200 at ...>
    """

    def __init__(
        self,
        model: "str | os.PathLike[str] | Runtime | keras.Model | None" = None,
        *,
        size: int | None = None,
        saturation: float = 1.0,
        adapt: bool = True,
        threads: int | None = None,
    ) -> None:
        """Loads the network.

        Args:
            model: a packaged name, a run folder, a `.keras` or `.tflite` file, the folder of a
                SavedModel, a generator of Keras or the GAN that trains it, or a runtime; None is
                the packaged default.
            size: short side of what the network sees: 256, or what else it was made for.
            saturation: factor on ab; 0 leaves the photograph grey.
            adapt: whether the network is shown old photographs as it knows photographs: without
                the borders of a scan, which stay neutral, and with fading undone. What is written
                has the photograph's own lightness all the same.
            threads: cores that the network uses; default: all that this process may use.

        Raises:
            WeightsError: the model cannot be found or used.
            SizeError: it does not take `size`.
            TypeError: it is none of these.
        """
        self.runtime = _runtime(model, threads)
        self.size = short_side(self.runtime, size)
        self.saturation = saturation
        self.adapt = adapt

    def predict_low_ab(self, lightness: Floats, hints: Sequence[Hint] = ()) -> tuple[Floats, Area]:
        """Predicts ab at the resolution of the network, the first step of `colorize`.

        Use it to work on the colours before `paint` brings them to full size, which is the second
        step: to smooth them over the pictures of a film, or to run the two steps on different
        machines.

        Args:
            lightness: (H, W) in 0..100.
            hints: colours that the photograph should have at some places; see `Hint`.

        Returns:
            ab, (h, w, 2) float32 in Lab units, nowhere finer than the lightness; and the area of
            the photograph that it covers, which is all of it unless borders were found.
        """
        lightness = np.ascontiguousarray(lightness, np.float32)
        framing = find_framing(lightness) if self.adapt else Framing.none(lightness.shape)
        adapt = restored_range if self.adapt else None
        seen = framing.seen(lightness)
        ab = predict_fitted(seen, self.runtime, self.size, adapt)
        height, width = (min(pair) for pair in zip(ab.shape, seen.shape, strict=False))
        if (height, width) != ab.shape[:2]:
            ab = cv2.resize(ab, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32)
        ab = ab * np.float32(self.saturation)
        if hints:
            inside = lightness[framing.picture.slices]
            resized = cv2.resize(inside, ab.shape[1::-1], interpolation=cv2.INTER_AREA)
            small: Floats = resized.astype(np.float32, copy=False)
            ab = with_hints(ab, small, hints_within(hints, framing.picture, lightness.shape))
        return ab, framing.picture

    def predict_ab(self, lightness: Floats) -> Floats:
        """Predicts ab at full size.

        Args:
            lightness: (H, W) in 0..100.

        Returns:
            (H, W, 2) float32 in Lab units, 0 in borders.
        """
        return full_size_ab(lightness, *self.predict_low_ab(lightness))

    def colorize(
        self,
        source: Source,
        *,
        hints: Sequence[Hint] = (),
        max_pixels: int = DEFAULT_MAX_PIXELS,
    ) -> Image.Image:
        """Colours a photograph.

        Args:
            source: path, encoded bytes, binary stream, Pillow image, or pixels: (H, W) grey,
                (H, W, 3) RGB or (H, W, 4) RGBA, uint8 or uint16.
            hints: colours that it should have at some places; see `Hint`.
            max_pixels: the most pixels to decode.

        Returns:
            RGB, or RGBA where the photograph has transparency, upright, of its size. Its EXIF
            block and resolution, where it has them, are in `info["exif"]` and `info["dpi"]`, for
            `save(..., exif=image.info["exif"])`.

        Raises:
            ImageError: the photograph cannot be read.
        """
        prepare_opencv()
        photograph = read_given(source, max_pixels)
        rgb = self._paint(photograph, hints)
        alpha = photograph.alpha
        image = Image.fromarray(rgb if alpha is None else np.dstack([rgb, alpha]))
        if photograph.exif:
            image.info["exif"] = photograph.exif
        if photograph.dpi:
            image.info["dpi"] = photograph.dpi
        return image

    def colorize_file(
        self,
        source: File,
        destination: str | os.PathLike[str] | BinaryIO,
        *,
        overwrite: bool = False,
        format: str | None = None,
        quality: int = 95,
        max_pixels: int = DEFAULT_MAX_PIXELS,
        as_far_as_it_goes: bool = False,
        page: int | None = None,
        hints: Sequence[Hint] = (),
    ) -> str | None:
        """Colours a photograph into a file, which appears whole or not at all.

        Args:
            source: path, encoded bytes or binary stream.
            destination: path or binary stream; never the photograph itself.
            overwrite: whether it may replace an existing file.
            format: "JPEG", "PNG", "TIFF", "WEBP" or "BMP"; None takes it from the suffix of the
                destination, and for a stream from the photograph.
            quality: of JPEG and WebP, 1..100.
            max_pixels: the most pixels to decode.
            as_far_as_it_goes: whether to colour a JPEG that is cut short; the rest is plain.
            page: of a TIFF of several pages, from 1 on.
            hints: colours that it should have at some places; see `Hint`.

        Returns:
            What is worth knowing of the result, as the end of a sentence that names the source, or
            None: of an animation only the first picture is coloured.

        Raises:
            FileExistsError: the destination exists and `overwrite` is false.
            ImageError: the photograph cannot be read, or is the destination.
            OSError: the destination cannot be written.
        """
        if isinstance(destination, os.PathLike):
            destination = Path(destination)
        if not isinstance(destination, str | Path) and not hasattr(destination, "write"):
            raise TypeError(f"A result is a path or a binary stream, not {kind_of(destination)}.")
        if isinstance(destination, str | Path) and isinstance(source, str | os.PathLike):
            if is_same_file(source, destination):
                raise ImageError(f"{destination} is the photograph itself, which stays as it is.")
        prepare_opencv()
        photograph = read_given(source, max_pixels, as_far_as_it_goes, page)
        if format is None and not isinstance(destination, str | Path):
            format = photograph.format
        write_image(
            self._paint(photograph, hints),
            destination,
            format=format,
            quality=quality,
            alpha=photograph.alpha,
            exif=photograph.exif,
            dpi=photograph.dpi,
            captions=photograph.captions,
            overwrite=overwrite,
        )
        return (
            "holds several pictures, of which the first is coloured."
            if photograph.several
            else None
        )

    def _paint(self, photograph: Photograph, hints: Sequence[Hint]) -> NDArray[np.uint8]:
        return paint(photograph.lightness, *self.predict_low_ab(photograph.lightness, hints))


def is_same_file(one: str | os.PathLike[str], other: str | os.PathLike[str]) -> bool:
    """Says whether two paths are one file: by link of either kind, or by another spelling."""
    try:
        return os.path.samefile(one, other)
    except OSError:  # one does not exist
        return False


def _runtime(model: Any, threads: int | None) -> Runtime:
    if model is None or isinstance(model, str | os.PathLike):
        return load_runtime(model, threads)
    keras = sys.modules.get("keras")  # else nobody has a model of it
    if keras is not None and isinstance(model, keras.Model):
        return KerasRuntime(model)
    if all(hasattr(model, name) for name in _OF_RUNTIMES):
        runtime: Runtime = model
        return runtime
    raise TypeError(
        "The model is a packaged name, a path, a generator of Keras or a runtime, not "
        f"{kind_of(model)}."
    )
