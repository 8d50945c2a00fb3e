"""Files of networks that unpack to far more than they hold are refused before they are."""

import zipfile
from io import BytesIO

import pytest

from keras_colorize.inference.runtime import load_keras
from keras_colorize.inference.weights import WeightsError

LARGE = 2**27


def test_a_zip_bomb_is_a_sentence(tmp_path):
    path = tmp_path / "bomb.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("metadata.json", "{}")
        archive.writestr("config.json", bytes(LARGE))
    with pytest.raises(WeightsError) as caught:
        load_keras(path)
    size = path.stat().st_size
    assert size < 2**18
    said = f"has {size} bytes and would unpack to {LARGE + 2}: it is no network."
    assert str(caught.value) == f"{path} {said}"


def test_arrays_that_are_packed_within_count_too(tmp_path):
    import h5py

    weights = BytesIO()
    with h5py.File(weights, "w") as file:
        file.create_dataset("layers/dense/vars/0", (LARGE // 4,), "f4", compression="gzip")
    path = tmp_path / "bomb.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", "{}")
        archive.writestr("model.weights.h5", weights.getvalue())
    with pytest.raises(WeightsError, match=f"would unpack to {LARGE}: it is no network"):
        load_keras(path)
