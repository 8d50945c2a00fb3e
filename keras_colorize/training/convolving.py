"""Convolutions of a single picture, as operations that a CPU is fast at.

Of one large picture, oneDNN computes a convolution and the gradient of its kernel at a sixth to a
half of the processor's rate, and the gradient of the input, and matrix products, at most of it. The
former are written here as the latter.
"""

from typing import Any

import keras
import tensorflow as tf


def speed_up_convolutions(network: Any) -> None:
    """Lets a network compute most of its convolutions of batches of one faster on a CPU.

    Those are 3x3, and 4x4 with stride 2, transposed or not. Larger batches, and other precisions
    than float32, take Keras's way. Files and copies know nothing of it: the layers stay Keras's.

    Args:
        network: channels last; its results stay the same but for rounding.
    """
    if tf.config.list_logical_devices("GPU"):
        return
    for layer in network.layers:
        if convolve := _faster(layer):
            layer.call = _for_one(layer, convolve)


def _faster(layer: Any) -> Any:
    """Returns what computes a layer's convolution faster, or None."""
    kind = type(layer)
    if kind not in (keras.layers.Conv2D, keras.layers.Conv2DTranspose):
        return None
    if layer.padding != "same" or layer.dilation_rate != (1, 1):
        return None
    if getattr(layer, "groups", 1) > 1 or getattr(layer, "output_padding", None) is not None:
        return None
    return {
        (keras.layers.Conv2D, (3, 3), (1, 1)): _convolve,
        (keras.layers.Conv2D, (4, 4), (2, 2)): _downsample,
        (keras.layers.Conv2DTranspose, (4, 4), (2, 2)): _upsample,
    }.get((kind, layer.kernel_size, layer.strides))


def _for_one(layer: Any, convolve: Any) -> Any:
    usual = layer.call

    def call(inputs: Any) -> Any:
        shape = inputs.shape
        if inputs.dtype != tf.float32 or not shape.is_fully_defined() or shape[0] != 1:
            return usual(inputs)
        if convolve is _downsample and (shape[1] % 2 or shape[2] % 2):
            return usual(inputs)
        outputs = convolve(inputs, tf.convert_to_tensor(layer.kernel))
        if layer.use_bias:
            outputs = tf.nn.bias_add(outputs, tf.convert_to_tensor(layer.bias))
        return layer.activation(outputs)

    return call


@tf.custom_gradient
def _convolve(x: Any, kernel: Any) -> Any:
    """(1, H, W, n) with (3, 3, n, m) to (1, H, W, m)."""

    def gradient(dy: Any) -> tuple[Any, Any]:
        padded = tf.pad(x, [[0, 0], [1, 2], [1, 1], [0, 0]])
        return _spread(dy, kernel, 1), _kernel_gradient(padded, dy)

    # The gradient of the input is a convolution as well, with the kernel turned around.
    return _spread(x, tf.transpose(kernel[::-1, ::-1], (0, 1, 3, 2)), 1), gradient


@tf.custom_gradient
def _downsample(x: Any, kernel: Any) -> Any:
    """(1, 2H, 2W, n) with (4, 4, n, m) to (1, H, W, m)."""

    def gradient(dy: Any) -> tuple[Any, Any]:
        return _spread(dy, kernel, 2), _unfold_kernel(_kernel_gradient(_fold(x), dy))

    return _gather(_fold(x), _fold_kernel(kernel)), gradient


@tf.custom_gradient
def _upsample(x: Any, kernel: Any) -> Any:
    """(1, H, W, m) with (4, 4, n, m) to (1, 2H, 2W, n)."""

    def gradient(dy: Any) -> tuple[Any, Any]:
        dx = _gather(_fold(dy), _fold_kernel(kernel))
        return dx, _unfold_kernel(_kernel_gradient(_fold(dy), x))

    return _spread(x, kernel, 2), gradient


def _spread(x: Any, kernel: Any, stride: int) -> Any:
    """Every pixel of (1, H, W, m) times the kernel (k, k, n, m), added up."""
    _, height, width, _ = x.shape
    return tf.raw_ops.Conv2DBackpropInput(
        input_sizes=[1, height * stride, width * stride, kernel.shape[2]],
        filter=kernel,
        out_backprop=x,
        strides=[1, stride, stride, 1],
        padding="SAME",
    )


def _gather(padded: Any, kernel: Any) -> Any:
    """The convolution of a picture, padded as `_shifted` takes it, with (k, k, n, m)."""
    size, _, n, m = kernel.shape
    weights = tf.unstack(tf.reshape(kernel, (-1, n, m)))
    products = map(tf.matmul, _shifted(padded, size), weights)
    y = tf.reshape(tf.add_n(list(products)), (1, -1, padded.shape[2], m))
    return y[:, :, : 1 - size]


def _kernel_gradient(padded: Any, dy: Any) -> Any:
    """The gradient, (k, k, n, m), of such a convolution's kernel."""
    _, _, width, m = dy.shape
    size = padded.shape[2] - width + 1
    rows = tf.reshape(tf.pad(dy, [[0, 0], [0, 0], [0, size - 1], [0, 0]]), (-1, m))
    products = [tf.matmul(pixels, rows, transpose_a=True) for pixels in _shifted(padded, size)]
    return tf.reshape(tf.stack(products), (size, size, -1, m))


def _shifted(padded: Any, size: int) -> list[Any]:
    """The pixels that each of a kernel's weights sees, (H (W + size - 1), n), weight by weight.

    They run on from row to row of the padded picture, (1, H + size, W + size - 1, n), so that a
    shift of it needs no copy; what is beyond the picture's width meets zeros or is cut off. The
    last row is there for the last shift alone.
    """
    _, height, width, n = padded.shape
    pixels = tf.reshape(padded, (-1, n))
    starts = [i * width + j for i in range(size) for j in range(size)]
    return [pixels[start : start + (height - size) * width] for start in starts]


def _fold(x: Any) -> Any:
    """Squares of 2x2 pixels as one: of them, a 4x4 convolution with stride 2 sees 2x2, stride 1."""
    return tf.nn.space_to_depth(tf.pad(x, [[0, 0], [1, 3], [1, 1], [0, 0]]), 2)


def _fold_kernel(kernel: Any) -> Any:
    """(4, 4, n, m) -> (2, 2, 4n, m)."""
    n, m = kernel.shape[2:]
    squares = tf.reshape(kernel, (2, 2, 2, 2, n, m))
    return tf.reshape(tf.transpose(squares, (0, 2, 1, 3, 4, 5)), (2, 2, 4 * n, m))


def _unfold_kernel(kernel: Any) -> Any:
    """(2, 2, 4n, m) -> (4, 4, n, m)."""
    m = kernel.shape[3]
    squares = tf.reshape(kernel, (2, 2, 2, 2, -1, m))
    return tf.reshape(tf.transpose(squares, (0, 2, 1, 3, 4, 5)), (4, 4, -1, m))
