"""The packaged weights, read back out of their `.tflite` file."""

from pathlib import Path

import numpy as np
import pytest

from keras_colorize.config import PRESETS
from keras_colorize.imaging.color import scale_ab
from keras_colorize.inference.runtime import KerasRuntime, WeightsError
from keras_colorize.inference.tflite_weights import folded_generator, read_constants


def test_the_packaged_network_gives_the_golden_ab(packaged: Path) -> None:
    folded = folded_generator(read_constants(packaged), PRESETS["mobile"].generator)
    with np.load(packaged.with_suffix(".golden.npz")) as golden:
        ab, expected = KerasRuntime(folded).predict(golden["lightness"]), golden["ab"]
    # LiteRT rounds each layer's input to 8 bits, which the network read back does not.
    difference = scale_ab(ab - expected)
    assert np.sqrt(np.mean(difference**2)) < 1e-3
    assert np.abs(difference).max() < 0.01


def test_a_damaged_file_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "broken.tflite"
    path.write_bytes(b"not a network" * 100)
    with pytest.raises(WeightsError, match=r"broken\.tflite is damaged, or no \.tflite file"):
        read_constants(path)
