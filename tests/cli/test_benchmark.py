"""`keras-colorize benchmark`: the table, the JSON, and which files a folder stands for."""

import json
import shutil

import pytest
from click.testing import CliRunner

from keras_colorize.cli.benchmark import _files
from keras_colorize.cli.main import main
from keras_colorize.inference.weights import resolve_weights


@pytest.fixture
def packaged():
    return resolve_weights(None)


def run(*arguments):
    return CliRunner().invoke(main, ["benchmark", *map(str, arguments)])


def test_a_row_for_each_number_of_threads(packaged, tmp_path):
    copy = shutil.copy(packaged, tmp_path / "copy.tflite")
    result = run("--model", copy, "--threads", 1, "--threads", 2, "--repeats", 1, "--layers")
    assert result.exit_code == 0, result.output
    machine, _, heading, _, *rest = result.stdout.splitlines()
    assert machine.startswith("processor ") and "ai-edge-litert" in machine
    columns = [cell.strip() for cell in heading.strip("|").split("|")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in rest[:2]]
    found = [dict(zip(columns, row, strict=True)) for row in rows]
    assert [(one["network"], one["threads"]) for one in found] == [("copy", "1"), ("copy", "2")]
    assert all(one["GMAC"] == "3.41" and one["numbers"] == "int8" for one in found)
    assert all(float(one["ms"]) > 0 and one["share"].endswith("%") for one in found)
    assert "copy.tflite: each layer alone, threads: 1" in rest
    assert sum("| TRANSPOSE_CONV |" in line for line in rest) == 10


def test_json_is_all_that_is_printed():
    result = run("--threads", 1, "--repeats", 1, "--json")
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert report.keys() == {"machine", "rows", "layers"} and report["layers"] == {}
    (row,) = report["rows"]
    assert row["name"] == "mobile" and row["flops"]["is_integer"] is True
    assert row["share"] == pytest.approx(row["rate"] / row["matrix_rate"])


def test_an_exported_folder_is_all_that_is_in_it(tmp_path):
    for name in ("tflite/a.int8.tflite", "onnx/a.onnx", "saved_model/a/1/saved_model.pb"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).touch()
    assert _files([str(tmp_path)]) == (str(tmp_path),)  # a run folder, say
    (tmp_path / "report.json").touch()
    expected = ("tflite/a.int8.tflite", "onnx/a.onnx", "saved_model/a/1")
    assert _files(["mobile", str(tmp_path)]) == ("mobile", *(str(tmp_path / e) for e in expected))


def test_mistakes_are_a_sentence(tmp_path):
    result = run("--model", tmp_path / "no.tflite", "--threads", 1)
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: There are no weights ")
    result = run("--size", 100, "--threads", 1)
    assert result.exit_code == 1 and "100" in result.stderr
