"""The recipe of a training."""

from dataclasses import dataclass
from typing import Literal

CROP = (8 / 9, 8 / 9)  # least and greatest side of a random crop over its photograph's short side


@dataclass(frozen=True)
class Stage:
    """A stretch of epochs, `first_epoch` up to but without `stop_epoch`, counted from 0.

    Attributes:
        first_epoch: where it begins.
        stop_epoch: where the next one begins.
        size: side of the crops.
        adversarial: whether the discriminator takes part.
        frozen_encoder: whether a pretrained encoder rests.
    """

    first_epoch: int
    stop_epoch: int
    size: int
    adversarial: bool
    frozen_encoder: bool = False


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
        learning_rate: of the generator.
        schedule: `constant`, or down to zero over the whole run: `linear`, or `cosine`, which
            falls slowly at first and at last.
        beta_1: Adam's first-moment decay, of both networks.
        discriminator_rate_ratio: the discriminator's learning rate over the generator's.
        l1_weight: lambda, weight of the L1 loss beside the adversarial one.
        warm_up_epochs: first epochs with the L1 loss alone.
        label_smoothing: one-sided: the discriminator's target for real images is 1 minus it.
        encoder_weights: what the encoder starts from: `imagenet`, or None for random weights. A run
            that is fine-tuned from other weights takes the encoder from there. With `imagenet` the
            depthwise kernels stay as they are: on a processor their gradient takes a quarter of a
            step, and they are one in seventeen of the encoder's weights.
        frozen_encoder_epochs: first epochs in which the rest learns and a pretrained encoder rests.
        encoder_rate_ratio: share of each filter's size (its root mean square) that a step moves a
            pretrained encoder after that, over the rest's learning rate. With 2 and a learning rate
            of 6e-4, a step moves 0.12 % of the size. The encoder's biases stay as they are.
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
    learning_rate: float = 3e-4
    schedule: Literal["constant", "linear", "cosine"] = "constant"
    beta_1: float = 0.5
    discriminator_rate_ratio: float = 1.0
    l1_weight: float = 100.0
    warm_up_epochs: int = 0
    label_smoothing: float = 0.0
    encoder_weights: Literal["imagenet"] | None = None
    frozen_encoder_epochs: int = 0
    encoder_rate_ratio: float = 2.0
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
        if self.frozen_encoder_epochs and self.encoder_weights is None:
            raise ValueError("frozen_encoder_epochs are of an encoder that has encoder_weights.")

    @property
    def images_per_update(self) -> int:
        """How many images move the weights once."""
        return self.batch_size * self.accumulation

    def stages(self) -> list[Stage]:
        """The run as stretches of epochs that differ in nothing."""
        sizes = {0: self.size, **dict(self.grow)}
        changes = (*sizes, self.warm_up_epochs, self.frozen_encoder_epochs)
        starts = sorted({start for start in changes if start < self.epochs})
        return [
            Stage(
                first_epoch=start,
                stop_epoch=stop,
                size=sizes[max(epoch for epoch in sizes if epoch <= start)],
                adversarial=start >= self.warm_up_epochs,
                frozen_encoder=start < self.frozen_encoder_epochs,
            )
            for start, stop in zip(starts, [*starts[1:], self.epochs], strict=True)
        ]
