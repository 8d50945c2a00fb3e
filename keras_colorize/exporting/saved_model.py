"""Generators as SavedModels, which colour photographs in TensorFlow Serving and TensorFlow.

The graph has only TensorFlow's own operations: a process that loads it needs neither this package
nor Keras nor tensorflow-io.
"""

import errno
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from keras_colorize.exporting.lab_network import LabNetwork
from keras_colorize.exporting.parity import (
    SAME_OPERATIONS_TOLERANCE,
    assert_parity,
    probe_lightness,
)
from keras_colorize.exporting.picture_ops import colorize_pixels, guided_upsample, reflect_into
from keras_colorize.exporting.saved_model_readme import saved_model_readme
from keras_colorize.exporting.warm_up import write_warm_up
from keras_colorize.imaging.files import atomic_folder
from keras_colorize.inference.runtime import KerasRuntime, SavedModelRuntime
from keras_colorize.inference.weights import find_saved_model
from keras_colorize.models.folding import fold_batch_norm
from keras_colorize.models.generator import config_of

_LIGHTNESS = tf.TensorSpec((None, None, None, 1), tf.float32, name="lightness")
_PNG_LEVEL = 3  # that of `imaging.images`: half the time of the default for 3 % more bytes
_AT_A_TIME = 2  # pictures of a request; a large one takes some hundred megabytes


def export_saved_model(
    generator: keras.Model,
    folder: Path,
    *,
    name: str,
    command: str,
    overwrite: bool = False,
) -> dict[str, float]:
    """Writes a generator as a SavedModel, whole or not at all.

    Its signatures: `serving_default`, from `lightness` (B, H, W, 1) float32 in 0..100 to `ab`
    (B, H, W, 2) in Lab units; `network`, the same without padding and upsampling, to
    (B, H/c, W/c, 2); `colorize_rgb`, from `rgb` to `colorized_rgb`, (B, H, W, 3) uint8; and
    `colorize_bytes`, from `image_bytes` (B,), JPEG or PNG of any sizes, to `colorized_bytes` (B,),
    PNG. Warm-up requests and a README.txt lie inside.

    Args:
        generator: a generator.
        folder: folder of the SavedModel.
        name: name under which it is served.
        command: command line that the README names.
        overwrite: whether an existing SavedModel is replaced.

    Returns:
        `rms` and `max` of the difference from the generator, in scaled units.

    Raises:
        FileExistsError: the folder exists and `overwrite` is false, or it is no SavedModel.
        ParityError: the SavedModel does not compute what the generator computes.
        OSError: the folder cannot be written.
        ValueError: the model is not such a generator.
    """
    if overwrite and folder.exists() and not find_saved_model(folder.resolve()):
        raise FileExistsError(errno.EEXIST, "not replaced, as it is no SavedModel", str(folder))
    with atomic_folder(folder, overwrite=overwrite) as temporary:
        folded = fold_batch_norm(generator)
        module = _SavedModule(folded)
        try:
            tf.saved_model.save(module, str(temporary), signatures=module.signatures())
            write_warm_up(temporary, name)
        except tf.errors.OpError as error:  # the disk is full, which TensorFlow gives no number
            raise OSError(errno.EIO, f"cannot be written: {error.message}", str(folder)) from error
        (temporary / "README.txt").write_text(saved_model_readme(name, command))
        lightness = probe_lightness()
        ab = SavedModelRuntime(temporary).predict(lightness)
        assert_parity(ab, KerasRuntime(folded).predict(lightness), SAME_OPERATIONS_TOLERANCE)
        return assert_parity(ab, KerasRuntime(generator).predict(lightness))


class _SavedModule(LabNetwork):
    """The network without batch norm, with all steps between it and a photograph."""

    def __init__(self, folded: keras.Model) -> None:
        super().__init__(folded)
        config = config_of(folded)
        self._multiple, self._stride = config.size_multiple, config.chroma_stride
        self._network = tf.function(self.predict, input_signature=[_LIGHTNESS])

    def signatures(self) -> dict[str, Any]:
        pixels = tf.TensorSpec((None, None, None, 3), tf.uint8, name="rgb")
        files = tf.TensorSpec((None,), tf.string, name="image_bytes")
        return {
            name: tf.function(function).get_concrete_function(spec)
            for name, function, spec in (
                ("serving_default", self._serve, _LIGHTNESS),
                ("network", lambda lightness: {"ab": self._network(lightness)}, _LIGHTNESS),
                ("colorize_rgb", self._colorize_rgb, pixels),
                ("colorize_bytes", self._colorize_bytes, files),
            )
        }

    def _serve(self, lightness: tf.Tensor) -> dict[str, tf.Tensor]:
        size = tf.shape(lightness)[1:3]
        frame = -(-size // self._multiple) * self._multiple
        padded, margin = reflect_into(lightness, frame, self._stride)
        ab = guided_upsample(self._network(padded), padded)
        (top, left), (height, width) = tf.unstack(margin), tf.unstack(size)
        return {"ab": ab[:, top : top + height, left : left + width]}

    def _colorize_rgb(self, rgb: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"colorized_rgb": self._colorized(rgb)}

    def _colorize_bytes(self, image_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
        colorized = tf.map_fn(
            self._colorize_file,
            image_bytes,
            fn_output_signature=tf.string,
            parallel_iterations=_AT_A_TIME,
        )
        return {"colorized_bytes": colorized}

    def _colorize_file(self, data: tf.Tensor) -> tf.Tensor:
        # It decodes PNG as well, and JPEG as Pillow does, which decode_image and others do not.
        pixels = tf.io.decode_jpeg(data, channels=0, dct_method="INTEGER_ACCURATE")
        *size, channels = tf.unstack(tf.shape(pixels))
        colors = channels - 1 + channels % 2  # 1 or 3; what may follow is alpha
        rgb = tf.broadcast_to(pixels[..., :colors], [*size, 3])
        painted = tf.concat([self._colorized(rgb[None])[0], pixels[..., colors:]], axis=-1)
        return tf.io.encode_png(painted, compression=_PNG_LEVEL)

    def _colorized(self, rgb: tf.Tensor) -> tf.Tensor:
        return colorize_pixels(rgb, self._network, self._multiple, self._stride)
