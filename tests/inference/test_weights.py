from pathlib import Path

import pytest

from keras_colorize.inference.weights import (
    DEFAULT_NAME,
    WeightsError,
    packaged_weights,
    resolve_weights,
)


def test_default_is_a_packaged_network(packaged: Path) -> None:
    assert packaged_weights()[DEFAULT_NAME] == packaged == resolve_weights(DEFAULT_NAME)
    assert packaged.with_suffix(".golden.npz").is_file()


def test_a_packaged_name_goes_before_a_path(
    packaged: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / DEFAULT_NAME).mkdir()
    monkeypatch.chdir(tmp_path)
    assert resolve_weights(DEFAULT_NAME) == packaged


def test_a_run_folder_is_its_best_generator(tmp_path: Path) -> None:
    (tmp_path / "generator.keras").touch()
    assert resolve_weights(tmp_path) == tmp_path / "generator.keras"
    (tmp_path / "best.keras").touch()
    assert resolve_weights(str(tmp_path)) == tmp_path / "best.keras"


@pytest.mark.parametrize("suffix", [".keras", ".tflite"])
def test_a_file_is_itself(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"network{suffix}"
    path.touch()
    assert resolve_weights(path) == path


def test_what_is_not_there_is_said_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"no weights 'nothing'; the packaged ones are: mobile"):
        resolve_weights("nothing")
    with pytest.raises(WeightsError, match="neither a run folder, with best.keras or gener"):
        resolve_weights(tmp_path)
    other = tmp_path / "network.h5"
    other.touch()
    with pytest.raises(WeightsError, match="end in .keras, .tflite or .onnx"):
        resolve_weights(other)


def test_an_installation_without_weights_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("keras_colorize.inference.weights.PACKAGED_FOLDER", tmp_path)
    with pytest.raises(WeightsError, match="lacks its weights"):
        resolve_weights(None)
