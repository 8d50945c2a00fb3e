"""The recipe: stages of a run, optimizers and their schedules."""

from dataclasses import replace

import keras
import pytest

from keras_colorize.config import PRESETS, Stage, TrainingConfig
from keras_colorize.training.building import build_gan


def test_defaults_are_the_papers():
    recipe = PRESETS["paper"].training
    assert (recipe.size, recipe.batch_size, recipe.epochs) == (256, 16, 20)
    assert (recipe.learning_rate, recipe.beta_1, recipe.l1_weight) == (3e-4, 0.5, 100.0)
    assert (recipe.schedule, recipe.warm_up_epochs, recipe.label_smoothing) == ("constant", 0, 0.0)
    assert (recipe.ema, recipe.discriminator_rate_ratio) == (0.0, 1.0)
    assert recipe.stages() == [Stage(0, 20, 256, True)]


def test_stages_cover_the_run():
    recipe = TrainingConfig(size=64, grow=((3, 128), (8, 192)), epochs=10, warm_up_epochs=5)
    assert recipe.stages() == [
        Stage(0, 3, 64, False),
        Stage(3, 5, 128, False),
        Stage(5, 8, 128, True),
        Stage(8, 10, 192, True),
    ]


def test_a_pretrained_encoder_rests_in_the_first_epochs():
    recipe = TrainingConfig(
        size=64,
        grow=((3, 128),),
        epochs=6,
        warm_up_epochs=3,
        encoder_weights="imagenet",
        frozen_encoder_epochs=2,
    )
    assert recipe.stages() == [
        Stage(0, 2, 64, False, True),
        Stage(2, 3, 64, False, False),
        Stage(3, 6, 128, True, False),
    ]
    always = replace(recipe, frozen_encoder_epochs=9).stages()
    assert [(stage.first_epoch, stage.frozen_encoder) for stage in always] == [(0, True), (3, True)]


def test_what_is_said_of_a_pretrained_encoder_needs_one():
    with pytest.raises(ValueError, match="need encoder_weights"):
        TrainingConfig(frozen_encoder_epochs=1)
    with pytest.raises(ValueError, match="need an encoder that is not plain"):
        replace(PRESETS["quality"], training=TrainingConfig(encoder_weights="imagenet"))
    mobile = PRESETS["mobile"]
    assert mobile.generator.encoder == "efficientnet_lite2"
    assert mobile.training.encoder_weights == "imagenet"
    assert mobile.training.frozen_encoder_epochs > 0


@pytest.mark.parametrize(
    ("warm_up", "stages"),
    [
        (0, [Stage(0, 4, 64, True)]),
        (4, [Stage(0, 4, 64, False)]),
        (9, [Stage(0, 4, 64, False)]),
    ],
)
def test_warm_up_may_be_nothing_or_all(warm_up, stages):
    recipe = TrainingConfig(size=64, grow=((7, 96),), epochs=4, warm_up_epochs=warm_up)
    assert recipe.stages() == stages


@pytest.mark.parametrize(
    ("schedule", "quarter"), [("linear", 0.75), ("cosine", (1 + 0.5**0.5) / 2)]
)
def test_optimizers_follow_the_recipe(schedule, quarter):
    recipe = TrainingConfig(
        epochs=5,
        warm_up_epochs=2,
        learning_rate=2e-3,
        schedule=schedule,
        beta_1=0.7,
        discriminator_rate_ratio=0.5,
        l1_weight=42.0,
        label_smoothing=0.1,
        frozen_statistics=True,
        ema=0.5,
    )
    gan = build_gan(replace(PRESETS["tiny"], training=recipe), 8)
    generator, discriminator = gan.generator_optimizer, gan.discriminator_optimizer
    assert generator is not discriminator
    assert (generator.beta_1, discriminator.beta_1) == (0.7, 0.7)
    for optimizer, rate, steps in ((generator, 2e-3, 40), (discriminator, 1e-3, 24)):
        for step, share in ((0, 1.0), (steps / 4, quarter), (steps / 2, 0.5), (steps, 0)):
            optimizer.iterations.assign(step)
            assert float(optimizer.learning_rate) == pytest.approx(rate * share, abs=1e-9)
    assert (gan.l1_weight, gan.label_smoothing, gan.ema) == (42.0, 0.1, 0.5)
    assert gan.frozen_statistics
    assert gan.chroma_stride == 2


def test_constant_rates_stay():
    gan = build_gan(replace(PRESETS["tiny"], training=TrainingConfig()), 10)
    gan.optimizer.iterations.assign(10_000)
    assert float(gan.optimizer.learning_rate) == pytest.approx(3e-4)
    assert gan.best_generator is gan.generator


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_precision_is_of_the_computation_alone(precision):
    recipe = TrainingConfig(precision=precision, ema=0.5, learning_rate=2e-3)
    gan = build_gan(replace(PRESETS["tiny"], training=recipe), 10)
    assert keras.config.dtype_policy().name == "float32"
    for network in (gan.generator, gan.ema_generator, gan.discriminator):
        convolutions = [layer for layer in network.layers if "conv_1" in layer.name]
        assert {layer.compute_dtype for layer in convolutions} == {precision}
        assert {v.dtype for v in network.trainable_variables} <= {"float32"}
        assert network.output.dtype == "float32"
    scaled = [
        isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
        for optimizer in (gan.generator_optimizer, gan.discriminator_optimizer)
    ]
    assert scaled == [precision == "float16"] * 2
    assert float(gan.optimizer.learning_rate) == pytest.approx(2e-3)
