"""Configurations of the networks."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Aggregation = Literal["improved_dla", "dla", "unet++", "unet"]
AGGREGATIONS: tuple[Aggregation, ...] = ("improved_dla", "dla", "unet++", "unet")
Encoder = Literal["plain", "efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2"]
ENCODERS: tuple[Encoder, ...] = (
    "plain",
    "efficientnet_lite0",
    "efficientnet_lite1",
    "efficientnet_lite2",
)
BaselineName = Literal["zhang2016", "iizuka2016", "pix2pix"]
BASELINES: tuple[BaselineName, ...] = ("zhang2016", "iizuka2016", "pix2pix")


@dataclass(frozen=True)
class GeneratorConfig:
    """Configuration of the generator.

    Attributes:
        widths: Numbers of filters of the nodes at scales 0 to 4. Each scale has half of the
            resolution of the one before.
        chroma_stride: c, which is 1, 2 or 4. The network predicts ab at 1/c of the resolution of
            its input.
        aggregation: The earlier nodes of its scale that a decoder node uses: `improved_dla` or
            `dla` (figures 3 and 1 of Gui et al.), or for comparison `unet++` or `unet`.
        encoder: The layers of the nodes X(i, 0): `plain` for the paper's convolutions, or the
            stages of an EfficientNet-Lite, which can start from ImageNet weights.
        convolutions: Number of 3x3 convolutions in a node. It is three in the paper.
    """

    widths: tuple[int, int, int, int, int] = (64, 128, 256, 512, 512)
    chroma_stride: int = 1
    aggregation: Aggregation = "improved_dla"
    encoder: Encoder = "plain"
    convolutions: int = 3

    def __post_init__(self) -> None:
        if len(self.widths) != 5 or min(self.widths) < 1:
            raise ValueError(f"widths must be five positive numbers, got {self.widths}.")
        if self.chroma_stride not in (1, 2, 4):
            raise ValueError(f"chroma_stride must be 1, 2 or 4, got {self.chroma_stride}.")
        if self.aggregation not in AGGREGATIONS:
            raise ValueError(f"aggregation must be one of {AGGREGATIONS}, got {self.aggregation}.")
        if self.encoder not in ENCODERS:
            raise ValueError(f"encoder must be one of {ENCODERS}, got {self.encoder}.")
        if self.convolutions < 1:
            raise ValueError(f"convolutions must be at least 1, got {self.convolutions}.")

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any]) -> "GeneratorConfig":
        """Creates a configuration from the result of `dataclasses.asdict`, also after JSON."""
        return cls(**{**fields, "widths": tuple(fields["widths"])})

    @property
    def size_multiple(self) -> int:
        """The number that height and width of the input must be multiples of."""
        return 16 * self.chroma_stride


@dataclass(frozen=True)
class BaselineConfig:
    """Configuration of a baseline, a network from another paper.

    Attributes:
        name: The name of the baseline.
        width: Factor on the numbers of filters of all layers. 1 gives the network of the paper.
        size: A number that the sides of all training crops are multiples of. Below 256, the U-Net
            of pix2pix has fewer levels. Below 224, the global network of Iizuka et al. has a
            smaller input.
    """

    name: BaselineName
    width: float = 1.0
    size: int = 256

    def __post_init__(self) -> None:
        if self.name not in BASELINES:
            raise ValueError(f"name must be one of {BASELINES}, got {self.name}.")
        if not 0 < self.width <= 4:
            raise ValueError(f"width must be in (0, 4], got {self.width}.")
        if self.size < 16 or self.size % 16:
            raise ValueError(f"size must be a positive multiple of 16, got {self.size}.")


@dataclass(frozen=True)
class DiscriminatorConfig:
    """Configuration of the patch discriminator (table 1 of Gui et al.).

    Attributes:
        widths: Numbers of filters of the 4x4 convolutions before the last one.
        strides: Strides of these convolutions. Use smaller strides for small ab maps, so that the
            discriminator still judges patches.
        last_kernel: Kernel size of the last convolution. It is 4 in the paper's table and 1 in its
            text.
        first_batch_norm: Whether batch norm follows the first convolution. In pix2pix it does not.
    """

    widths: tuple[int, ...] = (64, 128, 256, 512)
    strides: tuple[int, ...] = (2, 2, 2, 2)
    last_kernel: int = 4
    first_batch_norm: bool = True

    def __post_init__(self) -> None:
        if len(self.widths) != len(self.strides):
            raise ValueError(f"{len(self.widths)} widths need as many strides, got {self.strides}.")

    @property
    def receptive_field(self) -> int:
        """Side of the square that one logit depends on, in pixels of the ab map."""
        field_ = self.last_kernel
        for stride in reversed(self.strides):
            field_ = (field_ - 1) * stride + 4
        return field_
