"""The GAN of a preset, with the optimizers of its recipe."""

import keras

from keras_colorize.config import Preset, TrainingConfig
from keras_colorize.models.systems import build_networks
from keras_colorize.training.backends import ColorizationGAN
from keras_colorize.training.losses import l1_loss
from keras_colorize.training.muon import Muon
from keras_colorize.training.objectives import ColorLoss

_POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16", "float16": "mixed_float16"}


def build_gan(
    preset: Preset, steps: int, *, color_loss: ColorLoss = l1_loss, rematerialize: bool = False
) -> ColorizationGAN:
    """Builds and compiles the GAN of a preset.

    Args:
        preset: networks and recipe.
        steps: an epoch's; they set the length of the learning-rate schedule.
        color_loss: as in `BaseGAN.compile`.
        rematerialize: as in `BaseGAN.compile`.

    Returns:
        The GAN, compiled, with random weights.
    """
    recipe = preset.training
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(_POLICIES[recipe.precision])
    try:
        gan = ColorizationGAN(*build_networks(preset), ema=recipe.ema)
    finally:
        keras.config.set_dtype_policy(before)
    rate = recipe.learning_rate
    critics = None
    if gan.discriminator is not None:
        adversarial_epochs = max(1, recipe.epochs - recipe.warm_up_epochs)
        rate_of_critic = rate * recipe.discriminator_rate_ratio
        critics = _optimizer("adam", recipe, rate_of_critic, adversarial_epochs * steps)
    gan.compile(
        _optimizer(recipe.optimizer, recipe, rate, recipe.epochs * steps),
        critics,
        l1_weight=recipe.l1_weight,
        color_loss=color_loss,
        label_smoothing=recipe.label_smoothing,
        rematerialize=rematerialize,
        frozen_statistics=recipe.frozen_statistics,
    )
    return gan


def _optimizer(
    name: str, recipe: TrainingConfig, rate: float, steps: int
) -> keras.optimizers.Optimizer:
    if recipe.schedule == "linear":
        rate = keras.optimizers.schedules.PolynomialDecay(rate, steps, end_learning_rate=0.0)
    elif recipe.schedule == "cosine":
        rate = keras.optimizers.schedules.CosineDecay(rate, steps)
    accumulation = recipe.accumulation if recipe.accumulation > 1 else None
    kind = {"adam": keras.optimizers.Adam, "muon": Muon}[name]
    made = kind(rate, beta_1=recipe.beta_1, gradient_accumulation_steps=accumulation)
    return keras.optimizers.LossScaleOptimizer(made) if recipe.precision == "float16" else made
