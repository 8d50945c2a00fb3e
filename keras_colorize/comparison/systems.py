"""The systems of a comparison: ours, the baselines and the ablations."""

import math
from collections.abc import Sequence
from dataclasses import replace

import keras

from keras_colorize.config import (
    AGGREGATIONS,
    BaselineName,
    GeneratorConfig,
    Preset,
)
from keras_colorize.models.networks import build_networks, with_baseline

OURS = "ours"
_SMOOTHING = 0.1
_WIDTHS_TRIED = 6
_NARROWEST, _WIDEST = 0.01, 4.0


def systems_of(preset: Preset, names: Sequence[str], *, match: bool) -> dict[str, Preset]:
    """Returns our system and baselines, to compare methods.

    Args:
        preset: Our preset. Its recipe is used for all systems.
        names: `ours` and the names of baselines.
        match: Whether to choose the widths of the baselines so that they have about as many
            parameters as ours. Otherwise they have the widths of their papers.

    Returns:
        Presets by name.
    """
    found = {}
    for name in names:
        found[name] = preset
        if name != OURS:
            width = matching_width(preset, name) if match else 1.0  # type: ignore[arg-type]
            found[name] = with_baseline(preset, name, width)  # type: ignore[arg-type]
    return found


def ablation_of(preset: Preset, what: str) -> dict[str, Preset]:
    """Returns the variants of our preset by name; `what` is `aggregation` or `loss`."""
    if what == "aggregation":
        assert isinstance(preset.generator, GeneratorConfig)
        return {
            name: replace(preset, generator=replace(preset.generator, aggregation=name))
            for name in reversed(AGGREGATIONS)
        }
    recipe = preset.training
    return {
        name: replace(preset, training=changed)
        for name, changed in {
            "l1": replace(recipe, warm_up_epochs=recipe.epochs),
            "l1_gan": replace(recipe, label_smoothing=0.0),
            "l1_gan_smoothed": replace(recipe, label_smoothing=_SMOOTHING),
        }.items()
    }


def matching_width(preset: Preset, name: BaselineName) -> float:
    """Finds the width at which a baseline has about as many parameters as a preset's generator.

    The number of parameters grows with about the square of the width. Each try uses this to correct
    the one before.
    """
    wanted = build_networks(preset)[0].count_params()
    counts: dict[float, int] = {}
    width = 0.5
    while width not in counts and len(counts) < _WIDTHS_TRIED:
        counts[width] = build_networks(with_baseline(preset, name, width))[0].count_params()
        width = round(width * math.sqrt(wanted / counts[width]), 3)
        width = min(max(width, _NARROWEST), _WIDEST)
    keras.backend.clear_session()
    return min(counts, key=lambda width: abs(counts[width] - wanted))
