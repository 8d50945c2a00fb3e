"""The SavedModel: its contract, its parity, and its folder."""

import json
import os

import numpy as np
import pytest
import tensorflow as tf
from click.testing import CliRunner
from google.protobuf.json_format import MessageToDict
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

from keras_colorize.cli.main import main
from keras_colorize.evaluation.scoring import score_folder
from keras_colorize.exporting import saved_model
from keras_colorize.exporting.parity import ParityError
from keras_colorize.exporting.saved_model import export_saved_model
from keras_colorize.exporting.warm_up import WARM_UP_FILE
from keras_colorize.inference.benchmarking import benchmark
from keras_colorize.inference.colorizer import Colorizer
from keras_colorize.inference.flops import Flops, flops_of
from keras_colorize.inference.runtime import (
    KerasRuntime,
    SavedModelRuntime,
    WeightsError,
    load_runtime,
)
from keras_colorize.models.cost import multiply_adds
from keras_colorize.models.folding import fold_batch_norm
from keras_colorize.serving.rest import signature_defs


def test_signatures_are_the_contract(signatures):
    found = {
        name: (
            {
                k: (v.dtype.name, v.shape.as_list())
                for k, v in f.structured_input_signature[1].items()
            },
            {k: v.dtype.name for k, v in f.structured_outputs.items()},
        )
        for name, f in signatures.items()
    }
    lightness = {"lightness": ("float32", [None, None, None, 1])}
    assert found == {
        "serving_default": (lightness, {"ab": "float32"}),
        "network": (lightness, {"ab": "float32"}),
        "colorize_rgb": (
            {"rgb": ("uint8", [None, None, None, 3])},
            {"colorized_rgb": "uint8"},
        ),
        "colorize_bytes": ({"image_bytes": ("string", [None])}, {"colorized_bytes": "string"}),
    }


def test_parity_is_measured_at_export(saved_and_parity, small_generator):
    saved, found = saved_and_parity
    assert 0 < found["rms"] < 1e-5
    lightness = np.random.default_rng(5).uniform(0, 100, (96, 64)).astype(np.float32)
    ab, expected = (
        runtime.predict(lightness)
        for runtime in (SavedModelRuntime(saved), KerasRuntime(fold_batch_norm(small_generator)))
    )
    assert expected.std() > 1
    assert np.sqrt(np.mean((ab - expected) ** 2)) / 110 < 1e-6


@pytest.mark.slow
def test_a_saved_model_that_computes_something_else_does_not_appear(
    small_generator, tmp_path, monkeypatch
):
    def wrongly_folded(model):
        folded = fold_batch_norm(model)
        kernel, bias = folded.layers[-1].get_weights()
        folded.layers[-1].set_weights([kernel, bias + 0.001])
        return folded

    monkeypatch.setattr(saved_model, "fold_batch_norm", wrongly_folded)
    with pytest.raises(ParityError, match="differs from its parent"):
        export_saved_model(small_generator, tmp_path / "wrong", name="wrong", command="")
    assert os.listdir(tmp_path) == []


def test_warm_up_requests_can_be_answered(saved, signatures):
    answered = []
    for record in tf.data.TFRecordDataset(str(saved / WARM_UP_FILE)):
        request = PredictionLog.FromString(record.numpy()).predict_log.request
        assert request.model_spec.name == "small"
        inputs = {key: tf.make_ndarray(value) for key, value in request.inputs.items()}
        signature = request.model_spec.signature_name
        (output,) = signatures[signature](**{k: tf.constant(v) for k, v in inputs.items()}).values()
        answered.append((signature, output.shape.as_list()[:3]))
    assert answered[:3] == [
        ("serving_default", [1, 256, 256]),
        ("colorize_rgb", [1, 256, 256]),
        ("colorize_bytes", [1]),
    ]
    assert len(answered) == 9


def test_the_command_line_takes_the_folder_as_weights(
    saved, small_generator, make_picture, tmp_path
):
    runtime = load_runtime(saved)
    assert isinstance(runtime, SavedModelRuntime)
    assert (runtime.name, runtime.sizes) == ("saved_model", None)
    assert (runtime.size_multiple, runtime.chroma_stride) == (32, 2)
    make_picture(1, 300, 280).save(tmp_path / "a.png")
    arguments = ["evaluate", str(tmp_path), "--weights", str(saved), "--json"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    colorizer = Colorizer(KerasRuntime(small_generator))
    scores = score_folder(tmp_path, colorizer.predict_ab).rows["model"]
    found = json.loads(result.stdout)["rows"]["model"]
    assert found["psnr"] == pytest.approx(scores["psnr"], abs=0.01)


def test_an_existing_folder_is_replaced_only_when_asked_and_when_it_is_a_saved_model(
    small_generator, tmp_path
):
    (tmp_path / "photographs").mkdir()
    (tmp_path / "photographs" / "a.jpg").write_text("mine")
    for overwrite in (False, True):
        with pytest.raises(FileExistsError, match="photographs"):
            export_saved_model(
                small_generator, tmp_path / "photographs", name="", command="", overwrite=overwrite
            )
    assert (tmp_path / "photographs" / "a.jpg").read_text() == "mine"
    (tmp_path / "saved_model.pb").write_text("old")
    with pytest.raises(FileExistsError, match="exists already"):
        export_saved_model(small_generator, tmp_path, name="", command="")


@pytest.mark.slow
def test_a_saved_model_is_replaced_when_asked(small_generator, tmp_path):
    (tmp_path / "old").mkdir()
    for name in ("saved_model.pb", "other"):
        (tmp_path / "old" / name).write_text("old")
    export_saved_model(small_generator, tmp_path / "old", name="new", command="", overwrite=True)
    assert load_runtime(tmp_path / "old").chroma_stride == 2
    assert not (tmp_path / "old" / "other").exists()
    assert os.listdir(tmp_path) == ["old"]


@pytest.mark.parametrize("size", [0, 5000, 60_000])
def test_on_a_full_disk_the_old_one_stays(small_generator, tmp_path, files_end_at, size):
    folder = tmp_path / "saved"
    folder.mkdir()
    (folder / "saved_model.pb").write_bytes(b"old")
    with files_end_at(size):
        with pytest.raises(OSError, match="saved"):
            export_saved_model(small_generator, folder, name="new", command="", overwrite=True)
    assert os.listdir(tmp_path) == ["saved"]
    assert (folder / "saved_model.pb").read_bytes() == b"old"


def test_a_damaged_or_another_saved_model_is_one_sentence(tmp_path):
    (tmp_path / "saved_model.pb").write_bytes(b"not a graph")
    with pytest.raises(WeightsError, match="is damaged, or no SavedModel"):
        load_runtime(tmp_path)
    module = tf.Module()
    module.double = tf.function(lambda x: 2 * x, input_signature=[tf.TensorSpec((), tf.float32)])
    tf.saved_model.save(module, str(tmp_path / "other"))
    with pytest.raises(WeightsError, match="other has no signature network"):
        load_runtime(tmp_path / "other")


@pytest.mark.parametrize("side", [64, 128])
def test_work_is_that_of_the_network(saved, small_generator, side):
    """Counted by TensorFlow's profiler in the one, by ours in the other."""
    expected = multiply_adds(small_generator, (side, side, 1))
    assert flops_of(saved, load_runtime(saved), side) == Flops(expected)
    assert flops_of(None, KerasRuntime(small_generator), side) == Flops(expected)


@pytest.mark.slow
def test_it_is_timed_with_the_threads_asked_for(saved):
    found = benchmark(saved, 1, size=64, repeats=2)
    assert (found.runtime, found.threads, found.side) == ("TensorFlow", 1, 64)
    assert found.milliseconds > 0 and found.share > 0


def test_the_server_declares_the_same_signatures(saved):
    parsed = SavedModel.FromString((saved / "saved_model.pb").read_bytes())
    definitions = parsed.meta_graphs[0].signature_def

    def declared(tensors):
        return {
            name: (tensor["dtype"], [int(dim["size"]) for dim in tensor["tensor_shape"]["dim"]])
            for name, tensor in tensors.items()
        }

    ours = signature_defs()
    assert set(ours) == set(definitions) - {"__saved_model_init_op"}
    for name, definition in ours.items():
        theirs = MessageToDict(
            definitions[name],
            preserving_proto_field_name=True,
            always_print_fields_with_no_presence=True,
        )
        assert declared(definition["inputs"]) == declared(theirs["inputs"])
        assert {k: v["name"] for k, v in definition["inputs"].items()} == {
            k: v["name"] for k, v in theirs["inputs"].items()
        }
        assert {k: v["dtype"] for k, v in definition["outputs"].items()} == {
            k: v["dtype"] for k, v in theirs["outputs"].items()
        }
        assert definition["method_name"] == theirs["method_name"]
