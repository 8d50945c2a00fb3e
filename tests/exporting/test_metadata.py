"""Metadata of `.tflite` files: the official library reads it, and the file stays what it was."""

import json
import subprocess
import sys

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from keras_colorize.exporting.metadata import Facts, with_metadata
from keras_colorize.exporting.tflite import convert
from keras_colorize.inference.tflite_facts import read_facts

# Both of the last versions that there are: tflite-support is no longer kept up.
_READER = ("tflite-support==0.4.4", "protobuf==3.20.3", "flatbuffers")
_READ = """
import json, sys
# Not from tflite_support itself, which loads a library that needs libusb: not everywhere is one.
from tensorflow_lite_support.metadata import metadata_schema_py_generated as schema
from tensorflow_lite_support.metadata import schema_py_generated as models
model = models.ModelT.InitFromObj(models.Model.GetRootAsModel(open(sys.argv[1], "rb").read(), 0))
(entry,) = [e for e in model.metadata if e.name == b"TFLITE_METADATA"]
content = bytes(model.buffers[entry.buffer].data)
assert schema.ModelMetadata.ModelMetadataBufferHasIdentifier(content, 0)
found = schema.ModelMetadataT.InitFromObj(schema.ModelMetadata.GetRootAsModelMetadata(content, 0))
text = lambda value: None if value is None else value.decode()
tensors = lambda them: [
    [text(t.name), text(t.description), *(
        [float(x) for x in values]
        for values in (t.stats.min, t.stats.max, t.processUnits[0].options.mean,
                       t.processUnits[0].options.std)
    )] for t in them
]
print(json.dumps({
    "name": text(found.name), "author": text(found.author), "license": text(found.license),
    "graphs": [
        [text(g.name), tensors(g.inputTensorMetadata), tensors(g.outputTensorMetadata)]
        for g in found.subgraphMetadata
    ],
}))
"""
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
    assert abs(len(again) - len(described)) < 4096


def test_the_file_computes_what_it_computed(described, file):
    lightness = np.random.default_rng(0).uniform(0, 100, (1, 64, 96, 1)).astype(np.float32)
    before, after = (
        Interpreter(model_content=model).get_signature_runner("colorize_64x96")(lightness=lightness)
        for model in (file, described)
    )
    np.testing.assert_array_equal(after["ab"], before["ab"])


@pytest.mark.slow
def test_the_official_library_reads_it(described, tmp_path):
    """In an environment of its own: it needs an older protobuf than everything else."""
    path = tmp_path / "small.tflite"
    path.write_bytes(described)
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "env"], check=True)
    python = tmp_path / "env/bin/python"
    subprocess.run(
        [python, "-m", "pip", "install", "-q", "--no-deps", *_READER, "numpy"], check=True
    )
    read = subprocess.run([python, "-c", _READ, path], capture_output=True, text=True)
    assert read.returncode == 0, read.stderr
    found = json.loads(read.stdout)
    assert (found["name"], found["author"], found["license"]) == ("small", "Ada", None)
    ((name, (lightness,), (ab,)),) = found["graphs"]
    assert name == "colorize_64x96"
    assert lightness[0] == "lightness" and lightness[2:] == [[0], [100], [0], [1]]
    assert "(1, 64, 96, 1)" in lightness[1]
    assert ab[0] == "ab" and ab[2:] == [[-110], [110], [0], [1]]
    assert "(1, 32, 48, 2)" in ab[1]
