"""The GAN of a preset, with the optimizers of its recipe."""

from typing import Any

import keras

from keras_colorize.config import Preset, TrainingConfig
from keras_colorize.models.imagenet_weights import load_imagenet_weights
from keras_colorize.models.systems import build_networks
from keras_colorize.training.backends import ColorizationGAN
from keras_colorize.training.losses import l1_loss
from keras_colorize.training.muon import Muon
from keras_colorize.training.objectives import ColorLoss
from keras_colorize.training.optimizers import EncoderAdam

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
        generator, discriminator = build_networks(preset)
        if recipe.encoder_weights:
            start_from_imagenet(generator)
        gan = ColorizationGAN(
            generator, discriminator, ema=recipe.ema, deep_supervision=recipe.deep_supervision
        )
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


def start_from_imagenet(generator: Any) -> None:
    """Sets the encoder to ImageNet's weights, and leaves its depthwise kernels as they then are."""
    load_imagenet_weights(generator)
    for layer in generator.layers:
        if layer.name.endswith("_depthwise"):
            layer.trainable = False


def _optimizer(
    name: str, recipe: TrainingConfig, rate: float, steps: int
) -> keras.optimizers.Optimizer:
    if recipe.schedule == "linear":
        rate = keras.optimizers.schedules.PolynomialDecay(rate, steps, end_learning_rate=0.0)
    elif recipe.schedule == "cosine":
        rate = keras.optimizers.schedules.CosineDecay(rate, steps)
    accumulation = recipe.accumulation if recipe.accumulation > 1 else None
    options = {"beta_1": recipe.beta_1, "gradient_accumulation_steps": accumulation}
    if name == "muon":
        made = Muon(rate, **options)
    elif recipe.encoder_weights:
        made = EncoderAdam(rate, recipe.encoder_rate_ratio, **options)
    else:
        made = keras.optimizers.Adam(rate, **options)
    return keras.optimizers.LossScaleOptimizer(made) if recipe.precision == "float16" else made
