"""Generators as ONNX files, for any size of picture."""

import warnings

import keras
import tensorflow as tf

from keras_colorize.exporting.lab_network import LabNetwork
from keras_colorize.inference.quiet import import_quietly
from keras_colorize.models.cost import multiply_adds
from keras_colorize.models.folding import fold_batch_norm
from keras_colorize.models.generator import config_of

OPSET = 18


def convert_to_onnx(generator: keras.Model) -> bytes:
    """Converts a generator to an ONNX file.

    It computes `ab` (B, H/c, W/c, 2) in Lab units from `lightness` (B, H, W, 1), 0..100. B is any
    number; H and W are any multiples of `size_multiple`, which stands in the file's metadata
    beside `chroma_stride` (c) and `multiply_adds`, those of the smallest picture.
    """
    folded, config = fold_batch_norm(generator), config_of(generator)
    network = LabNetwork(folded)

    def colorize(lightness: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"ab": network.predict(lightness)}

    signature = [tf.TensorSpec((None, None, None, 1), tf.float32, name="lightness")]
    tf2onnx = import_quietly("tf2onnx")
    with warnings.catch_warnings():  # tf2onnx's own way into TensorFlow and NumPy
        warnings.simplefilter("ignore", DeprecationWarning)
        model, _ = tf2onnx.convert.from_function(tf.function(colorize), signature, opset=OPSET)
    for key, value in {
        "chroma_stride": config.chroma_stride,
        "size_multiple": config.size_multiple,
        "multiply_adds": multiply_adds(folded, (config.size_multiple, config.size_multiple, 1)),
    }.items():
        model.metadata_props.add(key=key, value=str(value))
    content: bytes = model.SerializeToString()
    return content
