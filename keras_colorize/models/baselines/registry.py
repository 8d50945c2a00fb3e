"""The baselines by name."""

from keras_colorize.config import BaselineName
from keras_colorize.models.baselines import iizuka2016, pix2pix, zhang2016
from keras_colorize.models.baselines.baseline import Baseline

REGISTRY: dict[BaselineName, Baseline] = {
    "zhang2016": zhang2016.BASELINE,
    "iizuka2016": iizuka2016.BASELINE,
    "pix2pix": pix2pix.BASELINE,
}
