"""Which layers of a network lose most when they are int8."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from keras_colorize.evaluation.tables import markdown_table
from keras_colorize.exporting.tflite import cover, equalized, int8_quantizer
from keras_colorize.imaging.color import scale_lightness
from keras_colorize.imaging.files import atomic_file

_PHOTOGRAPHS = 16


@dataclass(frozen=True)
class LayerError:
    """What int8 does to a layer.

    Attributes:
        layer: its name, as `keep_float` takes it.
        error: root mean square of what rounding adds to its output, given the same input, over
            the standard deviation of the output.
    """

    layer: str
    error: float


def layer_errors(
    generator: keras.Model,
    representative: Iterable[np.ndarray],
    size: tuple[int, int] = (256, 256),
) -> list[LayerError]:
    """Measures every convolution of an int8 file.

    Args:
        generator: with batch norm or without.
        representative: L of photographs, float32 (H, W) in 0..100, that calibrate and measure.
        size: (height, width) of the network's input.

    Returns:
        The convolutions, the one with the greatest error first.
    """
    samples = list(representative)
    network = equalized(generator, samples, size)
    errors = int8_quantizer(network, samples[:_PHOTOGRAPHS], size).errors()
    spreads = _spreads(network, cover(samples[:_PHOTOGRAPHS], size))
    found = [LayerError(name, errors[name] / spread) for name, spread in spreads.items()]
    return sorted(found, key=lambda one: -one.error)


def _spreads(network: keras.Model, lightness: np.ndarray) -> dict[str, float]:
    """Standard deviation of each convolution's output, after its activation."""
    layers = {layer.name: layer for layer in network.layers}
    outputs = {
        name: layers.get(f"{name}_relu", layer).output
        for name, layer in layers.items()
        if layer.weights
    }
    values = keras.Model(network.input, outputs).predict(scale_lightness(lightness), verbose=0)
    return {name: float(value.std()) for name, value in values.items()}


def write_layer_errors(path: Path, errors: Sequence[LayerError]) -> None:
    """Writes the errors as a Markdown table, in the place of one that is there."""
    lines = [[one.layer, f"{one.error:.2%}"] for one in errors]
    with atomic_file(path, overwrite=True) as stream:
        stream.write(markdown_table([["layer", "error over spread"], *lines]).encode() + b"\n")
