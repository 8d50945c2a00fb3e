"""The GAN's steps: what they compute, what they change, and what they leave alone."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_colorize.config import PRESETS
from keras_colorize.models.generator import build_generator

BN_MOMENTUM = 0.9


def values(*owners):
    return [v.numpy().copy() for owner in owners for v in owner.variables]


def same(before, after):
    return [
        bool(np.array_equal(np.asarray(a), np.asarray(b)))
        for a, b in zip(before, after, strict=True)
    ]


def is_statistic(variable):
    return variable.name in ("moving_mean", "moving_variance")


def area_mean(x, c):
    n, height, width, channels = x.shape
    return x.reshape(n, height // c, c, width // c, c, channels).mean((2, 4))


def twin(model):
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    return copy


def sgd(rate):
    return keras.optimizers.SGD(rate)


@pytest.mark.parametrize("stride", [1, 4])
def test_a_step_equals_an_independent_computation(make_gan, batch, stride):
    """Losses and new weights, from the loss written as cross entropies in float64."""
    lightness, ab = batch
    gan = make_gan(stride)
    gan.compile(sgd(0.01), sgd(0.1), l1_weight=30.0, label_smoothing=0.1, gradient_norms=True)
    generator, discriminator = twin(gan.generator), twin(gan.discriminator)
    small_lightness = tf.constant(area_mean(lightness, stride))
    small_ab = tf.constant(area_mean(ab, stride))

    def log_sigmoid(logits):
        return tf.math.log(tf.sigmoid(tf.cast(logits, tf.float64)))

    def log_other(logits):
        return tf.math.log(1 - tf.sigmoid(tf.cast(logits, tf.float64)))

    fake = generator(lightness, training=True)
    with tf.GradientTape() as tape:
        on_real = discriminator([small_lightness, small_ab], training=True)
        on_fake = discriminator([small_lightness, tf.stop_gradient(fake)], training=True)
        real_loss = -0.9 * log_sigmoid(on_real) - 0.1 * log_other(on_real)
        expected_loss = tf.reduce_mean(real_loss) - tf.reduce_mean(log_other(on_fake))
    slopes = tape.gradient(expected_loss, discriminator.trainable_variables)
    for variable, slope in zip(discriminator.trainable_variables, slopes, strict=True):
        variable.assign_sub(0.1 * slope)
    generator = twin(gan.generator)
    with tf.GradientTape() as tape:
        fake = generator(lightness, training=True)
        fooled = -tf.reduce_mean(log_sigmoid(discriminator([small_lightness, fake], training=True)))
        l1 = tf.reduce_mean(tf.abs(fake - small_ab))
        total = tf.cast(fooled, tf.float32) + 30.0 * l1
    slopes = tape.gradient(total, generator.trainable_variables)
    for variable, slope in zip(generator.trainable_variables, slopes, strict=True):
        variable.assign_sub(0.01 * slope)
    squares = {"gradient_norm_0": 0.0, "gradient_norm_1": 0.0}
    for variable, slope in zip(generator.trainable_variables, slopes, strict=True):
        scale = int(variable.path.startswith("encoder_1"))
        squares[f"gradient_norm_{scale}"] += (slope.numpy().astype(np.float64) ** 2).sum()

    logs = gan.train_step((tf.constant(lightness), tf.constant(ab)))
    assert float(logs["l1_loss"]) == pytest.approx(
        np.abs(np.array(fake, np.float64) - small_ab).mean(), rel=1e-5
    )
    assert float(logs["discriminator_loss"]) == pytest.approx(float(expected_loss), rel=1e-5)
    assert float(logs["adversarial_loss"]) == pytest.approx(float(fooled), rel=1e-5)
    assert float(logs["generator_loss"]) == pytest.approx(float(total), rel=1e-5)
    norms = {name: float(logs[name]) for name in squares}
    assert norms == pytest.approx({name: s**0.5 for name, s in squares.items()}, rel=1e-4)
    for ours, theirs in ((gan.generator, generator), (gan.discriminator, discriminator)):
        for a, b in zip(ours.trainable_variables, theirs.trainable_variables, strict=True):
            np.testing.assert_allclose(a, b, atol=2e-5, err_msg=a.path)


@pytest.mark.parametrize("resting", ["generator", "discriminator"])
def test_each_optimizer_moves_its_own_network_only(make_gan, batch, resting):
    """One learning rate is zero: that network's weights stay, the other's all move."""
    gan = make_gan()
    rates = {"generator": 0.01, "discriminator": 0.01, resting: 0.0}
    gan.compile(sgd(rates["generator"]), sgd(rates["discriminator"]))
    networks = {"generator": gan.generator, "discriminator": gan.discriminator}
    before = {
        name: [v.numpy().copy() for v in m.trainable_variables] for name, m in networks.items()
    }
    gan.train_step(tuple(map(tf.constant, batch)))
    for name, network in networks.items():
        unchanged = same(before[name], [v.numpy() for v in network.trainable_variables])
        assert all(unchanged) if name == resting else not any(unchanged), name


def test_frozen_statistics_stay_and_are_what_the_step_sees(make_gan, batch):
    """The gradient is that of the network as it is in inference."""
    lightness, ab = batch
    gan = make_gan(1, ema=0.5)
    gan.compile(sgd(0.01), sgd(0.0), frozen_statistics=True)
    gan.adversarial = False
    expected = twin(gan.generator)
    with tf.GradientTape() as tape:
        loss = 100.0 * tf.reduce_mean(tf.abs(expected(lightness, training=False) - ab))
    slopes = tape.gradient(loss, expected.trainable_variables)
    for variable, slope in zip(expected.trainable_variables, slopes, strict=True):
        variable.assign_sub(0.01 * slope)
    gan.train_step((tf.constant(lightness), tf.constant(ab)))
    assert any(map(is_statistic, gan.generator.variables))
    for ours, theirs in zip(gan.generator.variables, expected.variables, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=2e-5, err_msg=ours.path)
    assert gan.get_compile_config()["frozen_statistics"] is True


def test_statistics_come_from_a_networks_own_passes_only(make_gan, batch):
    """The generator's of its one pass; the discriminator's of real, then generated, by hand."""
    lightness, ab = batch
    gan = make_gan()
    gan.compile(sgd(0.0), sgd(0.0))
    expected = twin(gan.generator)
    fake = np.array(expected(lightness, training=True))
    norm = gan.discriminator.get_layer("conv_1_bn")
    moving = [np.zeros(4), np.ones(4)]
    for shown in (area_mean(ab, 2), fake):
        pair = np.concatenate([area_mean(lightness, 2), shown], axis=-1)
        features = np.array(gan.discriminator.get_layer("conv_1")(pair), np.float64)
        seen = [features.mean((0, 1, 2)), features.var((0, 1, 2))]
        moving = [
            BN_MOMENTUM * m + (1 - BN_MOMENTUM) * s for m, s in zip(moving, seen, strict=True)
        ]

    gan.train_step(tuple(map(tf.constant, batch)))
    np.testing.assert_allclose(norm.moving_mean, moving[0], rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(norm.moving_variance, moving[1], rtol=1e-4)
    for ours, theirs in zip(gan.generator.variables, expected.variables, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6, err_msg=ours.path)
        assert not is_statistic(ours) or not np.isin(ours.numpy(), (0, 1)).all(), ours.path


def test_l1_steps_leave_the_discriminator_and_its_optimizer_untouched(make_gan, batch):
    gan = make_gan()
    gan.compile(keras.optimizers.Adam(1e-3), keras.optimizers.Adam(1e-3))
    gan.adversarial = False
    resting = (gan.discriminator, gan.discriminator_optimizer)
    before, generator = values(*resting), values(gan.generator)
    logs = gan.train_step(tuple(map(tf.constant, batch)))
    assert all(same(before, values(*resting)))
    assert not any(same(generator, values(gan.generator)))
    assert float(logs["generator_loss"]) == pytest.approx(100 * float(logs["l1_loss"]))


def test_fit_follows_a_change_of_stage(make_gan, batch):
    """The step is a compiled graph: `make_train_function` makes it anew."""
    gan = make_gan()
    gan.compile(sgd(0.001), sgd(0.001), gradient_norms=True)
    dataset = tf.data.Dataset.from_tensors(batch).repeat()
    before = values(gan.discriminator)
    gan.adversarial = False
    gan.fit(dataset, epochs=1, steps_per_epoch=1, verbose=0, shuffle=False)
    assert all(same(before, values(gan.discriminator)))
    gan.adversarial = True
    gan.make_train_function(force=True)
    history = gan.fit(dataset, epochs=1, steps_per_epoch=1, verbose=0, shuffle=False).history
    assert not any(same(before, values(gan.discriminator)))
    losses = {"generator_loss", "discriminator_loss", "adversarial_loss", "l1_loss"}
    assert set(history) == losses | {"gradient_norm_0", "gradient_norm_1"}
    assert all(np.isfinite(values_).all() for values_ in history.values())


def test_one_batch_can_be_overfitted(make_gan, batch):
    """By the real network, the adversarial loss taking part."""
    gan = make_gan(generator=lambda: build_generator(PRESETS["tiny"].generator))
    gan.compile(keras.optimizers.Adam(1e-2, 0.5), keras.optimizers.Adam(1e-3, 0.5))
    dataset = tf.data.Dataset.from_tensors(batch).repeat()
    l1 = gan.fit(dataset, epochs=6, steps_per_epoch=25, verbose=0, shuffle=False).history["l1_loss"]
    trivial = np.abs(batch[1] - np.median(batch[1], axis=(0, 1, 2))).mean()
    assert l1[0] > 0.5 * trivial
    assert l1[-1] < 0.2 * trivial


def test_average_of_all_weights_follows_its_formula(make_gan, batch):
    """Averaged with decay min(ema, (1 + step) / (10 + step)), statistics of batch norm too."""
    gan = make_gan(ema=0.25)
    gan.compile(sgd(0.05), sgd(0.05))
    expected = [v.astype(np.float64) for v in values(gan.generator)]
    for step in (1, 2, 3, 4):
        gan.train_step(tuple(map(tf.constant, batch)))
        decay = min(0.25, (1 + step) / (10 + step))
        new = values(gan.generator)
        expected = [decay * e + (1 - decay) * v for e, v in zip(expected, new, strict=True)]
    paths = [v.path for v in gan.generator.variables]
    assert sum("moving_variance" in path for path in paths) == 2
    for path, ours, theirs in zip(paths, values(gan.ema_generator), expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6, err_msg=path)
    assert gan.best_generator is gan.ema_generator
    assert not any(same(values(gan.generator), values(gan.ema_generator)))


def test_without_an_average_the_generator_itself_is_the_best(make_gan):
    gan = make_gan()
    assert gan.ema_generator is None
    assert gan.best_generator is gan.generator


def test_evaluation_changes_nothing(make_gan, batch):
    gan = make_gan(ema=0.5)
    gan.compile(sgd(0.05), sgd(0.05))
    gan.train_step(tuple(map(tf.constant, batch)))
    before = values(gan.generator, gan.discriminator, gan.ema_generator)
    optimizers = values(gan.generator_optimizer, gan.discriminator_optimizer)
    gan.reset_metrics()
    loss = gan.evaluate(tf.data.Dataset.from_tensors(batch), verbose=0, return_dict=True)
    assert all(same(before, values(gan.generator, gan.discriminator, gan.ema_generator)))
    assert all(same(optimizers, values(gan.generator_optimizer, gan.discriminator_optimizer)))
    predicted = np.array(gan.ema_generator(batch[0], training=False))
    expected = np.abs(predicted - area_mean(batch[1], 2)).mean()
    assert loss["l1_loss"] == pytest.approx(expected, rel=1e-5)


def test_refuses_a_shared_optimizer(make_gan):
    optimizer = keras.optimizers.Adam()
    with pytest.raises(ValueError, match="need separate optimizers"):
        make_gan().compile(optimizer, optimizer)


def test_takes_optimizers_by_name(make_gan):
    gan = make_gan()
    gan.compile("adam", "adam")
    assert gan.generator_optimizer is not gan.discriminator_optimizer
    assert isinstance(gan.discriminator_optimizer, keras.optimizers.Adam)


@pytest.mark.parametrize("ema", [-0.1, 1.0])
def test_refuses_an_impossible_average(make_gan, ema):
    with pytest.raises(ValueError, match=r"ema must be in \[0, 1\)"):
        make_gan(ema=ema)


def test_the_whole_predicts_as_its_best_generator(make_gan, batch):
    gan = make_gan(ema=0.9)
    gan.compile("adam", "sgd")
    gan.fit(*batch, batch_size=2, verbose=0)
    expected = gan.best_generator.predict(batch[0], verbose=0)
    np.testing.assert_allclose(gan.predict(batch[0], verbose=0), expected, atol=1e-5)
    np.testing.assert_allclose(np.asarray(gan(batch[0])), expected, atol=1e-5)


def test_the_defaults_of_keras_callbacks_find_the_validation_loss(make_gan, batch):
    gan = make_gan()
    gan.compile("adam", "sgd")
    stopping = keras.callbacks.EarlyStopping(patience=0)
    history = gan.fit(
        *batch, batch_size=2, epochs=2, validation_data=batch, callbacks=[stopping], verbose=0
    ).history
    assert history["val_loss"] == history["val_l1_loss"]
    assert stopping.best == min(history["val_loss"])
    assert not any("norm" in name for name in history)


@pytest.mark.parametrize(
    "given", [{"loss": "mse"}, {"metrics": ["mae"]}, {"optimizer": "adam"}, {"loss_weights": [1]}]
)
def test_compile_refuses_what_it_would_ignore(make_gan, given):
    (name,) = given
    with pytest.raises(TypeError, match=rf"^compile takes no {name}: the GAN has losses and"):
        make_gan().compile("adam", "sgd", **given)
