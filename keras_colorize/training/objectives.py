"""Which loss between real and generated colour a network learns by."""

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

_PRIOR_FROM = 1024  # crops


def color_loss_of(preset: Preset, photographs: TrainingSet) -> ColorLoss:
    """The colour loss of a preset's network, by the paper that it is from.

    Args:
        preset: ours has L1, and a baseline what its entry in the registry says.
        photographs: a baseline's loss may depend on how often each colour occurs, which is measured
            on crops of these; the same in a run that goes on.

    Returns:
        What maps (real ab, generated ab) to a scalar.
    """
    network = preset.generator
    loss = REGISTRY[network.name].loss if isinstance(network, BaselineConfig) else None
    return loss(partial(color_prior, preset, photographs)) if loss else l1_loss


def color_prior(preset: Preset, photographs: TrainingSet) -> NDArray[np.float64]:
    """Measures how often each colour bin occurs in the first crops of the training.

    Args:
        preset: its recipe says which crops.
        photographs: they are cut from these.

    Returns:
        (313,), as `measure_prior` gives it.
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
