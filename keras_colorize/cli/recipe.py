"""The options of a training's recipe, and the preset that they describe."""

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any, TypeVar

import click

from keras_colorize.cli.training import prepare_keras
from keras_colorize.config import BaselineName, Encoder, GeneratorConfig, Preset, TrainingConfig

Function = TypeVar("Function", bound=Callable[..., Any])


class Pair(click.ParamType):
    """Two numbers with a colon between them."""

    def __init__(self, name: str, kind: Callable[[str], float], example: str) -> None:
        """Names the numbers.

        Args:
            name: such as `epochs:size`.
            kind: what reads each.
            example: for the message about other values.
        """
        self.name, self._kind, self._example = name, kind, example

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[float, float]:
        """Reads what was given; see click."""
        try:
            first, second = map(self._kind, value.split(":"))
        except ValueError:
            message = f"{value!r} is not {self.name.upper()}, for example {self._example}."
            self.fail(message, param, ctx)
        return first, second


_POSITIVE = click.FloatRange(0, min_open=True)
_OPTIONS: dict[str, tuple[click.ParamType, str]] = {
    "epochs": (click.IntRange(1), "Number of epochs."),
    "steps_per_epoch": (
        click.IntRange(1),
        "Number of steps in an epoch.  [default: one pass over the photographs]",
    ),
    "images_per_epoch": (
        click.IntRange(1),
        "Number of photographs in an epoch, rounded up to whole steps. It replaces "
        "--steps-per-epoch.",
    ),
    "batch_size": (click.IntRange(1), "Number of photographs in a step."),
    "accumulation": (
        click.IntRange(1),
        "Number of steps whose mean gradient moves the weights once. It replaces a larger batch "
        "that does not fit in memory.",
    ),
    "size": (click.IntRange(16), "Side of the training crops, in pixels."),
    "crop": (
        Pair("least:greatest", float, "0.6:1"),
        "Least and greatest side of the random crops, as shares of the short side of the "
        "photograph. The crops are resized to --size afterwards.  [default: the preset's]",
    ),
    "aging": (
        click.FloatRange(0, 1),
        "Share of the crops that are made to look like old photographs.",
    ),
    "learning_rate": (_POSITIVE, "Learning rate of the generator."),
    "discriminator_rate_ratio": (
        _POSITIVE,
        "Learning rate of the discriminator, divided by that of the generator.",
    ),
    "schedule": (
        click.Choice(["constant", "linear", "cosine"]),
        "How the learning rates change: not at all, or down to zero over the whole run, in a "
        "straight line or along a cosine.",
    ),
    "encoder_rate_ratio": (
        _POSITIVE,
        "Share of each filter's size that a step moves in an encoder from ImageNet, over the "
        "learning rate of the rest.",
    ),
    "l1_weight": (
        click.FloatRange(0),
        "Weight of the L1 loss relative to the adversarial loss.",
    ),
    "warm_up_epochs": (click.IntRange(0), "Number of first epochs without the discriminator."),
    "label_smoothing": (
        click.FloatRange(0, 0.5),
        "Amount by which the discriminator's target for real photographs is below 1.",
    ),
    "ema": (
        click.FloatRange(0, 1, max_open=True),
        "Decay of the moving average of the generator's weights. With 0 there is no average.",
    ),
    "precision": (
        click.Choice(["float32", "bfloat16", "float16"]),
        "Precision of the computation. bfloat16 is for accelerators, and float16 for older ones.",
    ),
    "seed": (
        click.IntRange(0, 2**32 - 1),
        "Seed of the initial weights and of the order and position of the crops.",
    ),
}


def recipe_options(*names: str) -> Callable[[Function], Function]:
    """Adds options that change a recipe. Those that are not given are None.

    Args:
        names: fields of `TrainingConfig`, or `images_per_epoch`.
    """

    def add(command: Function) -> Function:
        for name in reversed(names):
            type_, text = _OPTIONS[name]
            command = click.option(f"--{name.replace('_', '-')}", type=type_, help=text)(command)
        return command

    return add


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
