"""The generator's building blocks.

With `batch_norm=False` every convolution has a bias instead, ready to receive folded weights.
"""

from typing import Any

import keras

# Over ten steps: over Keras's hundred the moving statistics lag so far behind weights that still
# change fast that a half-trained generator was 12 dB worse than grey, and without the lag better.
MOMENTUM = 0.9


def scaled(filters: int, width: float) -> int:
    """Returns `width` times `filters`, rounded to a multiple of 8 and at least 8."""
    return max(8, 8 * round(filters * width / 8))


def _normalize_activate(x: Any, *, batch_norm: bool, name: str) -> Any:
    if batch_norm:
        x = keras.layers.BatchNormalization(momentum=MOMENTUM, name=f"{name}_bn")(x)
    return keras.layers.ReLU(name=f"{name}_relu")(x)


def conv_block(
    x: Any,
    width: int,
    *,
    batch_norm: bool,
    name: str,
    fold: int = 1,
    convolutions: int = 3,
) -> Any:
    """Repeats [convolution 3x3, batch norm, ReLU]; three times in figure 4 of Gui et al.

    Args:
        x: (B, H, W, n).
        width: Number of filters of each convolution.
        batch_norm: False builds convolutions with biases and no batch norm.
        name: Prefix of the layers; the convolutions are `{name}_conv_1`, `{name}_conv_2` and so on.
        fold: c. The first convolution is 3c x 3c with stride c. It is the same as a 3x3
            convolution of the input folded by space-to-depth, but needs no further operation.
        convolutions: Number of convolutions.

    Returns:
        (B, H/c, W/c, width).
    """
    for k in range(1, convolutions + 1):
        stride = fold if k == 1 else 1
        x = keras.layers.Conv2D(
            width,
            3 * stride,
            strides=stride,
            padding="same",
            use_bias=not batch_norm,
            kernel_initializer="he_normal",
            name=f"{name}_conv_{k}",
        )(x)
        x = _normalize_activate(x, batch_norm=batch_norm, name=f"{name}_conv_{k}")
    return x


def downsample(x: Any, width: int, *, batch_norm: bool, name: str) -> Any:
    """Convolution 4x4 with stride 2, batch norm, ReLU: (B, H, W, n) -> (B, H/2, W/2, width)."""
    x = keras.layers.Conv2D(
        width,
        4,
        strides=2,
        padding="same",
        use_bias=not batch_norm,
        kernel_initializer="he_normal",
        name=name,
    )(x)
    return _normalize_activate(x, batch_norm=batch_norm, name=name)


def upsample(x: Any, width: int, *, batch_norm: bool, name: str) -> Any:
    """Transposed convolution 4x4 with stride 2, batch norm, ReLU.

    Batch norm comes in between. The kernel size is a multiple of the stride, so there are no
    checkerboard artefacts (Odena et al. 2016).
    """
    x = keras.layers.Conv2DTranspose(
        width,
        4,
        strides=2,
        padding="same",
        use_bias=not batch_norm,
        kernel_initializer="he_normal",
        name=name,
    )(x)
    return _normalize_activate(x, batch_norm=batch_norm, name=name)


def project(x: Any, width: int, *, batch_norm: bool, name: str) -> Any:
    """Convolution 1x1, batch norm, ReLU: (B, H, W, n) -> (B, H, W, width)."""
    x = keras.layers.Conv2D(
        width, 1, use_bias=not batch_norm, kernel_initializer="he_normal", name=name
    )(x)
    return _normalize_activate(x, batch_norm=batch_norm, name=name)
