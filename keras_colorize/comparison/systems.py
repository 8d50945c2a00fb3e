"""Which systems are compared: ours, the baselines at our number of parameters, the ablations."""

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
    """The systems of Table 2.

    Args:
        preset: ours, with the recipe of all.
        names: `ours` and names of baselines.
        match: give each baseline the width at which it has about as many parameters as ours;
            otherwise all have their papers' widths.

    Returns:
        A preset a name.
    """
    found = {}
    for name in names:
        found[name] = preset
        if name != OURS:
            width = matching_width(preset, name) if match else 1.0  # type: ignore[arg-type]
            found[name] = with_baseline(preset, name, width)  # type: ignore[arg-type]
    return found


def ablation_of(preset: Preset, what: str) -> dict[str, Preset]:
    """The systems of an ablation.

    Args:
        preset: ours, with the recipe of all.
        what: `aggregation` or `loss`.

    Returns:
        A preset a name.
    """
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
    """The width at which a baseline's generator has most nearly as many parameters as a preset's.

    Parameters grow with about the square of the width: each try corrects the one before.
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
