"""The SavedModel: its contract, and that it gives the pictures that the package gives."""

import json
import os
import re
import subprocess
import sys
from io import BytesIO

import cv2
import numpy as np
import pytest
import tensorflow as tf
from click.testing import CliRunner
from google.protobuf.json_format import MessageToDict
from PIL import Image
from skimage.color import deltaE_ciede2000, rgb2lab
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

from keras_colorize.cli.main import main
from keras_colorize.evaluation.scoring import score_folder
from keras_colorize.exporting import saved_model
from keras_colorize.exporting.parity import ParityError
from keras_colorize.exporting.saved_model import export_saved_model
from keras_colorize.exporting.warm_up import WARM_UP_FILE
from keras_colorize.imaging.images import read_rgb
from keras_colorize.imaging.upsampling import guided_upsample
from keras_colorize.inference.benchmarking import benchmark
from keras_colorize.inference.colorizer import Colorizer
from keras_colorize.inference.generators import load_generator
from keras_colorize.inference.runtime import (
    KerasRuntime,
    SavedModelRuntime,
    WeightsError,
    load_runtime,
)
from keras_colorize.inference.work import Work, work_of
from keras_colorize.models.cost import multiply_adds
from keras_colorize.models.folding import fold_batch_norm
from keras_colorize.serving.rest import signature_defs
from keras_colorize.serving.signatures import SIGNATURES

EXAMPLES = ("fireside.jpg", "fsa-salvage-worker.jpg")


@pytest.fixture(scope="module")
def exported(small_generator, tmp_path_factory):
    """The folder, and what the export found of its parity."""
    folder = tmp_path_factory.mktemp("exports") / "saved_model"
    found = export_saved_model(small_generator, folder, name="small", command="make this")
    return folder, found


@pytest.fixture(scope="module")
def folder(exported):
    return exported[0]


@pytest.fixture(scope="module")
def signatures(folder):
    return tf.saved_model.load(str(folder)).signatures


@pytest.fixture(scope="module")
def colorizer(small_generator):
    return Colorizer(KerasRuntime(small_generator))


def encoded(pixels, image_format="PNG"):
    stream = BytesIO()
    Image.fromarray(pixels).save(stream, image_format)
    return stream.getvalue()


def colorized(signatures, files):
    made = signatures["colorize_bytes"](image_bytes=tf.constant(files))["colorized_bytes"]
    return [Image.open(BytesIO(data)) for data in made.numpy()]


def difference(one, other):
    """Mean CIEDE2000 of two pictures, (H, W, 3) uint8."""
    return deltaE_ciede2000(rgb2lab(one), rgb2lab(other)).mean()


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


def test_parity_is_measured_at_export(exported, small_generator):
    folder, found = exported
    assert 0 < found["rms"] < 1e-5
    lightness = np.random.default_rng(5).uniform(0, 100, (96, 64)).astype(np.float32)
    ab, expected = (
        runtime.predict(lightness)
        for runtime in (SavedModelRuntime(folder), KerasRuntime(fold_batch_norm(small_generator)))
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


@pytest.mark.parametrize("size", [(64, 96), (70, 33), (5, 1)])
def test_serving_default_pads_and_crops(size, signatures, small_generator):
    batch = np.random.default_rng(3).uniform(0, 100, (2, *size, 1)).astype(np.float32)
    ab = signatures["serving_default"](lightness=batch)["ab"].numpy()
    assert ab.shape == (2, *size, 2)
    height, width = (-(-side // 32) * 32 for side in size)
    top, left = ((to - side) // 4 * 2 for to, side in zip((height, width), size, strict=True))
    margins = (top, height - size[0] - top, left, width - size[1] - left)
    for k in range(2):
        padded = cv2.copyMakeBorder(batch[k, ..., 0], *margins, cv2.BORDER_REFLECT)
        expected = guided_upsample(KerasRuntime(small_generator).predict(padded), padded)
        expected = expected[top : top + size[0], left : left + size[1]]
        np.testing.assert_allclose(ab[k], expected, atol=2e-3)


def test_files_of_mixed_kinds_and_sizes_are_the_pictures_of_the_package(
    signatures, colorizer, make_picture
):
    rgb = np.asarray(make_picture(0, 333, 251))
    alpha = np.linspace(0, 255, rgb[..., 0].size).astype(np.uint8).reshape(rgb.shape[:2])
    files = [
        encoded(rgb, "JPEG"),
        encoded(rgb[:200, :90, 0]),
        encoded(np.dstack([rgb, alpha])),
        encoded(np.dstack([rgb[..., 0], alpha])),
        encoded(rgb[:30], "JPEG"),  # a panorama
        encoded(rgb[:1, :2]),
    ]
    for data, picture in zip(files, colorized(signatures, files), strict=True):
        expected = colorizer.colorize(data)
        assert (picture.format, picture.size, picture.mode) == ("PNG", expected.size, expected.mode)
        ours, theirs = np.asarray(expected), np.asarray(picture)
        assert difference(ours[..., :3], theirs[..., :3]) < 0.05
        assert np.array_equal(ours[..., 3:], theirs[..., 3:])


def test_the_examples_are_as_the_command_line_colours_them(
    signatures, folder, repository, tmp_path
):
    paths = [repository / "examples" / "photographs" / name for name in EXAMPLES]
    options = ["-o", str(tmp_path), "--format", "png", "--model", str(folder)]
    result = CliRunner().invoke(main, ["colorize", *map(str, paths), *options])
    assert result.exit_code == 0, result.output
    for path, picture in zip(
        paths, colorized(signatures, [path.read_bytes() for path in paths]), strict=True
    ):
        (local,) = tmp_path.glob(f"{path.stem}*.png")
        assert difference(read_rgb(local), np.asarray(picture)) < 0.05
        assert difference(read_rgb(path), np.asarray(picture)) > 1  # it is coloured


@pytest.mark.slow
def test_the_packaged_network_colours_as_the_command_line_does(repository, tmp_path):
    export_saved_model(load_generator(), tmp_path / "mobile", name="mobile", command="")
    mobile = tf.saved_model.load(str(tmp_path / "mobile")).signatures
    for name in EXAMPLES:
        path = repository / "examples" / "photographs" / name
        (picture,) = colorized(mobile, [path.read_bytes()])
        local = np.asarray(Colorizer().colorize(path))
        assert difference(local, np.asarray(picture)) < 0.5
    lightness = np.random.default_rng(7).uniform(0, 100, (1, 200, 256, 1)).astype(np.float32)
    ab = mobile["serving_default"](lightness=lightness)["ab"].numpy()
    ours = served("serving_default", lightness, load_runtime())  # int8 weights
    assert np.sqrt(np.mean((ours - ab) ** 2)) < 1 < np.std(ab)


def test_pixels_are_coloured_as_files_are(signatures, make_picture):
    rgb = np.stack([np.asarray(make_picture(seed)) for seed in (0, 1)])
    made = signatures["colorize_rgb"](rgb=rgb)["colorized_rgb"].numpy()
    files = colorized(signatures, [encoded(picture) for picture in rgb])
    assert (made.dtype, made.shape) == (np.uint8, rgb.shape)
    for k in range(2):
        assert difference(made[k], np.asarray(files[k])) < 0.01


def test_the_readmes_python_runs_where_there_is_tensorflow_alone(
    folder, signatures, repository, tmp_path
):
    readme = (folder / "README.txt").read_text()
    assert readme.startswith("small: ") and "Made by: make this\n" in readme and "$" not in readme
    code = re.search(r"IN PYTHON\n\n(.*?)\n\n", readme, re.DOTALL)[1]
    code = code.replace("THIS-FOLDER", str(folder))
    blocked = "import sys\nfor name in ('tensorflow_io', 'keras_colorize', 'keras'):\n"
    blocked += "    sys.modules[name] = None\n"
    data = (repository / "examples" / "photographs" / EXAMPLES[0]).read_bytes()
    (tmp_path / "old.jpg").write_bytes(data)
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-c", blocked + code],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    (expected,) = colorized(signatures, [data])
    assert difference(read_rgb(tmp_path / "new.png"), np.asarray(expected)) < 0.01


def test_warm_up_requests_can_be_answered(folder, signatures):
    answered = []
    for record in tf.data.TFRecordDataset(str(folder / WARM_UP_FILE)):
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


def test_the_command_line_takes_the_folder_as_weights(folder, colorizer, make_picture, tmp_path):
    runtime = load_runtime(folder)
    assert isinstance(runtime, SavedModelRuntime)
    assert (runtime.name, runtime.sizes) == ("saved_model", None)
    assert (runtime.size_multiple, runtime.chroma_stride) == (32, 2)
    make_picture(1, 300, 280).save(tmp_path / "a.png")
    arguments = ["evaluate", str(tmp_path), "--weights", str(folder), "--json"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
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
def test_work_is_that_of_the_network(folder, small_generator, side):
    """Counted by TensorFlow's profiler in the one, by ours in the other."""
    expected = multiply_adds(small_generator, (side, side, 1))
    assert work_of(folder, load_runtime(folder), side) == Work(expected)
    assert work_of(None, KerasRuntime(small_generator), side) == Work(expected)


@pytest.mark.slow
def test_it_is_timed_with_the_threads_asked_for(folder):
    found = benchmark(folder, 1, size=64, repeats=2)
    assert (found.runtime, found.threads, found.side) == ("TensorFlow", 1, 64)
    assert found.milliseconds > 0 and found.share > 0


def served(name, batch, runtime):
    """What `keras-colorize serve` answers."""
    return SIGNATURES[name].run(batch, runtime, max_pixels=10**7, deadline=float("inf"))


def test_the_server_declares_the_same_signatures(folder):
    saved = SavedModel.FromString((folder / "saved_model.pb").read_bytes())
    definitions = saved.meta_graphs[0].signature_def

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


def test_the_server_computes_the_same(signatures, small_generator, make_picture):
    runtime = KerasRuntime(small_generator)
    random = np.random.default_rng(6)
    for size in ((64, 96), (70, 33), (5, 1)):
        lightness = random.uniform(0, 100, (2, *size, 1)).astype(np.float32)
        ab = signatures["serving_default"](lightness=lightness)["ab"].numpy()
        np.testing.assert_allclose(served("serving_default", lightness, runtime), ab, atol=2e-3)
    lightness = random.uniform(0, 100, (2, 64, 96, 1)).astype(np.float32)
    ab = signatures["network"](lightness=lightness)["ab"].numpy()
    np.testing.assert_allclose(served("network", lightness, runtime), ab, atol=2e-3)
    rgb = np.stack([np.asarray(make_picture(seed)) for seed in (0, 1)])
    theirs = signatures["colorize_rgb"](rgb=rgb)["colorized_rgb"].numpy()
    for one, other in zip(served("colorize_rgb", rgb, runtime), theirs, strict=True):
        assert difference(one, other) < 0.05
    files = [encoded(rgb[0], "JPEG"), encoded(rgb[1, :, :50])]
    made = served("colorize_bytes", files, runtime)
    for data, theirs in zip(made, colorized(signatures, files), strict=True):
        picture = Image.open(BytesIO(data))
        assert (picture.format, picture.size) == (theirs.format, theirs.size)
        assert difference(np.asarray(picture), np.asarray(theirs)) < 0.05
