from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from keras_colorize.data.shards import ShardFolder
from keras_colorize.preparation import encode


@pytest.fixture(scope="session")
def decode() -> Callable[[Path, int], np.ndarray]:
    """Decodes a file as training does, in a graph, for crops of some side."""

    def decode(file: Path, side: int) -> np.ndarray:
        import tensorflow as tf

        from keras_colorize.config import CROP
        from keras_colorize.data import tf_crops

        if side not in loaders:

            @tf.function(input_signature=[tf.TensorSpec([], tf.string)])
            def load(path: Any) -> Any:
                return tf_crops._decode(tf.io.read_file(path), side, CROP[0])

            loaders[side] = load
        return loaders[side](str(file)).numpy()

    loaders: dict[int, Callable[[str], Any]] = {}  # to trace a graph takes longer than to run it
    return decode


@pytest.fixture
def make_shards(tmp_path: Path) -> Callable[..., ShardFolder]:
    """Makes shards of files without processes: the k-th file goes into shard k modulo the count."""

    def make(files: Sequence[Path], count: int, name: str = "shards") -> ShardFolder:
        shards = ShardFolder.begin(tmp_path / name, {"split": "train", "shards": count})
        for number in range(count):
            shards.write(number, [encode(file.name, file, 288) for file in files[number::count]])
        return ShardFolder.open(tmp_path / name)

    return make


@pytest.fixture(scope="session")
def damage() -> Callable[[Path], None]:
    """Changes a bit in the middle of a file."""

    def damage(path: Path) -> None:
        contents = bytearray(path.read_bytes())
        contents[len(contents) // 2] ^= 1
        path.write_bytes(contents)

    return damage
