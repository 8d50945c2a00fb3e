"""The losses (section 3.3 of Gui et al.), as pure functions for every Keras backend.

The adversarial ones take logits: softplus(-x) = -log sigmoid(x) and softplus(x) =
-log(1 - sigmoid(x)) without overflow.
"""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_colorize")
def l1_loss(real_ab: Any, generated_ab: Any) -> Any:
    """Mean absolute difference over pixels and the two channels (equation 2).

    Args:
        real_ab: (B, H, W, 2), scaled to [-1, 1].
        generated_ab: (B, H, W, 2), scaled to [-1, 1].

    Returns:
        A float32 scalar in [0, 2].
    """
    difference = ops.cast(generated_ab, "float32") - ops.cast(real_ab, "float32")
    return ops.mean(ops.abs(difference))


def adversarial_loss(generated_logits: Any) -> Any:
    """The generator's share of equation 1, in its non-saturating form (Goodfellow et al. 2014).

    Args:
        generated_logits: (B, h, w, 1), the discriminator's logits of generated ab.

    Returns:
        A scalar: the mean of -log D(G(x)).
    """
    return ops.mean(ops.softplus(-generated_logits))


def discriminator_loss(
    real_logits: Any, generated_logits: Any, label_smoothing: float = 0.0
) -> Any:
    """The discriminator's loss: equation 1 with its sign turned.

    Args:
        real_logits: (B, h, w, 1), logits of real ab.
        generated_logits: (B, h, w, 1), logits of generated ab.
        label_smoothing: the target for real is 1 minus this, one-sided (Salimans et al. 2016).

    Returns:
        A scalar: the mean of -log D(x, y) plus the mean of -log(1 - D(x, G(x))).
    """
    real = (1.0 - label_smoothing) * ops.softplus(-real_logits)
    real = real + label_smoothing * ops.softplus(real_logits)
    return ops.mean(real) + ops.mean(ops.softplus(generated_logits))
