"""Folding batch norm into convolutions for inference, and the reverse for training."""

import math
from typing import Any

import numpy as np

from keras_colorize.models.generator import build_generator, config_of

HE_NORM = math.sqrt(2)  # norm of the weights of an output after He's initialization (2015)


def fold_batch_norm(generator: Any) -> Any:
    """Builds the same function without batch norm.

    A convolution with the kernel W followed by batch norm is the same as a convolution with the
    kernel W s and the bias beta - mean s, with s = gamma / sqrt(variance + epsilon) for each output
    channel (Jacob et al. 2018, section 3.2).

    Args:
        generator: a generator.

    Returns:
        A generator of the same configuration with biases instead; the original is not changed. A
        generator that has no batch norm is returned as it is.
    """
    config = config_of(generator)
    if not any(layer.name.endswith("_bn") for layer in generator.layers):
        return generator
    folded = build_generator(config, batch_norm=False)
    layers = {layer.name: layer for layer in generator.layers}
    for layer in folded.layers:
        weights = [np.asarray(w, np.float64) for w in layers[layer.name].get_weights()]
        if f"{layer.name}_bn" in layers:
            (kernel,) = weights
            norm = layers[f"{layer.name}_bn"]
            gamma, beta, mean, variance = (np.asarray(w, np.float64) for w in norm.get_weights())
            scale = gamma / np.sqrt(variance + norm.epsilon)
            weights = [kernel * _by_output(scale, layer), beta - mean * scale]
        layer.set_weights(weights)
    return folded


def unfold_batch_norm(folded: Any) -> Any:
    """Builds an equivalent generator with batch norm, so that it can be trained further.

    Folding loses the original scale of the kernels. Here they are scaled to the norm of random
    kernels, so that a learning rate has its usual effect, and batch norm undoes this and adds the
    bias. The statistics of batch norm are not those of real activations yet: measure them with
    `adopt_statistics` of `keras_colorize.training.batch_statistics`.

    Args:
        folded: A generator without batch norm. It is not changed.

    Returns:
        A generator with the same configuration that has batch norm.
    """
    generator = build_generator(config_of(folded))
    layers = {layer.name: layer for layer in generator.layers}
    for layer in folded.layers:
        weights = layer.get_weights()
        if norm := layers.get(f"{layer.name}_bn"):
            kernel, bias = weights
            others = (0, 1, 3 if _is_transposed(layer) else 2)
            lengths = np.sqrt(np.sum(np.square(kernel, dtype=np.float64), others))
            scale = np.divide(HE_NORM, lengths, out=np.ones_like(lengths), where=lengths > 0)
            variance = scale**2
            norm.set_weights([np.sqrt(variance + norm.epsilon) / scale, bias, 0 * bias, variance])
            weights = [kernel * _by_output(scale, layer)]
        layers[layer.name].set_weights(weights)
    return generator


def _by_output(scale: Any, layer: Any) -> Any:
    """Reshapes factors of the output channels so that they can be multiplied with the kernel."""
    return scale[:, None] if _is_transposed(layer) else scale


def _is_transposed(layer: Any) -> bool:
    """Whether the kernel has the shape (height, width, out, in) instead of (..., in, out)."""
    return "Transpose" in type(layer).__name__
