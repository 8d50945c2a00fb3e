"""What `.tflite` files say of themselves: it is read back, and the file stays what it was."""

from dataclasses import asdict

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

from keras_colorize.exporting.calibration import Calibration
from keras_colorize.exporting.metadata import with_metadata
from keras_colorize.inference.tflite_facts import FACTS, read_facts
from keras_colorize.models.generator import config_of

SIZES = ((64, 64),)


@pytest.fixture(scope="module")
def file(small_files):
    return small_files("float32")


@pytest.fixture(scope="module")
def described(file, small_generator):
    return with_metadata(
        file,
        small_generator,
        name="small",
        kind="int8",
        sizes=SIZES,
        calibration=Calibration([np.zeros((2, 2), np.float32)] * 2, "0123"),
        author="Ada",
    )


def test_facts_come_back(described, file, small_generator):
    assert read_facts(file) == {}
    config = asdict(config_of(small_generator))
    assert read_facts(described) == {
        "name": "small",
        "kind": "int8",
        "chroma_stride": 2,
        "sizes": [[64, 64]],
        "generator": config | {"widths": list(config["widths"])},
        "calibration": {"photographs": 2, "digest": "0123"},
        "author": "Ada",
        "license": "",
    }


def test_facts_are_replaced(described, small_generator):
    again = with_metadata(described, small_generator, name="other", kind="float32", sizes=SIZES)
    assert read_facts(again)["name"] == "other"
    assert read_facts(again)["calibration"] is None
    entries = schema.ModelT.InitFromPackedBuf(again, 0).metadata
    names = [entry.name.decode() for entry in entries]
    assert names.count(FACTS) == 1
    assert "min_runtime_version" not in names  # the converter's claim is false of integer weights


def test_the_file_computes_what_it_computed(described, file):
    lightness = np.random.default_rng(0).uniform(0, 100, (1, 64, 64, 1)).astype(np.float32)
    before, after = (
        Interpreter(model_content=model).get_signature_runner("colorize_64x64")(lightness=lightness)
        for model in (file, described)
    )
    np.testing.assert_array_equal(after["ab"], before["ab"])
