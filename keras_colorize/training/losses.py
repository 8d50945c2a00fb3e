"""The losses (section 3.3 of Gui et al.), as pure functions for all Keras backends.

The adversarial losses take logits. softplus(-x) is -log sigmoid(x), and softplus(x) is
-log(1 - sigmoid(x)), both without overflow.
"""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_colorize")
def l1_loss(real_ab: Any, generated_ab: Any) -> Any:
    """Computes the mean absolute difference over pixels and both channels (equation 2).

    Args:
        real_ab: (B, H, W, 2), scaled to [-1, 1].
        generated_ab: (B, H, W, 2), scaled to [-1, 1].

    Returns:
        A float32 scalar in [0, 2].
    """
    difference = ops.cast(generated_ab, "float32") - ops.cast(real_ab, "float32")
    return ops.mean(ops.abs(difference))


def adversarial_loss(generated_logits: Any) -> Any:
    """Computes the generator's adversarial loss, in its non-saturating form.

    It is the generator's part of equation 1 (Goodfellow et al. 2014).

    Args:
        generated_logits: (B, h, w, 1), the discriminator's logits of generated ab.

    Returns:
        A scalar, the mean of -log D(x, G(x)).
    """
    return ops.mean(ops.softplus(-generated_logits))


def discriminator_loss(
    real_logits: Any, generated_logits: Any, label_smoothing: float = 0.0
) -> Any:
    """Computes the discriminator's loss, the negative of equation 1.

    Args:
        real_logits: (B, h, w, 1), logits of real ab.
        generated_logits: (B, h, w, 1), logits of generated ab.
        label_smoothing: The target of real ab is 1 minus this value (Salimans et al. 2016). The
            target of generated ab stays 0.

    Returns:
        A scalar, the mean of -log D(x, y) plus the mean of -log(1 - D(x, G(x))).
    """
    real = (1.0 - label_smoothing) * ops.softplus(-real_logits)
    real = real + label_smoothing * ops.softplus(real_logits)
    return ops.mean(real) + ops.mean(ops.softplus(generated_logits))
