"""The losses against their definitions, written out in NumPy and float64."""

import numpy as np
import pytest

from keras_colorize.training.losses import adversarial_loss, discriminator_loss, l1_loss


def sigmoid(logits):
    return 1 / (1 + np.exp(-np.asarray(logits, np.float64)))


@pytest.fixture
def logits():
    random = np.random.default_rng(0)
    return [random.normal(0, 2, (3, 4, 4, 1)).astype(np.float32) for _ in range(2)]


def test_l1_is_the_mean_over_pixels_and_both_channels():
    real = np.zeros((1, 1, 2, 2), np.float32)
    generated = np.float32([[[[0.5, -1.0], [0.25, 0.0]]]])
    assert float(l1_loss(real, generated)) == pytest.approx(1.75 / 4)


def test_l1_is_summed_in_float32():
    real, generated = np.zeros((2, 64, 64, 2), np.float16), np.full((2, 64, 64, 2), 0.1, np.float16)
    loss = l1_loss(real, generated)
    assert "float32" in str(loss.dtype)
    assert float(loss) == pytest.approx(float(np.float16(0.1)), rel=1e-6)


def test_adversarial_loss_is_cross_entropy_with_real(logits):
    expected = -np.log(sigmoid(logits[0])).mean()
    assert float(adversarial_loss(logits[0])) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_discriminator_loss_is_real_plus_fake_cross_entropy(logits, smoothing):
    real, fake = (sigmoid(x) for x in logits)
    target = 1 - smoothing
    expected = -(target * np.log(real) + (1 - target) * np.log(1 - real)).mean()
    expected -= np.log(1 - fake).mean()  # one-sided: fakes keep the target 0
    assert float(discriminator_loss(*logits, smoothing)) == pytest.approx(expected, rel=1e-6)


def test_at_equilibrium():
    even = np.zeros((2, 4, 4, 1), np.float32)
    assert float(discriminator_loss(even, even)) == pytest.approx(2 * np.log(2))
    assert float(adversarial_loss(even)) == pytest.approx(np.log(2))


@pytest.mark.parametrize("value", [-1e4, 1e4])
def test_extreme_logits_give_the_linear_limit(value):
    sure = np.full((1, 2, 2, 1), value, np.float32)
    assert float(adversarial_loss(sure)) == pytest.approx(max(-value, 0))
    assert float(discriminator_loss(sure, sure, 0.1)) == pytest.approx(
        (0.9 if value < 0 else 0.1) * abs(value) + max(value, 0)
    )
