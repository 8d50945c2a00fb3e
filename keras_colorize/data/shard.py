"""A shard: a TFRecord file of photographs as small JPEGs, and what is known of it."""

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from keras_colorize.imaging.files import atomic_path


class ShardError(ValueError):
    """A shard, or a folder of them, that cannot be made or used, in one sentence."""


class Entry(NamedTuple):
    """What became of a photograph on its way into a shard.

    Attributes:
        name: the photograph's path in its data set.
        jpeg: its bytes; empty if it is left out.
        problem: why it is left out; "" if for being near-grey.
    """

    name: str
    jpeg: bytes
    problem: str = ""


@dataclass(frozen=True)
class Shard:
    """A shard, and what was left out of it.

    Attributes:
        file: its name, such as `train-00003-of-00256.tfrecord`.
        records: photographs in it.
        bytes: size of the file.
        sha256: of the file.
        near_grey: photographs that would teach grey, left out.
        unreadable: photographs left out, with the reason.
    """

    file: str
    records: int
    bytes: int
    sha256: str
    near_grey: int
    unreadable: dict[str, str]

    @property
    def photographs(self) -> int:
        """How many photographs it was made of."""
        return self.records + self.near_grey + len(self.unreadable)

    def is_whole(self, path: Path) -> bool:
        """Whether a file is this shard as it was made, by its checksum."""
        return path.is_file() and _sha256(path) == self.sha256


def write_shard(path: Path, entries: Iterable[Entry]) -> Shard:
    """Makes a shard and reads it back; its file appears whole or not at all.

    Raises:
        ShardError: it cannot be written, or does not read back.
    """
    import tensorflow as tf

    records, near_grey, unreadable = 0, 0, {}
    try:
        with atomic_path(path, overwrite=True) as temporary:
            with tf.io.TFRecordWriter(str(temporary)) as writer:
                for entry in entries:
                    if entry.jpeg:
                        writer.write(_example(entry))
                        records += 1
                    elif entry.problem:
                        unreadable[entry.name] = entry.problem
                    else:
                        near_grey += 1
            # Reading compares the checksum of each record.
            read = tf.data.TFRecordDataset(str(temporary)).reduce(0, lambda n, _: n + 1).numpy()
            if read != records:
                raise ShardError(f"{path} has {read} records instead of {records}.")
            shard = Shard(
                file=path.name,
                records=records,
                bytes=temporary.stat().st_size,
                sha256=_sha256(temporary),
                near_grey=near_grey,
                unreadable=unreadable,
            )
    except (OSError, tf.errors.OpError) as error:
        reason = getattr(error, "message", None) or getattr(error, "strerror", None) or error
        raise ShardError(f"{path} cannot be written or read: {reason}.") from error
    return shard


def _example(entry: Entry) -> bytes:
    import tensorflow as tf

    def feature(value: bytes) -> Any:
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))

    features = {"image": feature(entry.jpeg), "name": feature(os.fsencode(entry.name))}
    example = tf.train.Example(features=tf.train.Features(feature=features))
    # Elsewhere, the order of a map's fields differs from process to process, and so the checksum.
    return example.SerializeToString(deterministic=True)


def _sha256(path: Path) -> str:
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
