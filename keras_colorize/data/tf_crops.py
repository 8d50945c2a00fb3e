"""Photographs to random crops as TensorFlow operations."""

import functools

import numpy as np
import tensorflow as tf

from keras_colorize.config import CROP
from keras_colorize.imaging.aging import film_lightness
from keras_colorize.imaging.images import read_small

_START = 2**17  # bytes in which a JPEG has its profile: behind EXIF and XMP at the most


def _read_small(contents: bytes, side: np.ndarray) -> np.ndarray:
    # The scan's decoder, so that what passed it decodes: TensorFlow's refuse WebP with alpha and
    # slightly damaged PNG, take the indices of a BMP palette for grey, and know no TIFF.
    return read_small(contents, int(side))[0]


def _is_plain_jpeg(contents: tf.Tensor) -> tf.Tensor:
    """Whether it is a JPEG in sRGB: TensorFlow knows no profiles, and less of CMYK than Pillow."""

    def has_neither() -> tf.Tensor:
        start = tf.strings.substr(contents, 0, _START)
        without = tf.strings.regex_replace(start, "ICC_PROFILE", "", replace_global=False)
        is_plain = tf.strings.length(start) == tf.strings.length(without)
        return is_plain & (tf.io.extract_jpeg_shape(contents)[2] < 4)

    return tf.cond(tf.io.is_jpeg(contents), has_neither, lambda: False)


def _decode(contents: tf.Tensor, side: int, share: float | tf.Tensor) -> tf.Tensor:
    """Decodes a photograph to uint8 (H, W, 3), a JPEG at the least scale that is enough.

    `share` of its short side still has `side` pixels then.

    A JPEG decodes at 1/2, 1/4 or 1/8 of its size by leaving out high frequencies: the
    anti-aliased reduction that the crop needs anyway, for a fraction of the time.
    """

    def jpeg() -> tf.Tensor:
        short_side = tf.reduce_min(tf.image.extract_jpeg_shape(contents)[:2])
        scales = [
            functools.partial(tf.io.decode_jpeg, contents, channels=3, ratio=ratio)
            for ratio in (1, 2, 4, 8)
        ]
        enough = tf.cast(short_side, tf.float32) * share / side
        return tf.switch_case(tf.reduce_sum(tf.cast(enough >= [2.0, 4.0, 8.0], tf.int32)), scales)

    def other() -> tf.Tensor:
        rgb = tf.numpy_function(_read_small, [contents, tf.maximum(1.0, side / share)], tf.uint8)
        return tf.ensure_shape(rgb, (None, None, 3))

    return tf.cond(_is_plain_jpeg(contents), jpeg, other)


def _upright(rgb: tf.Tensor, orientation: tf.Tensor) -> tf.Tensor:
    """Undoes an EXIF orientation (1 to 8, CIPA DC-008): first the turn, then the mirroring."""
    top_down = (3, 4, 7, 8)
    right_left = (2, 3, 6, 7)

    def turned() -> tf.Tensor:
        turned = tf.cond(orientation >= 5, lambda: tf.transpose(rgb, (1, 0, 2)), lambda: rgb)
        flips = [tf.reduce_any(orientation == which) for which in (top_down, right_left)]
        return tf.reverse(turned, tf.boolean_mask([0, 1], flips))

    return tf.cond(orientation == 1, lambda: rgb, turned)


def random_crop(
    contents: tf.Tensor,
    orientation: tf.Tensor,
    position: tf.Tensor,
    *,
    size: int,
    seed: int,
    crop: tuple[float, float] = CROP,
) -> tf.Tensor:
    """Decodes a photograph and takes a random square of it, perhaps mirrored.

    What is random depends on the position in the stream and the seed.

    Returns:
        uint8 (size, size, 3).
    """
    random = tf.random.stateless_uniform([4], seed=seed_pair(seed, position))
    least, greatest = crop
    share = least + (greatest - least) * random[3]
    rgb = _upright(_decode(contents, size, share), orientation)
    shape = tf.shape(rgb)
    side = tf.cast(tf.cast(tf.reduce_min(shape[:2]), tf.float32) * share + 0.5, tf.int32)
    room = tf.cast(shape[:2] - side + 1, tf.float32)
    top, left = tf.unstack(tf.cast(random[:2] * room, tf.int32))
    square = _resize(rgb[top : top + side, left : left + side], size)
    return tf.cond(random[2] < 0.5, lambda: square, lambda: tf.reverse(square, [1]))


def _resize(square: tf.Tensor, size: int) -> tf.Tensor:
    # Anti-aliasing is for reductions; where there is none, it costs the double for the same pixels.
    resized = tf.cond(
        tf.shape(square)[0] > size,
        lambda: tf.image.resize(square, (size, size), antialias=True),
        lambda: tf.image.resize(square, (size, size)),
    )
    return tf.saturate_cast(tf.round(resized), tf.uint8)


def seed_pair(seed: int, number: tf.Tensor) -> tf.Tensor:
    """The seed, int64 (2,), of what is random about one of many."""
    return tf.stack([tf.cast(seed, tf.int64), number])


def film_lightness_of(rgb: tf.Tensor, position: tf.Tensor, *, aging: float, seed: int) -> tf.Tensor:
    """`film_lightness` of a crop, uint8 (H, W, 3), as an operation; float32 (H, W, 1)."""

    def lightness(rgb: np.ndarray, position: np.ndarray) -> np.ndarray:
        return film_lightness(rgb, aging, seed, int(position))[..., None]

    result = tf.numpy_function(lightness, [rgb, position], tf.float32)
    return tf.ensure_shape(result, (*rgb.shape[:2], 1))
