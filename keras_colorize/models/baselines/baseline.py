"""The interface of a baseline, a network from another paper to compare with."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_colorize.config import BaselineConfig, DiscriminatorConfig

ColorLoss = Callable[[Any, Any], Any]  # of real ab, and of generated ab or logits
MeasurePrior = Callable[[], NDArray[np.float64]]  # see `measure_prior` of `models.ab_bins`


@dataclass(frozen=True)
class Baseline:
    """A network from another paper, with everything needed to train and use it.

    Attributes:
        build: Builds the generator, a functional model from `lightness_scaled` (B, H, W, 1) to
            `ab_scaled` (B, H/c, W/c, 2).
        size_multiple: Returns the number that the sides of a generator's input must be multiples
            of.
        discriminator: Returns the configuration of the discriminator for a factor on all widths.
            None means that the network is trained without a discriminator.
        loss: Returns the colour loss. Its argument is a function that measures how often each ab
            bin occurs in the training photographs. None means the L1 loss.
    """

    build: Callable[[BaselineConfig], Any]
    size_multiple: Callable[[Any], int]
    discriminator: Callable[[float], DiscriminatorConfig] | None = None
    loss: Callable[[MeasurePrior], ColorLoss] | None = None
