"""Generators as TFLite files, one signature a picture size, all of them sharing the weights."""

from collections.abc import Iterable, Sequence
from typing import Any

import cv2
import keras
import numpy as np
import tensorflow as tf

from keras_colorize.exporting.equalization import LIMIT, equalize
from keras_colorize.exporting.kinds import FLOAT_KINDS, Kind
from keras_colorize.exporting.lab_network import LabNetwork
from keras_colorize.exporting.merging import merge_signatures
from keras_colorize.exporting.quantizer import Quantizer, assert_can_stay_float, quiet_conversion
from keras_colorize.exporting.unfusing import unfuse_transposed_convolutions
from keras_colorize.imaging.color import scale_lightness
from keras_colorize.models.first_layer import fold_picture
from keras_colorize.models.folding import fold_batch_norm
from keras_colorize.models.generator import config_of

# What the converter must be told of the kinds whose activations are integers: operations, and the
# type of input and output.
_INTEGER_KINDS = {
    "int8": (tf.lite.OpsSet.TFLITE_BUILTINS_INT8, tf.float32),
    "int8_io": (tf.lite.OpsSet.TFLITE_BUILTINS_INT8, tf.int8),
    "uint8_io": (tf.lite.OpsSet.TFLITE_BUILTINS_INT8, tf.uint8),
    "int16x8": (
        tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8,
        tf.float32,
    ),
}
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
    keep_float: Sequence[str] = (),
) -> bytes:
    """Converts a generator to a TFLite file of built-in operations with static shapes.

    Args:
        generator: with batch norm; it is folded here.
        kind: `float32`; `float16` weights; `dynamic`: int8 weights; `int8`: int8 weights and
            activations, float32 input and output; `int8_io` and `uint8_io`: the same with input
            and output of that type, whose scale and zero point the file tells; `int16x8`: int8
            weights and int16 activations. All but the first two are of the network that
            `keras_colorize.exporting.equalization` makes of the generator.
        sizes: (height, width) of each signature.
        representative: for all but `float32` and `float16`, L of photographs, float32 (H, W) in
            0..100; what calibrates the ranges.
        keep_float: of `int8`, layers that stay floats, such as `encoder_0_conv_1`; no transposed
            convolutions.

    Returns:
        The file: signatures `colorize_{height}x{width}`, and `colorize` for the first size,
        from `lightness` (1, H, W, 1), 0..100, to `ab` (1, H/c, W/c, 2) in Lab units.

    Raises:
        ValueError: an integer kind without representative photographs, or a size that the network
            does not take.
        KeepFloatError: a layer cannot stay float.
    """
    assert_can_stay_float(generator, keep_float)
    multiple = config_of(generator).size_multiple
    if any(side % multiple for size in sizes for side in size):
        raise ValueError(f"Every side of {tuple(sizes)} must be a multiple of {multiple}.")
    samples = list(representative)
    if kind in FLOAT_KINDS:
        network = fold_batch_norm(generator)
    else:
        limit = None if kind == "dynamic" else LIMIT
        network = equalized(generator, samples, sizes[0], limit)
    return convert_network(
        network, kind=kind, sizes=sizes, representative=samples, keep_float=keep_float
    )


def convert_network(
    network: Any,
    *,
    kind: Kind,
    sizes: Sequence[tuple[int, int]],
    representative: Sequence[np.ndarray] = (),
    keep_float: Sequence[str] = (),
    scale_a_channel: bool = True,
) -> bytes:
    """Converts a network as it is: as `convert`, but nothing is folded or rescaled.

    Args:
        network: a model without batch norm, or what is called and has `variables` like one. If it
            quantizes its own activations, then without photographs `dynamic` makes what else is
            `int8`.
        kind: as in `convert`, like all that follows.
        sizes: of the signatures.
        representative: photographs.
        keep_float: layers that stay floats.
        scale_a_channel: whether integer kernels have a scale for each output channel, or one each.

    Returns:
        The file, as of `convert`.
    """
    artifact = _Artifact(network, kind)
    # One conversion a size: only so are the weights constants of the graph (a converter of
    # several signatures keeps variables, which int8 cannot calibrate) and can be merged.
    models = {}
    for size in sizes:
        converter = artifact.converter(size, scale_a_channel)
        samples = [sample[None] for sample in cover(representative, size)]
        if kind == "int8":
            model = Quantizer(converter, samples).file(keep_float)
        else:
            model = _converted(converter, kind, samples)
        models[signature_name(size)] = unfuse_transposed_convolutions(model)
    return merge_signatures(models, {"colorize": signature_name(sizes[0])})


def equalized(
    generator: keras.Model,
    representative: Sequence[np.ndarray],
    size: tuple[int, int],
    limit: float | None = LIMIT,
) -> keras.Model:
    """Makes the network that files of integers are made of.

    Args:
        generator: with batch norm or without.
        representative: L of photographs, float32 (H, W) in 0..100.
        size: (height, width) that its activations are measured at.
        limit: greatest activation, as in `equalize`.

    Returns:
        A network without batch norm that computes the same up to its bounded activations.

    Raises:
        ValueError: there are no photographs.
    """
    if not representative:
        raise ValueError("Files of integers need representative photographs to calibrate with.")
    lightness_scaled = scale_lightness(cover(representative, size))
    return equalize(fold_batch_norm(generator), lightness_scaled, limit=limit)


def int8_quantizer(
    network: keras.Model, representative: Sequence[np.ndarray], size: tuple[int, int]
) -> Quantizer:
    """Calibrates a network for int8.

    Args:
        network: of `equalized`.
        representative: L of photographs, float32 (H, W) in 0..100.
        size: (height, width) of its input.

    Returns:
        What makes int8 files of the network, calibrated.
    """
    samples = [sample[None] for sample in cover(representative, size)]
    return Quantizer(_Artifact(network, "int8").converter(size), samples)


class _Artifact(LabNetwork):
    """A network, ready to be converted to a file of a kind."""

    def __init__(self, network: Any, kind: Kind) -> None:
        self.kind = kind
        # The converter has no SPACE_TO_DEPTH of 16-bit activations. A pretrained encoder reads the
        # picture as it is.
        if (
            isinstance(network, keras.Model)
            and kind != "int16x8"
            and config_of(network).encoder == "plain"
        ):
            network = _OfFoldedPicture(network)
        super().__init__(network)

    def converter(self, size: tuple[int, int], scale_a_channel: bool = True) -> Any:
        def colorize(lightness: tf.Tensor) -> dict[str, tf.Tensor]:
            return {"ab": self.predict(lightness)}

        spec = tf.TensorSpec((1, *size, 1), tf.float32, name="lightness")
        function = tf.function(colorize).get_concrete_function(spec)
        converter = tf.lite.TFLiteConverter.from_concrete_functions([function], self)
        # There is no public setting of it.
        converter._experimental_disable_per_channel = not scale_a_channel
        if self.kind != "float32":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if self.kind == "float16":
            converter.target_spec.supported_types = [tf.float16]
        if self.kind in _INTEGER_KINDS:
            operations, type_ = _INTEGER_KINDS[self.kind]
            converter.target_spec.supported_ops = [operations]
            converter.inference_input_type = converter.inference_output_type = type_
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


def _converted(converter: Any, kind: Kind, samples: Sequence[np.ndarray]) -> bytes:
    if kind in _INTEGER_KINDS:
        converter.representative_dataset = lambda: ({"lightness": x} for x in samples)
    with quiet_conversion():
        model: bytes = converter.convert()
    return model


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
