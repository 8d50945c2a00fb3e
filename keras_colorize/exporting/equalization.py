"""Brings the activations of a network to similar ranges, so that they fit into 8 bits.

Integer files hold the values of a tensor in 256 steps between the least and the greatest value seen
in calibration. Two things waste these steps: channels of different ranges in one tensor, and a rare
photograph that makes a tensor hundreds of times as large as any other does. Here every activation
is brought into 0..6, where ReLU6 ends. The stages of an EfficientNet-Lite end there already, and
stay as they are.
"""

from collections.abc import Mapping

import keras
import numpy as np
from numpy.typing import NDArray

from keras_colorize.models.efficientnet_lite import is_in_encoder
from keras_colorize.models.generator import config_of

LIMIT = 6.0  # the limit of ReLU6, which convolutions of integer files have built in
# Percentage of the calibration photographs that the ranges ignore. 5 of 64 photographs drove the
# last activations of the packaged network to 22..450, where those of no other photograph reach 1.
RARE = 10
_SMALLEST = 1e-2  # range of a channel that is always 0, as a share of the range of its tensor

Floats = NDArray[np.float64]
Scales = Mapping[str, Floats]  # by the name of a ReLU layer: (channels,)


def equalize(folded: keras.Model, lightness_scaled: NDArray[np.float32]) -> keras.Model:
    """Rescales the channels of a network to similar ranges, and limits them with ReLU6.

    Except for the few activations that are cut off, the result computes what `folded` computes.

    Args:
        folded: a generator without batch norm.
        lightness_scaled: (n, H, W, 1) in [-1, 1], photographs to calibrate with.
    """
    return rescale(folded, measured_scales(folded, lightness_scaled), limit=LIMIT)


def measured_scales(folded: keras.Model, lightness_scaled: NDArray[np.float32]) -> Scales:
    """Chooses the scales of all channels, as `rescale` takes them; see `equalize`."""
    return {name: channel_scales(peaks) for name, peaks in measure(folded, lightness_scaled)}


def measure(
    folded: keras.Model, lightness_scaled: NDArray[np.float32]
) -> list[tuple[str, NDArray[np.float32]]]:
    """Measures the greatest activation of each photograph and channel.

    Returns:
        The name of each ReLU layer outside of a pretrained encoder, with (n, channels).
    """
    layers = [layer for layer in folded.layers if _is_scaled(layer)]
    peaks = [keras.layers.GlobalMaxPooling2D()(layer.output) for layer in layers]
    found = keras.Model(folded.input, peaks).predict(lightness_scaled, batch_size=8, verbose=0)
    return [(layer.name, value) for layer, value in zip(layers, found, strict=True)]


def channel_scales(peaks: NDArray[np.float32]) -> Floats:
    """Chooses what to divide the channels of one ReLU layer by.

    The scale is the geometric mean of the channel's own range and that of all channels. The own
    range alone would move all of the inequality into the next kernels, whose 8 bits are shared by
    the input channels of one output channel.

    Args:
        peaks: (n, channels), the greatest activation of each photograph.

    Returns:
        (channels,), greater than 0. The channel of the largest range gets 0..`LIMIT`, and the
        others some part of it.
    """
    whole = np.percentile(peaks.max(axis=1), 100 - RARE) or 1.0  # a layer may be silent
    own = np.percentile(peaks, 100 - RARE, axis=0)
    scales: Floats = np.sqrt(np.maximum(own, _SMALLEST * whole) * whole) / LIMIT
    return scales


def rescale(folded: keras.Model, scales: Scales, *, limit: float | None = None) -> keras.Model:
    """Divides the channels of ReLU layers, and undoes it in the kernels that read them.

    ReLU(x) / s is ReLU(x / s) for every s > 0, so that the function stays the same (Nagel et al.
    2019, section 4.1).

    Args:
        folded: a generator without batch norm.
        scales: by the name of each ReLU layer: (channels,), greater than 0.
        limit: greatest value that the ReLU layers of the result let through.

    Returns:
        A network of the same layers; the original is not changed.
    """

    def copy(layer: keras.Layer) -> keras.Layer:
        if _is_scaled(layer):
            return keras.layers.ReLU(max_value=limit, name=layer.name)
        return layer.__class__.from_config(layer.get_config())

    rescaled = keras.models.clone_model(folded, clone_function=copy)
    rescaled.config = config_of(folded)
    readers = {id(layer.input): layer for layer in folded.layers if layer.name in scales}
    divided: dict[int, Floats] = {id(folded.input): np.ones(1)}  # by tensor: (channels,)
    for layer in folded.layers:
        tensor = id(layer.output)
        if is_in_encoder(layer.name):
            rescaled.get_layer(layer.name).set_weights(layer.get_weights())
            divided[tensor] = np.ones(layer.output.shape[-1])
        elif isinstance(layer, keras.layers.Concatenate):
            divided[tensor] = np.concatenate([divided[id(part)] for part in layer.input])
        elif layer.weights:
            kernel, bias = (np.asarray(w, np.float64) for w in layer.get_weights())
            relu = readers.get(tensor)
            scale = np.ones(bias.size) if relu is None else np.asarray(scales[relu.name])
            before = divided[id(layer.input)]
            if isinstance(layer, keras.layers.Conv2DTranspose):  # (height, width, out, in)
                kernel = kernel * before / scale[:, None]
            else:
                kernel = kernel * before[:, None] / scale
            rescaled.get_layer(layer.name).set_weights([kernel, bias / scale])
            divided[tensor] = scale
        elif tensor not in divided:
            divided[tensor] = divided[id(layer.input)]
    return rescaled


def _is_scaled(layer: keras.Layer) -> bool:
    return isinstance(layer, keras.layers.ReLU) and not is_in_encoder(layer.name)
