"""Generators as TFLite files, one signature a picture size, all of them sharing the weights."""

from collections.abc import Iterable, Sequence
from functools import cached_property

import cv2
import keras
import numpy as np
import tensorflow as tf

from keras_colorize.exporting.calibration import Calibration
from keras_colorize.exporting.equalization import LIMIT, Scales, measured_scales, rescale
from keras_colorize.exporting.gpu_transposed_conv import unfuse_transposed_convolutions
from keras_colorize.exporting.kinds import FLOAT_KINDS, Kind
from keras_colorize.exporting.lab_network import LabNetwork
from keras_colorize.exporting.merging import merge_signatures
from keras_colorize.exporting.metadata import with_metadata
from keras_colorize.exporting.quantizer import int8_file, quiet_conversion, with_integer_kernels
from keras_colorize.imaging.color import scale_lightness
from keras_colorize.models.folding import fold_batch_norm
from keras_colorize.models.generator import config_of

SIZES = ((256, 256), (256, 384), (384, 256), (512, 512))


def signature_name(size: tuple[int, int]) -> str:
    """Returns the name of the signature for pictures of (height, width)."""
    return f"colorize_{size[0]}x{size[1]}"


def convert(
    generator: keras.Model,
    *,
    kind: Kind = "float32",
    sizes: Sequence[tuple[int, int]] = SIZES,
    representative: Iterable[np.ndarray] = (),
) -> bytes:
    """Converts a generator to one TFLite file; see `Conversion`."""
    return Conversion(generator, sizes=sizes, representative=representative).file(kind)


class Conversion:
    """Converts a generator to TFLite files, and folds and equalizes it once for all kinds.

    Args:
        generator: a generator.
        sizes: (height, width) of each signature.
        representative: for `dynamic` and `int8`, L of photographs, float32 (H, W) in 0..100, that
            calibrate the ranges.

    Raises:
        ValueError: the network does not take one of the sizes.
    """

    def __init__(
        self,
        generator: keras.Model,
        *,
        sizes: Sequence[tuple[int, int]] = SIZES,
        representative: Iterable[np.ndarray] = (),
    ) -> None:
        multiple = config_of(generator).size_multiple
        if any(side % multiple for size in sizes for side in size):
            raise ValueError(f"Every side of {tuple(sizes)} must be a multiple of {multiple}.")
        self.sizes = sizes
        self.samples = list(representative)
        self.folded = fold_batch_norm(generator)

    def file(self, kind: Kind) -> bytes:
        """Converts to one kind of file.

        Args:
            kind: `float32`; `float16` weights; `dynamic`: int8 weights, except depthwise kernels;
                `int8`: int8 weights and activations, float32 input and output. The last two hold
                the equalized network.

        Returns:
            A file of built-in operations with static shapes. It has the signatures
            `colorize_{height}x{width}`, and `colorize` for the first size, from `lightness`
            (1, H, W, 1), 0..100, to `ab` (1, H/c, W/c, 2) in Lab units.

        Raises:
            ValueError: an integer kind without representative photographs.
        """
        network = self.folded
        if kind not in FLOAT_KINDS:
            # Of float activations, what is cut off above can show as dots of colour.
            network = rescale(network, self._scales, limit=LIMIT if kind == "int8" else None)
        return convert_network(network, kind=kind, sizes=self.sizes, representative=self.samples)

    def described(
        self, kind: Kind, *, name: str, calibration: Calibration | None, author: str, license: str
    ) -> bytes:
        """Converts to one kind of file that holds facts about itself.

        The arguments are those of `file` and `with_metadata`. The calibration photographs are left
        out of files that do not depend on them.
        """
        return with_metadata(
            self.file(kind),
            self.folded,
            name=name,
            kind=kind,
            sizes=self.sizes,
            calibration=None if kind in FLOAT_KINDS else calibration,
            author=author,
            license=license,
        )

    @cached_property
    def _scales(self) -> Scales:
        if not self.samples:
            raise ValueError("Files of integers need representative photographs to calibrate with.")
        covered = cover(self.samples, self.sizes[0])
        return measured_scales(self.folded, scale_lightness(covered))


def convert_network(
    network: keras.Model,
    *,
    kind: Kind,
    sizes: Sequence[tuple[int, int]],
    representative: Sequence[np.ndarray] = (),
    scale_a_channel: bool = True,
) -> bytes:
    """Converts a network without batch norm as it is: as `Conversion`, but not equalized.

    Kernels of `int8` have a scale for each output channel, or one if not `scale_a_channel`.
    """
    # A pretrained encoder reads the picture as it is.
    module = LabNetwork(network, fold=config_of(network).encoder == "plain")

    def colorize(lightness: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"ab": module.predict(lightness)}

    # One conversion a size: only so are the weights constants of the graph (a converter of
    # several signatures keeps variables, which int8 cannot calibrate) and can be merged.
    models = {}
    for size in sizes:
        spec = tf.TensorSpec((1, *size, 1), tf.float32, name="lightness")
        function = tf.function(colorize).get_concrete_function(spec)
        converter = tf.lite.TFLiteConverter.from_concrete_functions([function], module)
        # There is no public setting of it.
        converter._experimental_disable_per_channel = not scale_a_channel
        if kind in ("float16", "int8"):
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if kind == "float16":
            converter.target_spec.supported_types = [tf.float16]
        if kind == "int8":
            model = int8_file(converter, [x[None] for x in cover(representative, size)])
        else:
            with quiet_conversion():
                model = converter.convert()
        if kind == "dynamic":
            model = with_integer_kernels(model)
        models[signature_name(size)] = unfuse_transposed_convolutions(model)
    return merge_signatures(models, {"colorize": signature_name(sizes[0])})


def cover(samples: Sequence[np.ndarray], size: tuple[int, int]) -> np.ndarray:
    """Resizes photographs to cover a size, and cuts out their centres.

    Args:
        samples: L of each, float32 (H, W) in 0..100.
        size: (height, width).

    Returns:
        L, float32 (n, height, width, 1) in 0..100.
    """
    return np.stack([_cover(sample, size) for sample in samples])


def _cover(lightness: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    scale = max(want / have for want, have in zip(size, lightness.shape, strict=True))
    height, width = (max(round(n * scale), m) for n, m in zip(lightness.shape, size, strict=True))
    resized = cv2.resize(lightness, (width, height), interpolation=cv2.INTER_AREA)
    top, left = (height - size[0]) // 2, (width - size[1]) // 2
    return resized[top : top + size[0], left : left + size[1], None]
