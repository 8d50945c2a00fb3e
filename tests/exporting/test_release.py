"""`make weights`: its files, golden tensors and model card, and that they agree."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from keras_colorize.config import PRESETS
from keras_colorize.exporting import release
from keras_colorize.inference.runtime import KerasRuntime, LiteRTRuntime
from keras_colorize.models.generator import build_generator
from keras_colorize.training.runs import Run

KINDS = ("float32", "dynamic")
RECORDS = [
    {"epoch": 1, "images": 7680, "l1_loss": 0.12345, "val_psnr_gain": 0.517},
    {"epoch": 2, "images": 15360, "l1_loss": 0.11, "val_psnr_gain": None},
]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The folder of a run that has ended, with a generator that says something."""
    tiny = PRESETS["tiny"]
    configuration = {**tiny.describe(), "photographs": 24}
    run = Run(tmp_path_factory.mktemp("runs") / "tiny", configuration)
    run.write_metrics(RECORDS)
    build_generator(tiny.generator).save(run.folder / "best.keras")
    return run.folder


@pytest.fixture(scope="module")
def folders(tmp_path_factory, make_picture):
    """Arguments of the command but the run: folders of a few photographs, one of them damaged."""
    folder = tmp_path_factory.mktemp("folders")
    for k in range(4):
        make_picture(k, 288, 270).save(folder / f"{k}.jpg")
    (folder / "damaged.jpg").write_bytes(b"no picture")
    (folder / "notes.md").write_text("## Data and its terms\n\nNone.\n")
    options = {"calibration": folder, "val": folder, "golden": folder / "0.jpg"}
    options["notes"] = folder / "notes.md"
    return [part for name, value in options.items() for part in (f"--{name}", str(value))]


@pytest.fixture(scope="module")
def packaged(run, folders, tmp_path_factory):
    """The folder that the command wrote to."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("weights")
        patch.setattr(release, "PACKAGED_FOLDER", folder)
        patch.setattr(release, "SIZES", ((256, 256),))
        result = CliRunner().invoke(release.main, [str(run), *folders, "--name", "small"])
    assert result.exit_code == 0, result.output
    return folder


@pytest.fixture(scope="module")
def facts(packaged):
    return json.loads((packaged / "small.json").read_text())


@pytest.mark.slow
def test_writes_these_files_and_no_other(packaged):
    names = {path.name for path in packaged.iterdir()}
    assert names == {"small.tflite", "small.json", "small.golden.npz", "README.md"}


@pytest.mark.slow
def test_the_fastest_good_kind_is_packaged(packaged, facts):
    assert tuple(facts["kinds"]) == KINDS
    best = facts["kinds"]["float32"]["scores"]["psnr"]
    good = {
        kind: row["milliseconds"]
        for kind, row in facts["kinds"].items()
        if best - row["scores"]["psnr"] < facts["max_loss_db"]
    }
    assert facts["kind"] == min(good, key=good.get)
    assert (packaged / "small.tflite").stat().st_size == facts["kinds"][facts["kind"]]["bytes"]


@pytest.mark.slow
def test_golden_tensors_are_of_the_packaged_file_and_near_the_generators(packaged, run):
    with np.load(packaged / "small.golden.npz") as golden:
        lightness, ab = golden["lightness"], golden["ab"]
    assert lightness.shape == (256, 256)
    assert (lightness == np.round(lightness)).all()
    runtime = LiteRTRuntime(packaged / "small.tflite", release.THREADS)
    np.testing.assert_allclose(runtime.predict(lightness), ab, atol=1e-3)
    assert np.abs(ab).max() > 0.1
    parent = KerasRuntime(run / "best.keras").predict(lightness)
    assert np.abs(ab - parent).mean() < 0.5 * np.abs(parent).mean()


@pytest.mark.slow
def test_facts_are_of_the_file_and_the_photographs(packaged, facts):
    runtime = LiteRTRuntime(packaged / "small.tflite")
    assert facts["sizes"] == [list(size) for size in runtime.sizes] == [[256, 256]]
    assert facts["chroma_stride"] == runtime.chroma_stride == 2
    assert facts["calibration"]["photographs"] == 4  # not the damaged one
    assert facts["images"] == 2  # every second of five
    assert facts["parity_float32"]["rms"] < 1e-5


@pytest.mark.slow
def test_the_card_says_what_the_facts_and_the_run_say(packaged, facts, run):
    card = (packaged / "README.md").read_text()
    assert card.startswith("# small: model card")
    assert f"packaged as {facts['kind']}" in card
    assert f"RUN={run}" in card
    for kind, row in facts["kinds"].items():
        assert f"| {kind} | {row['bytes']:,} | {row['milliseconds']} |" in card
    grey = facts["baselines"]["grey"]["psnr"]
    assert f"| grey | {grey:.2f} | +0.00 |" in card
    psnr = facts["kinds"][facts["kind"]]["scores"]["psnr"]
    assert f"| small | {psnr:.2f} | {psnr - grey:+.2f} |" in card
    assert "| 1 | 7,680 | 0.1235 | 0.52 | - |" in card
    assert "| 2 | 15,360 | 0.1100 | - | - |" in card
    assert "photographs 24." in card
    assert card.endswith("## Data and its terms\n\nNone.\n")


@pytest.mark.parametrize("missing", ["config.json", "metrics.jsonl"])
def test_a_folder_that_is_no_finished_run_is_refused_at_once(folders, tmp_path, missing):
    for name in {"config.json", "metrics.jsonl", "best.keras"} - {missing}:
        (tmp_path / name).touch()
    result = CliRunner().invoke(release.main, [str(tmp_path), *folders])
    assert result.exit_code == 2
    assert f"{tmp_path} is not a finished run: it holds no {missing}." in result.stderr


def test_a_keras_file_is_refused_at_once(folders, tmp_path):
    (tmp_path / "best.keras").touch()
    result = CliRunner().invoke(release.main, [str(tmp_path / "best.keras"), *folders])
    assert result.exit_code == 2
    assert "is a file" in result.stderr
