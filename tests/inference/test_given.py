"""What callers give in the place of a photograph, a result or a network."""

from io import BytesIO

import numpy as np
import pytest

from keras_colorize.inference.colorizer import Colorizer
from keras_colorize.inference.runtime import KerasRuntime, WeightsError

PIXELS = np.tile(np.arange(96, dtype=np.uint8), (64, 1))


def test_a_model_of_keras_is_taken(tiny_generator):
    colored = Colorizer(tiny_generator, size=64).colorize(PIXELS)
    expected = Colorizer(KerasRuntime(tiny_generator), size=64).colorize(PIXELS)
    assert colored.tobytes() == expected.tobytes()
    assert colored.size == (96, 64)


def test_a_model_that_is_no_generator_is_a_sentence():
    import keras

    other = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    with pytest.raises(WeightsError, match=r"^\S+ is not a generator of this package\.$"):
        Colorizer(other)


@pytest.mark.parametrize("model", [5, object(), {"name": "mobile"}])
def test_other_models_are_a_sentence(model):
    said = "a path, a generator of Keras or a runtime, not a " + type(model).__name__
    with pytest.raises(TypeError, match=said):
        Colorizer(model)


@pytest.mark.parametrize("source", [None, 5, [[0, 1], [2, 3]]])
def test_other_photographs_are_a_sentence(source):
    kind = "None" if source is None else f"a {type(source).__name__}"
    said = rf"^A photograph is a path, .* a Pillow image or an array, not {kind}\.$"
    colorizer = Colorizer()
    with pytest.raises(TypeError, match=said):
        colorizer.colorize(source)
    with pytest.raises(TypeError, match=said):
        colorizer.colorize_file(source, BytesIO())


def test_other_results_are_a_sentence(tmp_path):
    said = r"^A result is a path or a binary stream, not None\.$"
    with pytest.raises(TypeError, match=said):
        Colorizer().colorize_file(tmp_path / "photo.jpg", None)
