"""`keras-colorize compress`: its files, runs that go on, and what it refuses."""

import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter
from click.testing import CliRunner

from keras_colorize.cli.main import main
from keras_colorize.exporting import compression
from keras_colorize.exporting.clustering import ClusteredNetwork
from keras_colorize.exporting.delegation import delegation_of
from keras_colorize.imaging.color import scale_lightness
from keras_colorize.imaging.locks import only_writer
from keras_colorize.inference.generators import load_generator
from keras_colorize.inference.tflite_weights import read_constants
from keras_colorize.models.generator import build_generator, config_of

SIZE = (64, 64)
RECIPE = "--size 64 --batch-size 4 --epochs 2 --steps-per-epoch 3 --learning-rate 1e-3".split()
BUILTIN_CODES = {v: k for k, v in vars(schema.BuiltinOperator).items() if isinstance(v, int)}


def compress(*arguments):
    return CliRunner().invoke(main, ["compress", *map(str, arguments)])


@pytest.fixture(scope="module", autouse=True)
def quick(tmp_path_factory):
    """One small size: each takes the converter seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compression, "SIZES", (SIZE,))
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def weights(small_generator, tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "small.keras"
    small_generator.save(path)
    return path


@pytest.fixture(scope="module")
def finished(weights, photographs, tmp_path_factory):
    """The folder of a run, and what the command said."""
    folder = tmp_path_factory.mktemp("runs") / "small"
    result = compress(photographs, "--weights", weights, "--run", folder, *RECIPE)
    assert result.exit_code == 0, result.output
    return folder, result


def network_of(folder, small_generator):
    """The saved weights, as the documentation says they are loaded."""
    network = build_generator(config_of(small_generator), batch_norm=False)
    network.load_weights(folder / "small.cluster.weights.h5")
    return network


def weight_types(model):
    """Of the kernels of convolutions, and of the others."""
    graph = (parsed := schema.ModelT.InitFromPackedBuf(model, 0)).subgraphs[0]
    found = {"CONV_2D": [], "TRANSPOSE_CONV": []}
    for operator in graph.operators:
        name = BUILTIN_CODES[parsed.operatorCodes[operator.opcodeIndex].builtinCode]
        if name in found:
            found[name].append(graph.tensors[operator.inputs[1]])
    return found


def test_the_file_is_int8_and_near_its_parent(finished, weights, samples, small_generator):
    folder, _ = finished
    path = folder / "small.cluster.tflite"
    kernels = weight_types(path.read_bytes())
    assert {name: len(found) for name, found in kernels.items()} == {
        "CONV_2D": 9 + 4 + 1,
        "TRANSPOSE_CONV": 4,
    }
    for kernel in (*kernels["CONV_2D"], *kernels["TRANSPOSE_CONV"]):
        assert kernel.type == schema.TensorType.INT8
        assert len(kernel.quantization.scale) == 1
    found = delegation_of(path)
    assert found.delegated == found.nodes and found.partitions == 1
    runner = Interpreter(str(path)).get_signature_runner("colorize_64x64")
    x = compression.cover(samples, SIZE)
    ab = np.concatenate([runner(lightness=one[None])["ab"] for one in x]) / 110
    parent = load_generator(weights).predict(scale_lightness(x), verbose=0)
    assert 0 < (ab - parent).std() < 0.5 * parent.std()
    own = network_of(folder, small_generator).predict(scale_lightness(x), verbose=0)
    assert (ab - own).std() < 0.3 * own.std()


def test_weights_and_file_have_few_values(finished, small_generator):
    folder, _ = finished
    assert json.loads((folder / "report.json").read_text())["values"] == 16
    network = network_of(folder, small_generator)
    *kernels, _ = [layer.get_weights()[0] for layer in network.layers if layer.weights]
    constants = read_constants(folder / "small.cluster.tflite")
    stored = [value for value in constants.values() if value.ndim == 4 and len(value) > 2]
    assert len(kernels) == len(stored) == 9 + 4 + 4
    for each in (kernels, stored):
        assert max(len(np.unique(kernel)) for kernel in each) <= 16


def test_the_report_says_what_was_made(finished):
    folder, result = finished
    report = json.loads((folder / "report.json").read_text())
    (one,) = report["files"]
    path = folder / "small.cluster.tflite"
    assert one["path"] == path.name
    assert one["bytes"] == path.stat().st_size > one["gzip_bytes"] > 1000
    assert result.stdout == (folder / "report.md").read_text()
    assert "The loss of quality was not measured. --val measures it." in result.stderr
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert [(line["epoch"], line["images"]) for line in lines] == [(1, 12), (2, 24)]
    assert all(0 < line[name] < 1 for line in lines for name in ("l1_loss", "parent_loss"))
    assert [line["learning_rate"] for line in lines] == pytest.approx([4e-3 / 6, 1e-3 / 6])


def test_a_finished_run_is_known(finished, weights, photographs):
    folder, before = finished
    times = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    result = compress(photographs, "--weights", weights, "--run", folder, *RECIPE)
    assert result.exit_code == 0, result.output
    assert f"{folder} is finished." in result.stderr
    assert result.stdout == before.stdout
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == times


# Of a training the same is tested in `train_command`.
@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stopped_run_goes_on_as_the_unbroken_one(
    number, finished, weights, photographs, small_generator, tmp_path, monkeypatch
):
    """It is stopped in the middle of the second epoch: nothing is done twice, nothing is lost."""
    run = tmp_path / "run"
    options = ("--weights", weights, "--run", run, *RECIPE)
    usual, seen = ClusteredNetwork.step, []

    def step(self, *batch):
        seen.append(batch)
        if len(seen) == 5:
            signal.raise_signal(number)
        return usual(self, *batch)

    monkeypatch.setattr(ClusteredNetwork, "step", step)
    result = compress(photographs, *options)
    assert result.exit_code == (0 if number == signal.SIGTERM else 130), result.output
    assert "Stopped. The same command goes on from there." in result.stderr
    assert not (run / "report.md").exists()
    result = compress(photographs, *options)
    assert result.exit_code == 0, result.output
    assert len(seen) == 5 + 1
    ours, theirs = (network_of(folder, small_generator) for folder in (run, finished[0]))
    pairs = zip(ours.get_weights(), theirs.get_weights(), strict=True)
    assert all(np.array_equal(a, b) for a, b in pairs)
    name = "small.cluster.tflite"
    assert (run / name).read_bytes() == (finished[0] / name).read_bytes()
    lines = [(f / "metrics.jsonl").read_text().splitlines() for f in (run, finished[0])]
    for one, other in zip(*(map(json.loads, each) for each in lines), strict=True):
        assert one | {"seconds": 0} == other | {"seconds": 0}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--size", 48], "this network takes multiples of 32."),
        (["--batch-size", 25], "24 photographs are fewer than one batch"),
        (["--weights", "no.keras"], "There are no weights 'no.keras'"),
    ],
)
def test_mistakes_are_a_sentence(options, message, weights, photographs, tmp_path):
    run = tmp_path / "run"
    result = compress(photographs, "--weights", weights, "--run", run, *options)
    assert result.exit_code == 1, result.output
    assert message in result.stderr.splitlines()[-1]
    assert not run.exists()


def test_the_packaged_network_is_no_default(photographs):
    result = compress(photographs)
    assert result.exit_code == 2
    assert "Missing option '--weights'." in result.stderr


def test_a_run_that_another_process_writes_to_is_refused(weights, photographs, tmp_path):
    with only_writer(tmp_path):
        result = compress(photographs, "--weights", weights, "--run", tmp_path, *RECIPE)
    assert result.exit_code == 1
    assert f"Error: Another process is writing to {tmp_path}; " in result.stderr


def test_a_run_of_other_options_is_refused(finished, weights, photographs):
    options = ("--weights", weights, "--run", finished[0], *RECIPE, "--seed", 1)
    result = compress(photographs, *options)
    assert result.exit_code == 1
    assert "another configuration (different: compression.seed)" in result.stderr


@pytest.mark.slow
def test_a_photograph_that_is_gone_is_a_sentence(weights, photographs, tmp_path, monkeypatch):
    usual = compression.batches_of

    def gone(scan, **options):
        scan.paths[5] = tmp_path / "gone.jpg"
        return usual(scan, **options)

    monkeypatch.setattr(compression, "batches_of", gone)
    options = ("--weights", weights, "--run", tmp_path / "run", *RECIPE)
    result = compress(photographs, *options, "--steps-per-epoch", 6)
    assert result.exit_code == 1
    assert f"{tmp_path / 'gone.jpg'} is gone; run the same command again" in result.stderr


@pytest.mark.slow
def test_other_processes_are_not_asked_for_keras_2():
    """The library's import sets a variable that would change TensorFlow in all of them."""
    code = (
        "import os; import keras_colorize.exporting.clustering; "
        "print(os.environ.get('TF_USE_LEGACY_KERAS'))"
    )
    environment = {k: v for k, v in os.environ.items() if k != "TF_USE_LEGACY_KERAS"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True
    )
    assert done.stdout.split() == ["None"], done.stderr


def test_another_backend_is_a_sentence(weights, photographs, monkeypatch, tmp_path):
    monkeypatch.setattr(compression.keras.backend, "backend", lambda: "jax")
    result = compress(photographs, "--weights", weights, "--run", tmp_path / "run")
    assert result.exit_code == 1
    assert "This needs KERAS_BACKEND=tensorflow, not jax." in result.stderr
