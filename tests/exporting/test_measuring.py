"""What an exported file costs and loses."""

import gzip
import json

import numpy as np
import pytest

from keras_colorize.evaluation.summary import finite
from keras_colorize.exporting.measuring import Loss, measure, table
from keras_colorize.inference.runtime import KerasRuntime


class _Wrong:
    """A parent that turns the colours of a network round."""

    def __init__(self, runtime):
        self.runtime = runtime
        self.name, self.sizes = "wrong", None
        self.size_multiple, self.chroma_stride = runtime.size_multiple, runtime.chroma_stride

    def predict(self, lightness):
        return -self.runtime.predict(lightness)


@pytest.fixture(scope="module")
def val(tmp_path_factory, make_picture):
    folder = tmp_path_factory.mktemp("val")
    for k in range(2):
        make_picture(k, 260, 256).save(folder / f"{k}.png")
    return folder


@pytest.fixture(scope="module")
def file(single_file, tmp_path_factory):
    path = tmp_path_factory.mktemp("measured") / "a.tflite"
    path.write_bytes(single_file)
    return path


@pytest.fixture(scope="module")
def measured(file, generator, val):
    (one,) = measure({"TFLite float32": file}, KerasRuntime(generator), val)
    return one


def test_a_single_file_loses_nothing(measured, file):
    assert measured.bytes == file.stat().st_size
    assert measured.gzip_bytes == len(gzip.compress(file.read_bytes())) < measured.bytes
    assert sorted(measured.milliseconds) == [1, 2] and min(measured.milliseconds.values()) > 0
    assert measured.loss.images == 2
    assert abs(measured.loss.decibels) < 0.01
    assert measured.loss.to_parent > 55


def test_a_file_that_differs_loses(file, generator, val):
    """Each of them: two files are measured in one pass."""
    found = measure({"a": file, "b": file}, _Wrong(KerasRuntime(generator)), val)
    assert [one.name for one in found] == ["a", "b"]
    assert found[0].loss == found[1].loss
    assert abs(found[0].loss.decibels) > 0.1
    assert found[0].loss.to_parent < 40


def test_a_folder_is_measured_without_threads_or_loss(tmp_path, file, generator, monkeypatch):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/a").write_bytes(b"12345")
    (tmp_path / "folder/b").write_bytes(b"67")
    monkeypatch.setattr(
        "keras_colorize.exporting.measuring.load_runtime", lambda *_: KerasRuntime(generator)
    )
    (measured,) = measure({"SavedModel": tmp_path / "folder"}, KerasRuntime(generator), None)
    assert measured.bytes == 7
    assert measured.gzip_bytes == len(gzip.compress(b"12345")) + len(gzip.compress(b"67"))
    assert list(measured.milliseconds) == [0]
    assert measured.delegation is None and measured.loss is None


def test_table_and_facts_say_the_same(measured):
    heading, _, row = table([measured]).splitlines()
    cells = dict(zip(heading.split(" | "), row.split(" | "), strict=True))
    assert cells["gzip"] == f"{measured.gzip_bytes:,}"
    assert cells["bytes"] == f"{measured.bytes:,}"
    assert (
        cells["nodes in XNNPACK"]
        == f"{measured.delegation.delegated} / {measured.delegation.nodes}"
    )
    assert cells["PSNR lost, dB"] == f"{measured.loss.decibels:.3f}"
    facts = json.loads(json.dumps(finite(measured.facts())))
    assert facts["path"] == "a.tflite"
    assert facts["loss"] == {**vars(measured.loss)}
    assert Loss(**facts["loss"]) == measured.loss
    assert np.isfinite(list(facts["milliseconds"].values())).all()
