"""Shapes of the networks."""

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
    """Shape of the generator.

    Attributes:
        widths: filters of the nodes at scales 0 to 4, each scale at half the resolution of the
            one before.
        chroma_stride: c; the network works and predicts ab at 1/c of the input's resolution.
        aggregation: which earlier nodes of its scale a decoder node takes (DLA, figure 1 and 3
            of Gui et al.; UNet++ and U-Net for comparison).
        encoder: what the nodes X(i, 0) are made of: `plain`, the paper's convolutions, or the
            stages of an EfficientNet-Lite, which can start from ImageNet weights.
        convolutions: 3x3 convolutions of a node; the paper has three.
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
        """Takes what `dataclasses.asdict` made, perhaps by way of JSON."""
        return cls(**{**fields, "widths": tuple(fields["widths"])})

    @property
    def size_multiple(self) -> int:
        """Height and width of the input must be multiples of this."""
        return 16 * self.chroma_stride


@dataclass(frozen=True)
class BaselineConfig:
    """A network that the method is compared with, from its own paper.

    Attributes:
        name: which one.
        width: factor on the filters of all of its layers; 1 is the paper's.
        size: what the sides of its training crops are multiples of. Below 256, pix2pix's U-Net
            has fewer levels, and below 224 the global network of Iizuka et al. a smaller input.
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
    """Shape of the patch discriminator (table 1 of Gui et al.).

    Attributes:
        widths: filters of the 4x4 convolutions before the last one.
        strides: their strides; smaller ones keep it a discriminator of patches on small ab maps.
        last_kernel: kernel size of the last convolution: 4 as in the paper's table, 1 as in
            its text.
        first_batch_norm: whether batch norm follows the first convolution too; in pix2pix it
            does not.
    """

    widths: tuple[int, ...] = (64, 128, 256, 512)
    strides: tuple[int, ...] = (2, 2, 2, 2)
    last_kernel: int = 4
    first_batch_norm: bool = True

    def __post_init__(self) -> None:
        if len(self.widths) != len(self.strides):
            raise ValueError(f"{len(self.widths)} widths need as many strides: {self.strides}.")

    @property
    def receptive_field(self) -> int:
        """Side, in pixels of the ab map, of the square that one logit sees."""
        field_ = self.last_kernel
        for stride in reversed(self.strides):
            field_ = (field_ - 1) * stride + 4
        return field_
