"""Configurations of networks and training, and the presets that put them together."""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Aggregation = Literal["improved_dla", "dla", "unet++", "unet"]
AGGREGATIONS: tuple[Aggregation, ...] = ("improved_dla", "dla", "unet++", "unet")
RivalName = Literal["zhang2016", "iizuka2016", "pix2pix"]
RIVALS: tuple[RivalName, ...] = ("zhang2016", "iizuka2016", "pix2pix")

CROP = (8 / 9, 8 / 9)  # least and greatest side of a random crop over its photograph's short side


@dataclass(frozen=True)
class GeneratorConfig:
    """Shape of the generator.

    Attributes:
        widths: kernels of the blocks at scales 0 to 4, each scale at half the resolution of
            the one before.
        chroma_stride: c; the network works and predicts ab at 1/c of the input's resolution.
        aggregation: which earlier nodes of its scale a decoder node takes (DLA, figure 1 and 3
            of Gui et al.; UNet++ and U-Net for comparison).
    """

    widths: tuple[int, int, int, int, int] = (64, 128, 256, 512, 512)
    chroma_stride: int = 1
    aggregation: Aggregation = "improved_dla"

    def __post_init__(self) -> None:
        if len(self.widths) != 5 or min(self.widths) < 1:
            raise ValueError(f"widths must be five positive numbers, got {self.widths}.")
        if self.chroma_stride not in (1, 2, 4):
            raise ValueError(f"chroma_stride must be 1, 2 or 4, got {self.chroma_stride}.")
        if self.aggregation not in AGGREGATIONS:
            raise ValueError(f"aggregation must be one of {AGGREGATIONS}, got {self.aggregation}.")

    @property
    def size_multiple(self) -> int:
        """Height and width of the input must be multiples of this."""
        return 16 * self.chroma_stride


@dataclass(frozen=True)
class RivalConfig:
    """A network that the method is compared with, from its own paper.

    Attributes:
        name: which one.
        width: factor on the kernels of all of its layers; 1 is the paper's.
        size: what the sides of its training crops are multiples of. Below 256, pix2pix's U-Net
            has fewer levels, and below 224 the global network of Iizuka et al. a smaller input.
    """

    name: RivalName
    width: float = 1.0
    size: int = 256

    def __post_init__(self) -> None:
        if self.name not in RIVALS:
            raise ValueError(f"name must be one of {RIVALS}, got {self.name}.")
        if not 0 < self.width <= 4:
            raise ValueError(f"width must be in (0, 4], got {self.width}.")
        if self.size < 16 or self.size % 16:
            raise ValueError(f"size must be a positive multiple of 16, got {self.size}.")

    @property
    def depth(self) -> int:
        """How often pix2pix halves its input: as often as the crops allow, at most 8 times."""
        return min(8, (self.size & -self.size).bit_length() - 1)

    @property
    def size_multiple(self) -> int:
        """Height and width of the input must be multiples of this."""
        return int(2**self.depth) if self.name == "pix2pix" else 8


@dataclass(frozen=True)
class DiscriminatorConfig:
    """Shape of the patch discriminator (table 1 of Gui et al.).

    Attributes:
        widths: kernels of the 4x4 convolutions before the last one.
        strides: their strides; smaller ones keep it a patch critic on small ab maps.
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


@dataclass(frozen=True)
class Stage:
    """A stretch of epochs, `first_epoch` up to but without `stop_epoch`, counted from 0.

    Attributes:
        first_epoch: where it begins.
        stop_epoch: where the next one begins.
        size: side of the crops.
        adversarial: whether the discriminator takes part.
    """

    first_epoch: int
    stop_epoch: int
    size: int
    adversarial: bool


@dataclass(frozen=True)
class TrainingConfig:
    """The recipe; the defaults are the paper's (sections 3.3 and 4 of Gui et al.).

    Attributes:
        size: side of the square training crops in pixels.
        grow: (epoch, size) pairs: from that epoch on (counted from 0) the crops have that side;
            small crops first cost less.
        crop: least and greatest side of a random crop, before it is resized, over the short side
            of its photograph.
        aging: share of the crops whose lightness is made that of an old photograph.
        batch_size: images a step.
        accumulation: steps whose mean gradient moves the weights once, as that of one larger
            batch would; batch norm still sees each batch by itself, and the discriminator by
            which the generator is judged moves with the last of them.
        epochs: how many; an epoch is `steps_per_epoch` steps.
        steps_per_epoch: steps an epoch, whole accumulations; None = one pass over the folder.
        optimizer: of the generator; the discriminator's is Adam.
        learning_rate: of the generator; `muon` takes the same as `adam`.
        schedule: `constant`, or down to zero over the whole run: `linear`, or `cosine`, which
            falls slowly at first and at last.
        beta_1: Adam's first-moment decay, of both networks.
        discriminator_rate_ratio: the discriminator's learning rate over the generator's.
        l1_weight: lambda, weight of the L1 loss beside the adversarial one.
        warm_up_epochs: first epochs with the L1 loss alone.
        label_smoothing: one-sided: the discriminator's target for real images is 1 minus it.
        frozen_statistics: the generator's batch norms keep the statistics that they start with;
            for fine-tuning.
        ema: decay of the moving average of the generator's weights; 0 = no average.
        precision: of the computation: `bfloat16` on accelerators; `float16` with its losses
            scaled. Weights and losses stay float32.
        seed: of weights, order and crops.
    """

    size: int = 256
    grow: tuple[tuple[int, int], ...] = ()
    crop: tuple[float, float] = CROP
    aging: float = 0.0
    batch_size: int = 16
    accumulation: int = 1
    epochs: int = 20
    steps_per_epoch: int | None = None
    optimizer: Literal["adam", "muon"] = "adam"
    learning_rate: float = 3e-4
    schedule: Literal["constant", "linear", "cosine"] = "constant"
    beta_1: float = 0.5
    discriminator_rate_ratio: float = 1.0
    l1_weight: float = 100.0
    warm_up_epochs: int = 0
    label_smoothing: float = 0.0
    frozen_statistics: bool = False
    ema: float = 0.0
    precision: Literal["float32", "bfloat16", "float16"] = "float32"
    seed: int = 0

    def __post_init__(self) -> None:
        least, greatest = self.crop
        if not 0 < least <= greatest <= 1:
            raise ValueError(
                f"crop must be shares of a side, 0 to 1, the least first: {self.crop}."
            )
        if self.steps_per_epoch and self.steps_per_epoch % self.accumulation:
            raise ValueError(
                f"steps_per_epoch must be a multiple of accumulation, {self.accumulation}, "
                f"got {self.steps_per_epoch}."
            )

    @property
    def images_per_update(self) -> int:
        """How many images move the weights once."""
        return self.batch_size * self.accumulation

    def stages(self) -> list[Stage]:
        """The run as stretches of epochs that differ in nothing."""
        sizes = {0: self.size, **dict(self.grow)}
        starts = sorted({start for start in (*sizes, self.warm_up_epochs) if start < self.epochs})
        return [
            Stage(
                first_epoch=start,
                stop_epoch=stop,
                size=sizes[max(epoch for epoch in sizes if epoch <= start)],
                adversarial=start >= self.warm_up_epochs,
            )
            for start, stop in zip(starts, [*starts[1:], self.epochs], strict=True)
        ]


@dataclass(frozen=True)
class Preset:
    """A network and the recipe that trains it.

    Attributes:
        name: what `--preset` takes.
        reproduces: what it is for, in a sentence.
        command: the command that trains it.
        measured: its score and what it took, or what is not known.
        generator: the network that predicts ab.
        discriminator: its critic; None for a method without one.
    """

    name: str
    reproduces: str
    command: str
    measured: str
    generator: GeneratorConfig | RivalConfig = field(default_factory=GeneratorConfig)
    discriminator: DiscriminatorConfig | None = field(default_factory=DiscriminatorConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)

    def describe(self) -> dict[str, Any]:
        """The three configurations as plain data, for a run folder's `config.json`."""
        return {
            "generator": asdict(self.generator),
            "discriminator": self.discriminator and asdict(self.discriminator),
            "training": asdict(self.training),
        }


PRESETS: dict[str, Preset] = {
    preset.name: preset
    for preset in (
        Preset(
            name="paper",
            reproduces="Gui, Gu and Shi's network and recipe, for Places365 or ILSVRC2012",
            command="keras-colorize train FOLDER --preset paper --run runs/paper",
            measured="4 passes over 7,700 photographs, 0.4 dB below grey: see docs/results.md",
        ),
        Preset(
            name="mobile",
            reproduces="the packaged weights: half of the paper's widths, ab at a quarter of L",
            command="keras-colorize train FOLDER --preset mobile --run runs/mobile",
            measured="1.4 dB of PSNR over grey, with another recipe: see weights/README.md",
            generator=GeneratorConfig(widths=(32, 64, 128, 256, 256), chroma_stride=4),
            discriminator=DiscriminatorConfig(widths=(32, 64, 64, 128), strides=(2, 1, 1, 1)),
            training=TrainingConfig(
                size=128,
                grow=((6, 192),),
                batch_size=32,
                epochs=10,
                learning_rate=1.2e-3,
                schedule="linear",
                beta_1=0.9,
                discriminator_rate_ratio=0.2,
                warm_up_epochs=10,
            ),
        ),
        Preset(
            name="quality",
            reproduces="the paper's widths at the resolution of mobile: ab at a quarter of L",
            command="keras-colorize train FOLDER --preset quality --run runs/quality",
            measured="1.4 dB of PSNR over grey: on 7,700 photographs no better than mobile",
            generator=GeneratorConfig(chroma_stride=4),
            discriminator=DiscriminatorConfig(widths=(32, 64, 64, 128), strides=(2, 1, 1, 1)),
            training=TrainingConfig(
                batch_size=32,
                learning_rate=6e-4,
                schedule="linear",
                beta_1=0.9,
                discriminator_rate_ratio=0.2,
                warm_up_epochs=20,
                ema=0.999,
            ),
        ),
        Preset(
            name="tiny",
            reproduces="nothing: the smallest network of the family, for tests and first tries",
            command="keras-colorize train FOLDER --preset tiny --run runs/tiny",
            measured="not meant to colour well",
            generator=GeneratorConfig(widths=(4, 8, 8, 8, 8), chroma_stride=2),
            discriminator=DiscriminatorConfig(widths=(4, 8, 8), strides=(2, 2, 1)),
            training=TrainingConfig(size=64, batch_size=4, epochs=2, learning_rate=1e-3),
        ),
    )
}
