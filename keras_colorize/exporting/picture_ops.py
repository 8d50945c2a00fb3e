"""Colours photographs with TensorFlow operations, as `Colorizer` does, inside a graph.

All pictures of a batch have the same size, which is known only when the graph runs. The steps are
those of `inference.fitting`, for a network that takes any size, and of `imaging.upsampling`.
"""

from collections.abc import Callable

import tensorflow as tf

from keras_colorize.imaging.upsampling import EPSILON, RADIUS
from keras_colorize.inference.fitting import DEFAULT_SIZE, LONGEST_ASPECT, MOST_TILES
from keras_colorize.models.color_ops import lab_to_rgb, rgb_to_lab

Network = Callable[[tf.Tensor], tf.Tensor]

_LONGEST_FRAME = LONGEST_ASPECT * DEFAULT_SIZE


def colorize_pixels(rgb: tf.Tensor, network: Network, multiple: int, stride: int) -> tf.Tensor:
    """Colours pictures of one size, which keep their lightness.

    Args:
        rgb: (B, H, W, 3) uint8, sRGB, grey or coloured.
        network: from lightness (B, h, w, 1) in 0..100 to ab (B, h / stride, w / stride, 2) in Lab
            units.
        multiple: what h and w must be multiples of.
        stride: the network's chroma stride.

    Returns:
        (B, H, W, 3) uint8.
    """
    channels = tf.unstack(tf.cast(rgb, tf.float32), axis=-1)
    lightness = rgb_to_lab(channels)[0][..., None]
    ab = guided_upsample(predict_fitted(lightness, network, multiple, stride), lightness)
    painted = lab_to_rgb(lightness[..., 0], ab[..., 0], ab[..., 1])
    return tf.cast(tf.stack(painted, axis=-1), tf.uint8)


def predict_fitted(lightness: tf.Tensor, network: Network, multiple: int, stride: int) -> tf.Tensor:
    """Predicts ab from lightness (B, H, W, 1) of any size; see `colorize_pixels`.

    The network sees the pictures with a short side of 256 pixels.

    Returns:
        (B, h, w, 2) in Lab units, of the network's resolution but nowhere finer than the
        picture's; it covers the whole picture.
    """
    size = tf.shape(lightness)[1:3]
    frame, content = fit(size, multiple, stride)
    resized = tf.cond(
        tf.reduce_all(content <= size),
        lambda: tf.image.resize(lightness, content, "area"),
        lambda: tf.image.resize(lightness, content, "bilinear"),
    )
    padded, margin = reflect_into(resized, frame, stride)
    (top, left), (height, width) = tf.unstack(margin // stride), tf.unstack(content // stride)
    ab = _predict_tiles(padded, frame, network, stride)
    ab = ab[:, top : top + height, left : left + width]
    return tf.image.resize(ab, tf.minimum(content // stride, size), "area")


def fit(size: tf.Tensor, multiple: int, stride: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Chooses the frame for pictures of a size, (2,) int32, and their size within it.

    Returns:
        Frame and content of `inference.fitting.Fit`, (2,) int32 each.
    """
    sides = tf.cast(size, tf.float64)
    short, long = tf.reduce_min(sides), tf.reduce_max(sides)
    length = tf.minimum(DEFAULT_SIZE * long / short, _LONGEST_FRAME)
    frame_long = tf.math.ceil(length / multiple - 1e-9) * multiple
    limit = tf.where(long / short > LONGEST_ASPECT, MOST_TILES * frame_long, frame_long)
    frame, limits = (
        tf.where(sides < long, tf.cast(DEFAULT_SIZE, tf.float64), most)
        for most in (frame_long, limit)
    )
    scale = tf.reduce_min(limits / sides)
    content = tf.maximum(tf.round(sides * scale / stride), 1) * stride
    return tf.cast(frame, tf.int32), tf.cast(tf.minimum(content, limits), tf.int32)


def reflect_into(
    lightness: tf.Tensor, frame: tf.Tensor, stride: int
) -> tuple[tf.Tensor, tf.Tensor]:
    """Fills a frame around pictures with their reflections, as `cv2.BORDER_REFLECT` does.

    A side of the pictures (B, H, W, 1) that is longer than the frame (2,) stays as it is.

    Returns:
        (B, h, w, 1), and the margins above and to the left, (2,) int32, multiples of the stride.
    """
    size = tf.shape(lightness)[1:3]
    filled = tf.maximum(frame, size)
    margin = (filled - size) // (2 * stride) * stride
    for axis in (0, 1):
        period = 2 * size[axis]
        index = (tf.range(filled[axis]) - margin[axis]) % period
        lightness = tf.gather(lightness, tf.minimum(index, period - 1 - index), axis=axis + 1)
    return lightness, margin


def _predict_tiles(
    lightness: tf.Tensor, frame: tf.Tensor, network: Network, stride: int
) -> tf.Tensor:
    """Predicts ab of (B, H, W, 1), longer than the frame (2,) along one side or none."""
    size = tf.shape(lightness)[1:3]
    window, canvas = frame // stride, size // stride
    # Evenly, overlapping by a quarter of a frame or more.
    steps = tf.reduce_max(tf.math.ceil((size - frame) / (frame * 3) * 4))
    share = tf.range(steps + 1) / tf.maximum(steps, 1)
    places = tf.round(share[:, None] * tf.cast(canvas - window, tf.float64))
    weight = _tent(window[0])[:, None, None] * _tent(window[1])[:, None]
    nothing = tf.zeros([tf.shape(lightness)[0], canvas[0], canvas[1], 3])

    def add(weighted: tf.Tensor, place: tf.Tensor) -> tf.Tensor:
        (top, left), (height, width) = tf.unstack(place * stride), tf.unstack(frame)
        ab = network(lightness[:, top : top + height, left : left + width])
        here = tf.concat([ab * weight, tf.ones_like(ab[..., :1]) * weight], axis=-1)
        margins = tf.pad(tf.stack([place, canvas - window - place], axis=1), [[1, 1], [0, 0]])
        return weighted + tf.ensure_shape(tf.pad(here, margins), nothing.shape)

    places = tf.cast(places, tf.int32)
    weighted = tf.foldl(add, places, nothing, parallel_iterations=1)  # tiles need memory
    return weighted[..., :2] / weighted[..., 2:]


def _tent(length: tf.Tensor) -> tf.Tensor:
    """Weights of a tile along an axis: they rise to its middle, so that overlaps blend."""
    position = tf.range(tf.cast(length, tf.float32)) + 0.5
    return tf.minimum(position, tf.cast(length, tf.float32) - position)


def guided_upsample(ab: tf.Tensor, lightness: tf.Tensor) -> tf.Tensor:
    """Brings ab (B, h, w, 2) to the size of the lightness (B, H, W, 1), which is at least as large.

    `imaging.upsampling` explains it.
    """
    low, full = tf.shape(ab)[1:3], tf.shape(lightness)[1:3]
    guide = tf.image.resize(lightness, low, "area")
    variance = _box_mean(guide**2) - _box_mean(guide) ** 2
    covariance = _box_mean(guide * ab) - _box_mean(guide) * _box_mean(ab)
    slope = _box_mean(covariance / (variance + EPSILON))
    scale = tf.cast(full / low, tf.float32)
    offset = _sharpen(ab, scale) - slope * _sharpen(guide, scale)
    model = tf.image.resize(tf.concat([slope, offset], axis=-1), full, "bilinear")
    return model[..., :2] * lightness + model[..., 2:]


def _box_mean(x: tf.Tensor) -> tf.Tensor:
    """Mean over the pixels of each window that lie inside x (B, h, w, c)."""
    return tf.nn.avg_pool2d(x, 2 * RADIUS + 1, 1, "SAME")


def _sharpen(x: tf.Tensor, scale: tf.Tensor) -> tf.Tensor:
    """Adds to x (B, h, w, c) what upsampling by `scale` (2,) is going to blur."""
    smooth = x
    for axis in (1, 2):
        side = (1 - 1 / tf.maximum(1.0, scale[axis - 1]) ** 2) / 8
        index = tf.range(tf.shape(x)[axis])
        before = tf.gather(smooth, tf.maximum(index - 1, 0), axis=axis)
        after = tf.gather(smooth, tf.minimum(index + 1, index[-1]), axis=axis)
        smooth += side * (before - 2 * smooth + after)
    return 2 * x - smooth
