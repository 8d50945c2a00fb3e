"""The baseline of Iizuka, Simo-Serra and Ishikawa (2016)."""

from collections.abc import Sequence
from functools import reduce
from typing import Any

import keras
from keras import layers, ops

from keras_colorize.models.baselines.baseline import Baseline
from keras_colorize.models.blocks import MOMENTUM, scaled

Table = Sequence[tuple[int, int]]  # (filters, stride) of each convolution of a chain

# The paper's 3x3 convolutions (its table 1).
LOW_LEVEL = ((64, 2), (128, 1), (128, 2), (256, 1), (256, 2), (512, 1))
MID_LEVEL = ((512, 1), (256, 1))
GLOBAL = ((512, 2), (512, 1), (512, 2), (512, 1))


def build_iizuka2016(width: float = 1.0, global_size: int = 224) -> Any:
    """Builds the network of "Let there be Color!" (Iizuka et al. 2016), from L to ab.

    It computes a vector of global features from a copy of the image with a fixed size, and joins it
    with the local features at each position. The paper's branch that classifies the scene is not
    built, because it needs labels.

    Args:
        width: times the paper's filters, as `keras_colorize.models.blocks.scaled` rounds them.
        global_size: side of the square copy; 224 in the paper, for crops of that size.

    Returns:
        A functional model from `lightness_scaled`, (B, H, W, 1) in [-1, 1], to `ab_scaled`,
        (B, H/2, W/2, 2) in [-1, 1]. H and W must be multiples of 8.

    Examples:
        >>> generator = build_iizuka2016(width=0.25, global_size=64)
        >>> generator.predict(np.zeros((1, 64, 96, 1))).shape
        (1, 32, 48, 2)
    """

    def through(x: Any, *chained: Any) -> Any:
        return reduce(lambda x, layer: layer(x), chained, x)

    def normalize_activate(name: str) -> tuple[Any, Any]:
        batch_norm = layers.BatchNormalization(momentum=MOMENTUM, name=f"{name}_bn")
        return batch_norm, layers.ReLU(name=f"{name}_relu")

    def chain(name: str, table: Table, size: int = 3, padding: str = "same") -> list[Any]:
        chained = []
        for k, (filters, stride) in enumerate(table, 1):
            convolution = layers.Conv2D(
                scaled(filters, width),
                size,
                strides=stride,
                padding=padding,
                use_bias=False,
                kernel_initializer="he_normal",
                name=f"{name}_{k}",
            )
            chained += [convolution, *normalize_activate(f"{name}_{k}")]
        return chained

    lightness = keras.Input((None, None, 1), name="lightness_scaled")
    low_level = chain("low", LOW_LEVEL)  # shared by the image and its copy
    everywhere = through(lightness, *low_level, *chain("mid", MID_LEVEL))  # (B, H/8, W/8, 256)

    x = layers.Resizing(global_size, global_size, name="global_copy")(lightness)
    x = through(x, *low_level, *chain("global", GLOBAL))
    # A dense layer is a convolution whose kernel is as large as its input.
    x = through(x, *chain("global_dense", [(1024, 1)], size=x.shape[1], padding="valid"))
    whole = through(x, *chain("global_vector", [(512, 1), (256, 1)], size=1))  # (B, 1, 1, 256)

    # A 1x1 convolution of both, concatenated at each position, equals the sum of two convolutions.
    # In this form, the one of the vector is computed only once.
    parts = [
        layers.Conv2D(scaled(256, width), 1, use_bias=False, name=f"fusion_{name}")(x)
        for name, x in (("mid", everywhere), ("global", whole))
    ]
    x = layers.Add(name="fusion")(parts)
    x = through(x, *normalize_activate("fusion"), *chain("color_8", [(128, 1)]))
    x = layers.UpSampling2D(2, name="color_4_up")(x)  # nearest
    x = through(x, *chain("color_4", [(64, 1), (64, 1)]))
    x = layers.UpSampling2D(2, name="color_2_up")(x)
    x = through(x, *chain("color_2", [(32, 1)]))

    # Always float32, as in the generator.
    x = layers.Conv2D(
        2, 3, padding="same", activation="sigmoid", dtype="float32", name="color_2_sigmoid"
    )(x)
    ab = layers.Rescaling(2.0, -1.0, dtype="float32", name="ab_scaled")(x)
    return keras.Model(lightness, ab, name="iizuka2016")


@keras.saving.register_keras_serializable("keras_colorize")
def mean_squared_error(real_ab: Any, generated_ab: Any) -> Any:
    """Computes the mean squared difference over pixels and both channels (Iizuka et al. 2016).

    Args:
        real_ab: (B, H, W, 2), scaled to [-1, 1].
        generated_ab: (B, H, W, 2), scaled to [-1, 1].

    Returns:
        A float32 scalar in [0, 4].
    """
    difference = ops.cast(generated_ab, "float32") - ops.cast(real_ab, "float32")
    return ops.mean(ops.square(difference))


BASELINE = Baseline(
    build=lambda config: build_iizuka2016(config.width, global_size=min(224, config.size)),
    size_multiple=lambda _: 8,
    loss=lambda _: mean_squared_error,
)
