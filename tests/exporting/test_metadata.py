"""What `.tflite` files say of themselves: it is read back, and the file stays what it was."""

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

from keras_colorize.exporting.metadata import Facts, with_metadata
from keras_colorize.exporting.tflite import convert
from keras_colorize.inference.tflite_facts import FACTS as FACTS_ENTRY
from keras_colorize.inference.tflite_facts import read_facts

FACTS = Facts(
    name="small",
    kind="float32",
    chroma_stride=2,
    sizes=((64, 96),),
    calibration={"photographs": 2, "digest": "0123"},
    author="Ada",
)


@pytest.fixture(scope="module")
def file(small_generator):
    return convert(small_generator, sizes=FACTS.sizes)


@pytest.fixture(scope="module")
def described(file):
    return with_metadata(file, FACTS)


def test_facts_come_back(described, file):
    assert read_facts(file) == {}
    facts = read_facts(described)
    assert Facts(**facts | {"sizes": tuple(map(tuple, facts["sizes"]))}) == FACTS


def test_facts_are_replaced(described):
    again = with_metadata(described, Facts("other", "float32", 2, FACTS.sizes))
    assert read_facts(again)["name"] == "other"
    entries = schema.ModelT.InitFromPackedBuf(again, 0).metadata
    assert [entry.name.decode() for entry in entries].count(FACTS_ENTRY) == 1


def test_the_file_computes_what_it_computed(described, file):
    lightness = np.random.default_rng(0).uniform(0, 100, (1, 64, 96, 1)).astype(np.float32)
    before, after = (
        Interpreter(model_content=model).get_signature_runner("colorize_64x96")(lightness=lightness)
        for model in (file, described)
    )
    np.testing.assert_array_equal(after["ab"], before["ab"])
