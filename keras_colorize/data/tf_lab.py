"""sRGB to Lab in TensorFlow's input pipeline: by tensorflow-io, where there are wheels of it."""

import warnings

import tensorflow as tf

from keras_colorize.imaging.color import CUBE_ROOT_FROM, WHITE, XYZ_FROM_RGB


def plain_rgb_to_lab(rgb_float: tf.Tensor) -> tf.Tensor:
    """Converts sRGB to Lab with plain TensorFlow operations, within 1e-4 of tensorflow-io.

    The steps and constants are tensorflow-io's, which are those of scikit-image.

    Args:
        rgb_float: float32 (..., 3) in [0, 1].

    Returns:
        float32 (..., 3): L in 0..100, a and b in Lab units.
    """
    linear = tf.where(rgb_float > 0.04045, ((rgb_float + 0.055) / 1.055) ** 2.4, rgb_float / 12.92)
    xyz = tf.tensordot(linear, tf.constant(XYZ_FROM_RGB.T, tf.float32), axes=1)
    xyz /= tf.constant(WHITE, tf.float32)
    x, y, z = tf.unstack(
        tf.where(xyz > CUBE_ROOT_FROM, xyz ** (1 / 3), 7.787 * xyz + 16 / 116), axis=-1
    )
    return tf.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


# tensorflow-io's native library is not built for this TensorFlow; the colour conversions, plain
# TensorFlow operations, do not need it.
with warnings.catch_warnings():
    warnings.filterwarnings("ignore", module=r"tensorflow_io\.")
    try:
        import tensorflow_io
    except ModuleNotFoundError as error:  # none for Windows, nor for Python from 3.13 on
        if error.name != "tensorflow_io":
            raise
        rgb_to_lab = plain_rgb_to_lab
        CONVERSION = "plain TensorFlow operations"
    else:
        rgb_to_lab = tensorflow_io.experimental.color.rgb_to_lab
        CONVERSION = "tensorflow-io"
