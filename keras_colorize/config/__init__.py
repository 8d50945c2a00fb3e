"""Configurations of networks and training, and the presets that put them together."""

from keras_colorize.config.networks import (
    AGGREGATIONS,
    RIVALS,
    Aggregation,
    DiscriminatorConfig,
    GeneratorConfig,
    RivalConfig,
    RivalName,
)
from keras_colorize.config.presets import PRESETS, Preset
from keras_colorize.config.training import CROP, Stage, TrainingConfig

__all__ = [
    "AGGREGATIONS",
    "CROP",
    "PRESETS",
    "RIVALS",
    "Aggregation",
    "DiscriminatorConfig",
    "GeneratorConfig",
    "Preset",
    "RivalConfig",
    "RivalName",
    "Stage",
    "TrainingConfig",
]
