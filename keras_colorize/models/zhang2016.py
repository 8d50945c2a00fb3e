"""The network of Zhang, Isola and Efros, "Colorful Image Colorization" (ECCV 2016)."""

from importlib import import_module
from typing import Any

from keras_colorize.imaging.color import scale_ab
from keras_colorize.models.ab_bins import ab_bins
from keras_colorize.models.blocks import MOMENTUM, scaled, upsample

TEMPERATURE = 0.38  # of the annealed mean: 1 is the mean, 0 the mode
# Kernels, convolutions, stride of the last one, dilation of each: blocks 1 to 7 of the paper.
BLOCKS = (
    (64, 2, 2, 1),
    (128, 2, 2, 1),
    (256, 3, 2, 1),
    (512, 3, 1, 1),
    (512, 3, 1, 2),
    (512, 3, 1, 2),
    (512, 3, 1, 1),
)
LAST_KERNELS = 256


def build_zhang2016(width: float = 1.0, *, keras: Any = None) -> Any:
    """Builds the network that predicts a distribution over ab bins from L.

    Args:
        width: scales the kernels of all blocks, to multiples of 8 and at least 8; the paper's
            network is 1.
        keras: the Keras module to build with; default: Keras 3.

    Returns:
        A functional model from `lightness_scaled`, (B, H, W, 1) in [-1, 1], to `ab_logits`,
        (B, H/4, W/4, 313), over the bins of `keras_colorize.models.ab_bins`. H and W are any
        multiples of 8. `with_annealed_mean` makes colours of them.

    Raises:
        ValueError: the width is not positive.

    Examples:
        >>> network = with_annealed_mean(build_zhang2016(width=0.25))
        >>> network.predict(np.zeros((1, 64, 96, 1))).shape
        (1, 16, 24, 2)
    """
    if not width > 0:
        raise ValueError(f"width must be positive, got {width}.")
    keras = keras or import_module("keras")

    lightness = keras.Input((None, None, 1), name="lightness_scaled")
    x = lightness
    for n, (kernels, count, last_stride, dilation) in enumerate(BLOCKS, 1):
        for k in range(1, count + 1):
            stride = last_stride if k == count else 1
            name = f"block_{n}_conv_{k}"
            x = _convolution(keras, x, scaled(kernels, width), stride, dilation, name)
        x = keras.layers.BatchNormalization(momentum=MOMENTUM, name=f"block_{n}_bn")(x)
    x = upsample(keras, x, scaled(LAST_KERNELS, width), batch_norm=False, name="block_8_up")
    for k in (1, 2):
        x = _convolution(keras, x, scaled(LAST_KERNELS, width), 1, 1, f"block_8_conv_{k}")
    # float32 whatever the precision policy: a softmax over 313 bins follows.
    logits = keras.layers.Conv2D(len(ab_bins()), 1, dtype="float32", name="ab_logits")(x)
    return keras.Model(lightness, logits, name="zhang2016")


def with_annealed_mean(model: Any) -> Any:
    """Ends the network in colours, for inference: the paper's annealed mean, with T = 0.38.

    It is made of Keras's own layers, 1 / T and the bins being fixed kernels, so that a saved file
    loads without this package.

    Args:
        model: of `build_zhang2016`; its layers are shared, not copied.

    Returns:
        A functional model from `lightness_scaled` to `ab_scaled`, (B, H/4, W/4, 2) in [-1, 1]:
        the mean of the bins under softmax(logits / T).
    """
    import keras

    layers = keras.layers
    fixed = {"use_bias": False, "trainable": False, "dtype": "float32"}
    # Not a Rescaling layer: on JAX it imports TensorFlow.
    sharper = keras.initializers.Constant(1 / TEMPERATURE)
    x = layers.DepthwiseConv2D(1, depthwise_initializer=sharper, name="ab_annealed", **fixed)(
        model.output
    )
    x = layers.Softmax(dtype="float32", name="ab_distribution")(x)
    mean = layers.Conv2D(2, 1, name="ab_scaled", **fixed)
    ab = mean(x)
    mean.set_weights([scale_ab(ab_bins())[None, None]])  # (1, 1, 313, 2)
    return keras.Model(model.input, ab, name=model.name)


def _convolution(keras: Any, x: Any, kernels: int, stride: int, dilation: int, name: str) -> Any:
    x = keras.layers.Conv2D(
        kernels,
        3,
        strides=stride,
        dilation_rate=dilation,
        padding="same",
        kernel_initializer="he_normal",
        name=name,
    )(x)
    return keras.layers.ReLU(name=f"{name}_relu")(x)
