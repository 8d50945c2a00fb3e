"""Building the GAN of a preset, with the optimizers of its recipe."""

from typing import Any

import keras

from keras_colorize.config import Preset, TrainingConfig
from keras_colorize.models.baselines.baseline import ColorLoss
from keras_colorize.models.networks import build_networks
from keras_colorize.models.precision import building_at
from keras_colorize.training.backends import ColorizationGAN
from keras_colorize.training.losses import l1_loss
from keras_colorize.training.optimizers import EncoderAdam

_POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16", "float16": "mixed_float16"}


def build_gan(
    preset: Preset, steps: int, *, color_loss: ColorLoss = l1_loss, rematerialize: bool = False
) -> ColorizationGAN:
    """Builds and compiles the GAN of a preset.

    Args:
        preset: The networks and the recipe.
        steps: Number of steps in an epoch, which sets the length of the learning rate schedule.
        color_loss: See `BaseGAN.compile`.
        rematerialize: See `BaseGAN.compile`.

    Returns:
        The compiled GAN, with random weights. If the recipe has `encoder_weights`, the depthwise
        kernels of the encoder are not trainable.
    """
    recipe = preset.training
    with building_at(_POLICIES[recipe.precision]):
        generator, discriminator = build_networks(preset)
        if recipe.encoder_weights:
            _rest_depthwise(generator)
        gan = ColorizationGAN(generator, discriminator, ema=recipe.ema)
    rate = recipe.learning_rate
    discriminator_optimizer = None
    if gan.discriminator is not None:
        discriminator_optimizer = _optimizer(
            keras.optimizers.Adam,
            recipe,
            rate * recipe.discriminator_rate_ratio,
            max(1, recipe.epochs - recipe.warm_up_epochs) * steps,
        )
    kind: Any = keras.optimizers.Adam
    encoder: dict[str, Any] = {}
    if recipe.encoder_weights:
        kind = EncoderAdam
        encoder["encoder_rate_ratio"] = recipe.encoder_rate_ratio
        encoder["encoder_start"] = recipe.frozen_encoder_epochs * steps // recipe.accumulation
    gan.compile(
        _optimizer(kind, recipe, rate, recipe.epochs * steps, **encoder),
        discriminator_optimizer,
        l1_weight=recipe.l1_weight,
        color_loss=color_loss,
        label_smoothing=recipe.label_smoothing,
        rematerialize=rematerialize,
        frozen_statistics=recipe.frozen_statistics,
        gradient_norms=True,
    )
    return gan


def _rest_depthwise(generator: Any) -> None:
    for layer in generator.layers:
        if layer.name.endswith("_depthwise"):
            layer.trainable = False


def _optimizer(
    kind: Any, recipe: TrainingConfig, rate: float, steps: int, **options: Any
) -> keras.optimizers.Optimizer:
    if recipe.schedule == "linear":
        rate = keras.optimizers.schedules.PolynomialDecay(rate, steps, end_learning_rate=0.0)
    elif recipe.schedule == "cosine":
        rate = keras.optimizers.schedules.CosineDecay(rate, steps)
    accumulation = recipe.accumulation if recipe.accumulation > 1 else None
    made = kind(rate, beta_1=recipe.beta_1, gradient_accumulation_steps=accumulation, **options)
    return keras.optimizers.LossScaleOptimizer(made) if recipe.precision == "float16" else made
