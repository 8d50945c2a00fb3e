"""What a network needs to be compared with the method."""

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
    """A network from another paper, with what its training and its use need.

    Attributes:
        build: builds its generator, a functional model from `lightness_scaled` (B, H, W, 1) to
            `ab_scaled` (B, H/c, W/c, 2).
        size_multiple: tells what the sides of the input of such a generator are multiples of.
        discriminator: the configuration of its discriminator for a factor on all widths; None for
            a network that is trained without one.
        loss: makes the loss between real and generated colour. It is given a function that
            measures how often each ab bin occurs in the training photographs. None is L1.
    """

    build: Callable[[BaselineConfig], Any]
    size_multiple: Callable[[Any], int]
    discriminator: Callable[[float], DiscriminatorConfig] | None = None
    loss: Callable[[MeasurePrior], ColorLoss] | None = None
