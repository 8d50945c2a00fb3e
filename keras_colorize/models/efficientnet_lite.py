"""EfficientNet-Lite, an image classifier whose stages can serve as the generator's encoder.

EfficientNet (Tan and Le 2019) in the Lite variant, which TensorFlow published in 2020, has no
squeeze-and-excitation and limits activations to 6, so that it runs well in 8 bits. Batch norm is
folded into the kernels, because the statistics of the pretrained network do not change and a
convolution with a bias needs fewer operations.
"""

import math
from dataclasses import dataclass
from typing import Any

import keras
from keras import layers

# Filters of the first and of the last convolution, in every variant.
STEM = 32
HEAD = 1280


@dataclass(frozen=True)
class Stage:
    """Inverted residual blocks (Sandler et al. 2018) at one resolution.

    Attributes:
        repeats: Number of blocks.
        kernel: Side of the depthwise kernels.
        stride: Stride of the first block.
        expansion: Factor by which a block increases the number of channels inside it.
        filters: Number of output channels of each block.
    """

    repeats: int
    kernel: int
    stride: int
    expansion: int
    filters: int


# Table 1 of Tan and Le: the stages of the variant lite0.
_STAGES = (
    Stage(1, 3, 1, 1, 16),
    Stage(2, 3, 2, 6, 24),
    Stage(2, 5, 2, 6, 40),
    Stage(3, 3, 2, 6, 80),
    Stage(3, 5, 1, 6, 112),
    Stage(4, 5, 2, 6, 192),
    Stage(1, 3, 1, 6, 320),
)
# Factors on filters and repeats. The repeats of the first and last stage are not scaled.
_SCALING = {
    "efficientnet_lite0": (1.0, 1.0),
    "efficientnet_lite1": (1.0, 1.1),
    "efficientnet_lite2": (1.1, 1.2),
}
# The stages whose outputs the generator uses, by how often they halve the image.
_TAKEN = {1: (1,), 2: (2,), 3: (3,), 4: (5,), 5: (6, 7)}


def stages_of(variant: str) -> tuple[Stage, ...]:
    """Returns the stages of `efficientnet_lite0`, `efficientnet_lite1` or `efficientnet_lite2`."""
    width, depth = _SCALING[variant]
    last = len(_STAGES) - 1
    return tuple(
        Stage(
            stage.repeats if i in (0, last) else math.ceil(stage.repeats * depth),
            stage.kernel,
            stage.stride,
            stage.expansion,
            _rounded(stage.filters * width),
        )
        for i, stage in enumerate(_STAGES)
    )


def _rounded(filters: float) -> int:
    """Rounds to a multiple of 8 that is at least 90 % of `filters`, as MobileNet does."""
    multiple = max(8, int(filters + 4) // 8 * 8)
    return multiple + 8 if multiple < 0.9 * filters else multiple


def encode(x: Any, variant: str, chroma_stride: int) -> list[Any]:
    """Builds the layers of an EfficientNet-Lite without its classifier.

    Args:
        x: (B, H, W, n): `lightness_scaled`, or RGB scaled to about [-1, 1].
        variant: which one.
        chroma_stride: c, which decides the scale in the names of the layers: those of stage s at
            1/(c 2^i) of the picture are `encoder_{i}_stage_{s}_...`.

    Returns:
        The outputs of the seven stages. The first has half of the resolution of x.
    """
    outputs = []
    halvings, shift = 1, chroma_stride.bit_length() - 1
    x = _convolve(x, STEM, 3, 2, f"encoder_{max(0, 1 - shift)}_stage_0_conv")
    for number, stage in enumerate(stages_of(variant), 1):
        halvings += stage.stride - 1
        prefix = f"encoder_{max(0, halvings - shift)}_stage_{number}"
        for block in range(1, stage.repeats + 1):
            x = _block(x, stage, first=block == 1, name=f"{prefix}_{block}")
        outputs.append(x)
    return outputs


def features_at(outputs: list[Any], halvings: int) -> list[Any]:
    """Chooses the outputs of an encoder that a node of the generator uses.

    Args:
        outputs: The result of `encode`.
        halvings: k, if the node works at 1/2^k of the size of the image.

    Returns:
        Tensors (B, H/2^k, W/2^k, n). The list is empty for k = 0 and beyond the last stage.
    """
    return [outputs[number - 1] for number in _TAKEN.get(halvings, ())]


def _convolve(
    x: Any, filters: int, kernel: int, stride: int, name: str, *, activate: bool = True
) -> Any:
    """Convolution with bias, then ReLU6.

    All layers compute in float32 whatever the precision of the rest: on a processor depthwise
    convolutions are several times slower in bfloat16, and on an accelerator they are a small part.
    """
    x = layers.Conv2D(
        filters,
        kernel,
        strides=stride,
        padding="same",
        kernel_initializer="he_normal",
        dtype="float32",
        name=name,
    )(x)
    return _activate(x, name) if activate else x


def _block(x: Any, stage: Stage, *, first: bool, name: str) -> Any:
    """Inverted residual block: expand 1x1, depthwise, project 1x1 without activation."""
    taken = x
    if stage.expansion > 1:
        x = _convolve(x, x.shape[-1] * stage.expansion, 1, 1, f"{name}_expand")
    x = layers.DepthwiseConv2D(
        stage.kernel,
        strides=stage.stride if first else 1,
        padding="same",
        depthwise_initializer="he_normal",
        dtype="float32",
        name=f"{name}_depthwise",
    )(x)
    x = _activate(x, f"{name}_depthwise")
    x = _convolve(x, stage.filters, 1, 1, f"{name}_project", activate=False)
    return x if first else layers.Add(dtype="float32", name=f"{name}_add")([taken, x])


def _activate(x: Any, name: str) -> Any:
    return layers.ReLU(6.0, dtype="float32", name=f"{name}_relu")(x)


def is_in_encoder(name: str) -> bool:
    """Whether `encode` builds the layer of this name or the variable of this path."""
    return "_stage_" in name


def build_classifier(variant: str) -> Any:
    """Builds the whole classifier of ImageNet's 1,000 classes, to check weights.

    Args:
        variant: `efficientnet_lite0`, `efficientnet_lite1` or `efficientnet_lite2`.

    Returns:
        A Keras model from RGB / 128 - 127/128, (B, H, W, 3), to logits (B, 1000).
    """
    rgb = keras.Input((None, None, 3), name="rgb_scaled")
    x = encode(rgb, variant, 1)[-1]
    x = _convolve(x, HEAD, 1, 1, "head_conv")
    x = layers.GlobalAveragePooling2D(name="head_pool")(x)
    return keras.Model(rgb, layers.Dense(1000, name="head_classes")(x), name=variant)
