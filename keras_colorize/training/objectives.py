"""Which loss between real and generated colour a network learns by."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_colorize.config import Preset, RivalConfig
from keras_colorize.imaging.color import unscale_ab
from keras_colorize.models.ab_bins import measure_prior, rebalancing_weights
from keras_colorize.training.backends import TrainingSet, batches_of
from keras_colorize.training.color_losses import RebalancedCrossEntropy, mean_squared_error
from keras_colorize.training.losses import l1_loss

ColorLoss = Callable[[Any, Any], Any]
_PRIOR_FROM = 1024  # crops


def color_loss_of(preset: Preset, photographs: TrainingSet) -> ColorLoss:
    """The colour loss of a preset's network, by the paper that it is from.

    Args:
        preset: ours and pix2pix have L1, Iizuka et al. the squared error, and Zhang et al. a cross
            entropy that is rebalanced by how rare a colour is.
        photographs: how rare, is measured on crops of these; the same in a run that goes on.

    Returns:
        What maps (real ab, generated ab) to a scalar.
    """
    name = preset.generator.name if isinstance(preset.generator, RivalConfig) else "ours"
    if name == "zhang2016":
        prior = color_prior(preset, photographs)
        return RebalancedCrossEntropy(rebalancing_weights(prior).tolist())
    return mean_squared_error if name == "iizuka2016" else l1_loss


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
