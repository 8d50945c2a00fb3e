"""Generators as TFLite files, one signature a picture size, all of them sharing the weights."""

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

import cv2
import keras
import numpy as np
import tensorflow as tf

from keras_colorize.exporting.equalization import LIMIT, Scales, measured_scales, rescale
from keras_colorize.exporting.kinds import FLOAT_KINDS, Kind
from keras_colorize.exporting.lab_network import LabNetwork
from keras_colorize.exporting.merging import merge_signatures
from keras_colorize.exporting.quantizer import int8_file, quiet_conversion, with_integer_kernels
from keras_colorize.exporting.unfusing import unfuse_transposed_convolutions
from keras_colorize.imaging.color import scale_lightness
from keras_colorize.models.first_layer import fold_picture
from keras_colorize.models.folding import fold_batch_norm
from keras_colorize.models.generator import config_of

SIZES = ((256, 256), (256, 384), (384, 256), (512, 512))


def signature_name(size: tuple[int, int]) -> str:
    """Name of the signature for pictures of (height, width)."""
    return f"colorize_{size[0]}x{size[1]}"


def convert(
    generator: keras.Model,
    *,
    kind: Kind = "float32",
    sizes: Sequence[tuple[int, int]] = SIZES,
    representative: Iterable[np.ndarray] = (),
) -> bytes:
    """Converts a generator to a TFLite file of built-in operations with static shapes.

    Args:
        generator: with batch norm; it is folded here.
        kind: as in `Conversion.file`.
        sizes: (height, width) of each signature.
        representative: for `dynamic` and `int8`, L of photographs, float32 (H, W) in 0..100; what
            calibrates the ranges.

    Returns:
        The file: signatures `colorize_{height}x{width}`, and `colorize` for the first size,
        from `lightness` (1, H, W, 1), 0..100, to `ab` (1, H/c, W/c, 2) in Lab units.

    Raises:
        ValueError: an integer kind without representative photographs, or a size that the network
            does not take.
    """
    return Conversion(generator, sizes=sizes, representative=representative).file(kind)


class Conversion:
    """The TFLite files of one generator. What several kinds need is computed once."""

    def __init__(
        self,
        generator: keras.Model,
        *,
        sizes: Sequence[tuple[int, int]] = SIZES,
        representative: Iterable[np.ndarray] = (),
    ) -> None:
        """Folds batch norm.

        Args:
            generator: as in `convert`, like all that follows.
            sizes: of the signatures.
            representative: photographs.

        Raises:
            ValueError: a size that the network does not take.
        """
        multiple = config_of(generator).size_multiple
        if any(side % multiple for size in sizes for side in size):
            raise ValueError(f"Every side of {tuple(sizes)} must be a multiple of {multiple}.")
        self.sizes = sizes
        self.samples = list(representative)
        self.folded = fold_batch_norm(generator)

    def file(self, kind: Kind) -> bytes:
        """Converts to one kind of file.

        Args:
            kind: `float32`; `float16` weights; `dynamic`: int8 weights, but for depthwise kernels;
                `int8`: int8 weights and activations, float32 input and output. The last two are of
                the network that `keras_colorize.exporting.equalization` makes of the generator.

        Returns:
            The file, as of `convert`.

        Raises:
            ValueError: an integer kind without representative photographs.
        """
        network = self.folded
        if kind not in FLOAT_KINDS:
            # Of float activations, what is cut off above can show as dots of colour.
            network = rescale(network, self._scales, limit=LIMIT if kind == "int8" else None)
        return convert_network(network, kind=kind, sizes=self.sizes, representative=self.samples)

    @cached_property
    def _scales(self) -> Scales:
        if not self.samples:
            raise ValueError("Files of integers need representative photographs to calibrate with.")
        covered = cover(self.samples, self.sizes[0])
        return measured_scales(self.folded, scale_lightness(covered))


def convert_network(
    network: Any,
    *,
    kind: Kind,
    sizes: Sequence[tuple[int, int]],
    representative: Sequence[np.ndarray] = (),
    scale_a_channel: bool = True,
) -> bytes:
    """Converts a network as it is: as `convert`, but nothing is folded or rescaled.

    Args:
        network: a model without batch norm, or what is called and has `variables` like one. If it
            quantizes its own activations, `int8` needs no photographs.
        kind: as in `Conversion.file`.
        sizes: of the signatures.
        representative: photographs.
        scale_a_channel: whether kernels of `int8` have a scale for each output channel, or one.

    Returns:
        The file, as of `convert`.
    """
    artifact = _Artifact(network)
    # One conversion a size: only so are the weights constants of the graph (a converter of
    # several signatures keeps variables, which int8 cannot calibrate) and can be merged.
    models = {}
    for size in sizes:
        converter = artifact.converter(size, kind, scale_a_channel)
        if kind == "int8" and representative:
            model = int8_file(converter, [x[None] for x in cover(representative, size)])
        else:
            with quiet_conversion():
                model = converter.convert()
        if kind == "dynamic":
            model = with_integer_kernels(model)
        models[signature_name(size)] = unfuse_transposed_convolutions(model)
    return merge_signatures(models, {"colorize": signature_name(sizes[0])})


class _Artifact(LabNetwork):
    """A network, ready to be converted to files."""

    def __init__(self, network: Any) -> None:
        # A pretrained encoder reads the picture as it is.
        if isinstance(network, keras.Model) and config_of(network).encoder == "plain":
            network = _OfFoldedPicture(network)
        super().__init__(network)

    def converter(self, size: tuple[int, int], kind: Kind, scale_a_channel: bool) -> Any:
        def colorize(lightness: tf.Tensor) -> dict[str, tf.Tensor]:
            return {"ab": self.predict(lightness)}

        spec = tf.TensorSpec((1, *size, 1), tf.float32, name="lightness")
        function = tf.function(colorize).get_concrete_function(spec)
        converter = tf.lite.TFLiteConverter.from_concrete_functions([function], self)
        # There is no public setting of it.
        converter._experimental_disable_per_channel = not scale_a_channel
        if kind in ("float16", "int8"):
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if kind == "float16":
            converter.target_spec.supported_types = [tf.float16]
        return converter


class _OfFoldedPicture:
    """A network whose first convolution sees the picture folded, which int8 computes faster."""

    def __init__(self, folded: keras.Model) -> None:
        self.stride = config_of(folded).chroma_stride
        self.network = fold_picture(folded)
        self.variables = self.network.variables

    def __call__(self, lightness_scaled: tf.Tensor, training: bool) -> tf.Tensor:
        picture = lightness_scaled
        if self.stride > 1:
            picture = tf.nn.space_to_depth(picture, self.stride)
        return self.network(picture, training=training)


def cover(samples: Sequence[np.ndarray], size: tuple[int, int]) -> np.ndarray:
    """Makes a batch of photographs of any sizes: centres that fill a size.

    Args:
        samples: L of each, float32 (H, W) in 0..100.
        size: (height, width).

    Returns:
        L, float32 (n, height, width, 1) in 0..100.
    """
    covered = [_cover(sample, size) for sample in samples]
    return np.stack(covered) if covered else np.empty((0, *size, 1), np.float32)


def _cover(lightness: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resizes L to cover (height, width) and cuts its centre out: (height, width, 1)."""
    scale = max(want / have for want, have in zip(size, lightness.shape, strict=True))
    height, width = (max(round(n * scale), m) for n, m in zip(lightness.shape, size, strict=True))
    resized = cv2.resize(lightness, (width, height), interpolation=cv2.INTER_AREA)
    top, left = (height - size[0]) // 2, (width - size[1]) // 2
    return resized[top : top + size[0], left : left + size[1], None]
