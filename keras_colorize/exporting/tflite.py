"""Generators as TFLite files, one signature a picture size, all of them sharing the weights."""

import warnings
from collections.abc import Iterable, Sequence
from typing import Any, Literal, get_args

import cv2
import keras
import numpy as np
import tensorflow as tf

from keras_colorize.exporting.equalization import equalize
from keras_colorize.exporting.merging import merge_signatures
from keras_colorize.exporting.unfusing import unfuse_transposed_convolutions
from keras_colorize.imaging.color import scale_lightness, unscale_ab
from keras_colorize.models.first_layer import fold_picture
from keras_colorize.models.folding import fold_batch_norm
from keras_colorize.models.generator import config_of

Kind = Literal["float32", "float16", "dynamic", "int8", "int8_io", "uint8_io", "int16x8"]
KINDS: tuple[Kind, ...] = get_args(Kind)
FLOAT_KINDS: tuple[Kind, ...] = ("float32", "float16")
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


class _Artifact(tf.Module):
    """A network in the artifacts' units: L in 0..100 to ab in Lab units."""

    def __init__(self, folded: keras.Model, kind: Kind) -> None:
        super().__init__()
        # The converter has no SPACE_TO_DEPTH of 16-bit activations.
        is_folded = kind != "int16x8"
        self.stride = config_of(folded).chroma_stride if is_folded else 1
        self.network = fold_picture(folded) if is_folded else folded
        # Keras variables wrap TensorFlow's; the converter freezes only those it can reach.
        self.tracked = [variable.value for variable in self.network.variables]

    def at(self, size: tuple[int, int]) -> Any:
        def colorize(lightness: tf.Tensor) -> dict[str, tf.Tensor]:
            picture = scale_lightness(lightness)
            if self.stride > 1:
                picture = tf.nn.space_to_depth(picture, self.stride)
            return {"ab": unscale_ab(self.network(picture, training=False))}

        spec = tf.TensorSpec((1, *size, 1), tf.float32, name="lightness")
        return tf.function(colorize).get_concrete_function(spec)


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
        kind: `float32`; `float16` weights; `dynamic`: int8 weights; `int8`: int8 weights and
            activations, float32 input and output; `int8_io` and `uint8_io`: the same with input
            and output of that type, whose scale and zero point the file tells; `int16x8`: int8
            weights and int16 activations. All but the first two are of the network that
            `keras_colorize.exporting.equalization` makes of the generator.
        sizes: (height, width) of each signature.
        representative: for all but `float32` and `float16`, L of photographs, float32 (H, W) in
            0..100; what calibrates the ranges.

    Returns:
        The file: signatures `colorize_{height}x{width}`, and `colorize` for the first size,
        from `lightness` (1, H, W, 1), 0..100, to `ab` (1, H/c, W/c, 2) in Lab units.

    Raises:
        ValueError: an integer kind without representative photographs, or a size that the
            network does not take.
    """
    multiple = config_of(generator).size_multiple
    if any(side % multiple for size in sizes for side in size):
        raise ValueError(f"Every side of {tuple(sizes)} must be a multiple of {multiple}.")
    samples = list(representative)
    folded = fold_batch_norm(generator)
    if kind not in FLOAT_KINDS:
        if not samples:
            raise ValueError(f"{kind} needs representative photographs to calibrate with.")
        covered = np.concatenate([_cover(sample, sizes[0]) for sample in samples])
        folded = equalize(folded, scale_lightness(covered))
    artifact = _Artifact(folded, kind)
    # One conversion a size: only so are the weights constants of the graph (a converter of
    # several signatures keeps variables, which int8 cannot calibrate) and can be merged.
    models = {
        signature_name(size): _convert_one(
            artifact, size, kind, [_cover(sample, size) for sample in samples]
        )
        for size in sizes
    }
    return merge_signatures(models, {"colorize": signature_name(sizes[0])})


def _convert_one(
    artifact: _Artifact, size: tuple[int, int], kind: Kind, samples: list[np.ndarray]
) -> bytes:
    converter = tf.lite.TFLiteConverter.from_concrete_functions([artifact.at(size)], artifact)
    if kind != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if kind == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if kind in _INTEGER_KINDS:
        operations, type_ = _INTEGER_KINDS[kind]
        converter.target_spec.supported_ops = [operations]
        converter.inference_input_type = converter.inference_output_type = type_
        converter.representative_dataset = lambda: ({"lightness": x} for x in samples)
    with warnings.catch_warnings():  # the converter's own calibrator uses what it warns of
        warnings.filterwarnings(
            "ignore", message=r"\s*Warning: tf\.lite\.Interpreter is deprecated"
        )
        model: bytes = converter.convert()
    return unfuse_transposed_convolutions(model)


def _cover(lightness: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resizes L to cover (height, width) and cuts its centre out: (1, height, width, 1)."""
    scale = max(want / have for want, have in zip(size, lightness.shape, strict=True))
    height, width = (max(round(n * scale), m) for n, m in zip(lightness.shape, size, strict=True))
    resized = cv2.resize(lightness, (width, height), interpolation=cv2.INTER_AREA)
    top, left = (height - size[0]) // 2, (width - size[1]) // 2
    return resized[None, top : top + size[0], left : left + size[1], None]
