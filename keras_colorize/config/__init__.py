"""Configurations of networks and training, and the presets that put them together."""

from keras_colorize.config.networks import (
    AGGREGATIONS,
    ENCODERS,
    RIVALS,
    Aggregation,
    DiscriminatorConfig,
    Encoder,
    GeneratorConfig,
    RivalConfig,
    RivalName,
)
from keras_colorize.config.presets import PRESETS, Preset, preset_named
from keras_colorize.config.training import CROP, Stage, TrainingConfig

__all__ = [
    "AGGREGATIONS",
    "CROP",
    "ENCODERS",
    "PRESETS",
    "RIVALS",
    "Aggregation",
    "DiscriminatorConfig",
    "Encoder",
    "GeneratorConfig",
    "Preset",
    "RivalConfig",
    "RivalName",
    "Stage",
    "TrainingConfig",
    "preset_named",
]
