"""`keras-colorize export`: all files of a network, checked and measured, and what it refuses."""

import json
from collections import Counter

import keras
import pytest
from click.testing import CliRunner

from keras_colorize.cli.main import main
from keras_colorize.config import GeneratorConfig
from keras_colorize.exporting import bundle, tflite
from keras_colorize.inference.runtime import load_runtime
from keras_colorize.inference.tflite_facts import read_facts
from keras_colorize.models import folding
from keras_colorize.models.generator import build_generator


def export(*arguments):
    return CliRunner().invoke(main, ["export", *map(str, arguments)])


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    keras.utils.set_random_seed(0)
    path = tmp_path_factory.mktemp("weights") / "small.keras"
    # XNNPACK corrupts memory in int8 networks of 2 channels.
    config = GeneratorConfig((4, 4, 4, 4, 4), 2, "unet", convolutions=1)
    build_generator(config).save(path)
    return path


@pytest.fixture(scope="module")
def photographs(tmp_path_factory, make_picture):
    folder = tmp_path_factory.mktemp("photographs")
    for k in range(2):
        make_picture(k, 256, 256).save(folder / f"{k}.png")
    return folder


@pytest.fixture(scope="module")
def quick():
    """One small size: each takes the converter seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bundle, "SIZES", ((64, 64),))
        yield


@pytest.fixture(scope="module")
def exported(weights, photographs, quick, tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported")
    options = ["--representative", photographs, "--val", photographs, "--max-loss-db", 60]
    for kind in ("float32", "dynamic", "int8"):
        options += ["--kind", kind]
    counts = Counter()
    with pytest.MonkeyPatch.context() as patch:
        for module, name in ((folding, "build_generator"), (tflite, "measured_scales")):
            patch.setattr(module, name, _counted(getattr(module, name), counts))
        result = export(folder, "--weights", weights, "--author", "Ada", *options)
    assert result.exit_code == 0, result.output
    return folder, result, counts


def _counted(function, counts):
    """The function, with its calls counted by its name."""

    def call(*arguments, **options):
        counts[function.__name__] += 1
        return function(*arguments, **options)

    return call


def test_all_files_are_there_and_are_measured(exported):
    folder, result, _ = exported
    files = {
        "SavedModel": "saved_model/small/1",
        "TFLite float32": "tflite/small.float32.tflite",
        "TFLite dynamic": "tflite/small.dynamic.tflite",
        "TFLite int8": "tflite/small.int8.tflite",
        "ONNX": "onnx/small.onnx",
    }
    report = json.loads((folder / "report.json").read_text())
    assert [one["name"] for one in report["files"]] == list(files)
    for one in report["files"]:
        path = folder / files[one["name"]]
        assert path.exists() and one["path"] == path.name
        assert load_runtime(path).chroma_stride == 2
        assert one["loss"]["images"] == 2
        assert one["bytes"] > 5_000
    assert result.stdout == (folder / "report.md").read_text()
    assert set(report["parity"]) == {"SavedModel", "TFLite float32", "ONNX"}
    assert max(parity["rms"] for parity in report["parity"].values()) < 1e-5
    losses = {one["name"]: one["loss"]["to_parent"] for one in report["files"]}
    assert min(losses["SavedModel"], losses["TFLite float32"], losses["ONNX"]) > 50
    assert losses["TFLite int8"] < min(losses["TFLite float32"], 60)
    assert report["calibration"]["photographs"] == 2
    assert len(report["calibration"]["digest"]) == 16


def test_the_tflite_files_say_what_they_are(exported):
    folder, *_ = exported
    report = json.loads((folder / "report.json").read_text())
    for kind in ("float32", "dynamic", "int8"):
        facts = read_facts((folder / f"tflite/small.{kind}.tflite").read_bytes())
        assert (facts["name"], facts["kind"], facts["author"]) == ("small", kind, "Ada")
        assert facts["calibration"] == (None if kind == "float32" else report["calibration"])


def test_all_formats_and_kinds_share_one_folded_and_equalized_network(exported):
    _, _, counts = exported
    assert counts == {"build_generator": 1, "measured_scales": 1}


def test_the_saved_model_says_how_it_was_made(exported):
    folder, *_ = exported
    assert "keras-colorize" in (folder / "saved_model/small/1/README.txt").read_text()


def test_a_folder_that_is_not_empty_is_refused(exported, weights):
    folder, *_ = exported
    before = (folder / "report.md").read_bytes()
    result = export(folder, "--weights", weights, "--to", "onnx")
    assert result.exit_code == 2
    assert f"{folder} is not empty: name another folder, or give --overwrite." in result.stderr
    assert (folder / "report.md").read_bytes() == before


def test_without_photographs_it_says_what_is_not_known(weights, quick, tmp_path):
    kinds = ("--kind", "float32", "--kind", "int8")
    result = export(tmp_path / "out", "--weights", weights, "--to", "tflite", *kinds)
    assert result.exit_code == 0, result.output
    assert [p.name for p in (tmp_path / "out/tflite").iterdir()] == ["small.float32.tflite"]
    assert "The kinds dynamic and int8 were not made. They need --calibration." in result.stderr
    assert "The loss of quality was not measured. --val measures it." in result.stderr


def test_a_file_that_loses_too_much_fails_the_export(weights, photographs, monkeypatch, tmp_path):
    monkeypatch.setattr(bundle, "convert_to_onnx", _wrong)
    monkeypatch.setattr(bundle, "_parity", lambda *_: {})
    out = tmp_path / "out"
    result = export(out, "--weights", weights, "--to", "onnx", "--val", photographs)
    assert result.exit_code == 1
    message = f"These files lose more than 0.1 dB of PSNR: ONNX. {out}/report.md says how much."
    assert message in result.stderr
    assert "| ONNX |" in (out / "report.md").read_text()


def _wrong(generator):
    """Colours that are far off."""
    from keras_colorize.exporting.onnx import convert_to_onnx

    other = keras.models.clone_model(generator)
    other.set_weights([w + 0.3 for w in generator.get_weights()])
    return convert_to_onnx(other)


def test_weights_that_are_not_there_are_a_sentence(tmp_path):
    result = export(tmp_path / "out", "--weights", tmp_path / "no.keras")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: There are no weights ")
    assert not (tmp_path / "out").exists()
