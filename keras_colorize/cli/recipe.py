"""The preset that the options of `keras-colorize train` describe."""

from dataclasses import fields, replace
from typing import Any

import click

from keras_colorize.cli.training_set import prepare_keras
from keras_colorize.config import BaselineName, Encoder, GeneratorConfig, Preset, TrainingConfig


class Growth(click.ParamType):
    """`EPOCHS:SIZE` -> (epochs, size)."""

    name = "epochs:size"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[int, int]:
        """Reads what was given; see click."""
        try:
            epochs, size = map(int, value.split(":"))
        except ValueError:
            self.fail(f"{value!r} is not EPOCHS:SIZE, for example 6:192.", param, ctx)
        return epochs, size


class Shares(click.ParamType):
    """`LEAST:GREATEST` -> two shares."""

    name = "least:greatest"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[float, float]:
        """Reads what was given; see click."""
        try:
            least, greatest = map(float, value.split(":"))
        except ValueError:
            self.fail(f"{value!r} is not LEAST:GREATEST, for example 0.6:1.", param, ctx)
        return least, greatest


def chosen_preset(
    preset: Preset,
    options: dict[str, Any],
    *,
    model: BaselineName | None = None,
    width: float | None = None,
    encoder: Encoder | None = None,
    encoder_weights: str | None = None,
    fine_tune: bool = False,
) -> Preset:
    """Changes a preset as the command line says.

    Args:
        preset: the preset that was named.
        options: fields of `TrainingConfig`, and `images_per_epoch`. Options that were not given are
            None or ().
        model: the baseline whose network replaces the preset's.
        width: factor on the widths of `model`.
        encoder: the encoder that replaces the preset's.
        encoder_weights: `imagenet`, `none`, or None, which leaves the choice to the encoder.
        fine_tune: whether the training starts from other weights.

    Returns:
        The networks and the recipe to train.

    Raises:
        click.UsageError: the options contradict each other.
    """
    given = {name: value for name, value in options.items() if value not in (None, ())}
    _in_steps(given, preset.training)
    unknown = given.keys() - {field.name for field in fields(TrainingConfig)}
    assert not unknown, f"options without a field: {unknown}"
    if "size" in given:  # the preset's growth belongs to the preset's size
        given = {"grow": (), **given}
    of_encoder = {"encoder_rate_ratio", "frozen_encoder_epochs"} & given.keys()
    if model and (encoder or encoder_weights or of_encoder):
        raise click.UsageError("--encoder and what belongs to it are of a preset's network alone.")
    assert isinstance(preset.generator, GeneratorConfig)  # a baseline has no preset of its own
    network = replace(preset.generator, encoder=encoder or preset.generator.encoder)
    given = _start(network, given, encoder_weights, fine_tune=fine_tune) | given
    try:
        training = replace(preset.training, **given)
        chosen = replace(preset, generator=network, training=training)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    sizes = chosen.training.size, *dict(chosen.training.grow).values()
    multiple = 16 if model else network.size_multiple
    if any(size <= 0 or size % multiple for size in sizes):
        raise click.UsageError(
            f"--size and --grow: sides must be multiples of {multiple} for {model or preset.name}."
        )
    if model is None:
        return chosen
    prepare_keras()
    from keras_colorize.models.networks import with_baseline

    return with_baseline(chosen, model, width or 1.0)


def _in_steps(given: dict[str, Any], recipe: TrainingConfig) -> None:
    """Puts steps in the place of `images_per_epoch`."""
    images = given.pop("images_per_epoch", None)
    if images is None:
        return
    if "steps_per_epoch" in given:
        raise click.UsageError("--steps-per-epoch and --images-per-epoch say the same thing.")
    accumulation = given.get("accumulation", recipe.accumulation)
    update = given.get("batch_size", recipe.batch_size) * accumulation
    given["steps_per_epoch"] = -(-images // update) * accumulation


def _start(
    network: GeneratorConfig, given: dict[str, Any], weights: str | None, *, fine_tune: bool
) -> dict[str, Any]:
    """What a recipe says of the start of the encoder, where the options do not say it."""
    plain = network.encoder == "plain"
    if plain and weights == "imagenet":
        raise click.UsageError("--encoder-weights imagenet is of an --encoder that is not plain.")
    if fine_tune and weights:
        raise click.UsageError("--fine-tune and --encoder-weights both say what to start from.")
    if plain or weights == "none":
        if given.get("frozen_encoder_epochs") or "encoder_rate_ratio" in given:
            raise click.UsageError(
                "--freeze-encoder and --encoder-rate-ratio are of an encoder that starts from "
                "--encoder-weights imagenet."
            )
        return {"encoder_weights": None, "frozen_encoder_epochs": 0}
    # Fine-tuning goes on from what has been learnt: nothing has to wait for the rest to begin.
    return {"encoder_weights": "imagenet"} | ({"frozen_encoder_epochs": 0} if fine_tune else {})
