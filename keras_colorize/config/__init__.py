"""Configurations of networks and training, and the presets that combine them."""

from keras_colorize.config.networks import (
    AGGREGATIONS,
    BASELINES,
    ENCODERS,
    Aggregation,
    BaselineConfig,
    BaselineName,
    DiscriminatorConfig,
    Encoder,
    GeneratorConfig,
)
from keras_colorize.config.presets import PRESETS, Preset, preset_named
from keras_colorize.config.training import CROP, Stage, TrainingConfig

__all__ = [
    "AGGREGATIONS",
    "CROP",
    "ENCODERS",
    "PRESETS",
    "BASELINES",
    "Aggregation",
    "DiscriminatorConfig",
    "Encoder",
    "GeneratorConfig",
    "Preset",
    "BaselineConfig",
    "BaselineName",
    "Stage",
    "TrainingConfig",
    "preset_named",
]
