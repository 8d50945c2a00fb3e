"""The recipe of a training."""

from dataclasses import dataclass
from typing import Literal

# Smallest and largest side of a random crop, as shares of the short side of its photograph.
CROP = (8 / 9, 8 / 9)


@dataclass(frozen=True)
class Stage:
    """A range of epochs with the same settings.

    Attributes:
        first_epoch: The first epoch, counted from 0.
        stop_epoch: The epoch after the last one.
        size: Side of the crops in pixels.
        adversarial: Whether the discriminator takes part.
        frozen_encoder: Whether a pretrained encoder is frozen.
    """

    first_epoch: int
    stop_epoch: int
    size: int
    adversarial: bool
    frozen_encoder: bool = False


@dataclass(frozen=True)
class TrainingConfig:
    """The recipe of a training. The defaults are the paper's (sections 3.3 and 4 of Gui et al.).

    Attributes:
        size: Side of the square training crops in pixels.
        grow: Pairs (epoch, size). From this epoch on, counted from 0, the crops have this side.
            Small crops at the start save time.
        crop: Smallest and largest side of a random crop before it is resized, as shares of the
            short side of its photograph.
        aging: Share of the crops whose lightness is changed to that of an old photograph.
        batch_size: Number of images in a step.
        accumulation: Number of steps whose mean gradient updates the weights once. It has the
            effect of a larger batch, except that batch norm uses each batch on its own, and that
            the discriminator changes only after the last of these steps.
        epochs: Number of epochs.
        steps_per_epoch: Number of steps in an epoch, a multiple of `accumulation`. None means one
            pass over the photographs.
        learning_rate: Learning rate of the generator.
        schedule: `constant`, or a decrease to zero over the whole run: `linear`, or `cosine`, which
            decreases slowly at the start and at the end.
        beta_1: Decay of the first moment of Adam, for both networks.
        discriminator_rate_ratio: The discriminator's learning rate divided by the generator's.
        l1_weight: Weight of the L1 loss relative to the adversarial loss (lambda).
        warm_up_epochs: Number of first epochs with the L1 loss alone.
        label_smoothing: The discriminator's target for real images is 1 minus this value.
        encoder_weights: `imagenet`, or None for random weights in the encoder. Fine-tuning uses the
            encoder of the weights that it starts from instead. With `imagenet`, the depthwise
            kernels are not trained: on a CPU their gradient takes a quarter of a step, and they are
            one seventeenth of the encoder's weights.
        frozen_encoder_epochs: Number of first epochs in which a pretrained encoder is frozen.
        encoder_rate_ratio: Size of the steps of a pretrained encoder. A step changes each filter by
            about this factor times the learning rate, relative to the filter's root mean square.
            With a factor of 2 and a learning rate of 6e-4, it changes by 0.12 %. The encoder's
            biases are not trained.
        frozen_statistics: Whether the generator's batch norm keeps its initial statistics. This is
            for fine-tuning.
        ema: Decay of the moving average of the generator's weights; 0 means no average.
        precision: Precision of the computation. `bfloat16` is for accelerators, and `float16` uses
            loss scaling. Weights and losses are always float32.
        seed: Seed of the weights, the order of photographs and the crops.
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
                f"crop must be two shares in (0, 1], the smaller one first, got {self.crop}."
            )
        if self.steps_per_epoch and self.steps_per_epoch % self.accumulation:
            raise ValueError(
                f"steps_per_epoch must be a multiple of accumulation, {self.accumulation}, "
                f"got {self.steps_per_epoch}."
            )
        if self.frozen_encoder_epochs and self.encoder_weights is None:
            raise ValueError("frozen_encoder_epochs need encoder_weights.")

    @property
    def images_per_update(self) -> int:
        """Number of images in an update of the weights."""
        return self.batch_size * self.accumulation

    def stages(self) -> list[Stage]:
        """Divides the run into ranges of epochs with the same settings."""
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
