"""Choosing the colour loss of a network."""

from functools import partial

import numpy as np
from numpy.typing import NDArray

from keras_colorize.config import BaselineConfig, Preset
from keras_colorize.imaging.color import unscale_ab
from keras_colorize.models.ab_bins import measure_prior
from keras_colorize.models.baselines.baseline import ColorLoss
from keras_colorize.models.baselines.registry import REGISTRY
from keras_colorize.training.backends import TrainingSet, batches_of
from keras_colorize.training.losses import l1_loss

_PRIOR_FROM = 1024  # number of crops


def color_loss_of(preset: Preset, photographs: TrainingSet) -> ColorLoss:
    """Returns the colour loss of a preset's network.

    Our network has the L1 loss, and a baseline has the loss of its paper.

    Args:
        preset: The preset.
        photographs: The training photographs. Some baselines weight colours by how often they
            occur in crops of these photographs.

    Returns:
        A function that maps (real ab, generated ab) to a scalar.
    """
    network = preset.generator
    loss = REGISTRY[network.name].loss if isinstance(network, BaselineConfig) else None
    return loss(partial(color_prior, preset, photographs)) if loss else l1_loss


def color_prior(preset: Preset, photographs: TrainingSet) -> NDArray[np.float64]:
    """Measures how often each ab bin occurs in the first crops of a training.

    Returns:
        (313,), as returned by `measure_prior`.
    """
    recipe = preset.training
    batches = batches_of(
        photographs,
        size=recipe.size,
        batch_size=recipe.batch_size,
        steps=-(-_PRIOR_FROM // recipe.batch_size),
        seed=recipe.seed,
    )
    return measure_prior(unscale_ab(np.asarray(ab, np.float32)) for _, ab in batches)
