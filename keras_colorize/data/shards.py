"""A folder of TFRecord shards: photographs as small JPEGs, and a manifest that vouches for them."""

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple

from keras_colorize.imaging.files import atomic_file

FORMAT = "keras-colorize shards, version 1"
_MANIFEST = "manifest.json"
_UNFINISHED = "unfinished.json"  # becomes the manifest with the last shard
_AGAIN = "give the `keras-colorize prepare` command that made them again"


class ShardError(ValueError):
    """A folder of shards that cannot be made or used, in one sentence."""


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


@dataclass(frozen=True)
class ShardFolder:
    """Shards with the settings that made them.

    A record is a `tf.train.Example` with `image`, an upright sRGB JPEG, and `name`. The file
    `manifest.json` holds settings, shards and totals.

    Attributes:
        folder: where the shards are.
        settings: plain data that decides what is in them, with `split` and the count `shards`.
        shards: those made, by file.
    """

    folder: Path
    settings: dict[str, Any]
    shards: dict[str, Shard]

    @staticmethod
    def is_at(folder: str | Path) -> bool:
        """Whether a folder holds shards, finished or not."""
        return _read(Path(folder)) is not None

    @classmethod
    def open(cls, folder: str | Path) -> "ShardFolder":
        """Opens finished shards, to read them.

        Args:
            folder: where they are.

        Returns:
            The shards.

        Raises:
            ShardError: there are none, or they are not all there in their sizes.
        """
        found = _read(Path(folder))
        if found is None:
            raise ShardError(f"{folder} holds no shards.")
        if len(found.shards) < found.settings["shards"]:
            raise ShardError(f"The shards in {folder} are not finished; {_AGAIN}.")
        for shard, path in zip(found.shards.values(), found.paths, strict=True):
            if not path.is_file() or path.stat().st_size != shard.bytes:
                raise _changed(path)
        return found

    @classmethod
    def begin(cls, folder: str | Path, settings: dict[str, Any]) -> "ShardFolder":
        """Opens a new folder for shards, or one whose making was broken off.

        Args:
            folder: made if it is absent.
            settings: see the class.

        Returns:
            The folder, with those shards that are finished already.

        Raises:
            ShardError: the folder holds shards of other settings, or something else.
        """
        folder = Path(folder)
        found = _read(folder)
        if found is None:
            if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
                raise ShardError(f"{folder} exists and holds no shards; name another folder.")
            folder.mkdir(parents=True, exist_ok=True)
            found = cls(folder, settings, {})
            found.save()
        names = settings | found.settings
        different = [name for name in names if settings.get(name) != found.settings.get(name)]
        if different:
            raise ShardError(
                f"{folder} holds shards of other settings (different: {', '.join(different)}); "
                "name another folder, or give the same options to go on."
            )
        return found

    @property
    def paths(self) -> list[Path]:
        """The shards' files."""
        return [self.folder / file for file in self.shards]

    @property
    def count(self) -> int:
        """How many photographs there are to train on."""
        return sum(shard.records for shard in self.shards.values())

    @property
    def digest(self) -> str:
        """Tells one set of photographs from another: by content."""
        sums = "".join(shard.sha256 for shard in self.shards.values())
        return hashlib.sha256(sums.encode()).hexdigest()[:16]

    def examples(self, count: int) -> list[bytes]:
        """Some of the photographs, as JPEGs."""
        images = chain.from_iterable(map(self.images_of, self.shards.values()))
        return list(islice(images, count))

    def images_of(self, shard: Shard) -> list[bytes]:
        """The photographs of a shard, as JPEGs, read without TensorFlow.

        Args:
            shard: one of `shards`.

        Returns:
            JPEGs, in the order of the shard.

        Raises:
            ShardError: the file is not what was made.
        """
        from keras_colorize.data.records import images_in

        path = self.folder / shard.file
        contents = path.read_bytes()
        if hashlib.sha256(contents).hexdigest() != shard.sha256:
            raise _changed(path)
        return images_in(contents)

    def check(self) -> None:
        """Reads all files.

        Raises:
            ShardError: one is not what was made.
        """
        for shard, path in zip(self.shards.values(), self.paths, strict=True):
            if not path.is_file() or _sha256(path) != shard.sha256:
                raise _changed(path)

    def file_of(self, number: int) -> str:
        """The name of a shard's file."""
        return f"{self.settings['split']}-{number:05d}-of-{self.settings['shards']:05d}.tfrecord"

    def made(self, number: int) -> Shard | None:
        """The shard of a number if it is there as it was made, by its checksum."""
        shard = self.shards.get(self.file_of(number))
        path = self.folder / self.file_of(number)
        return shard if shard and path.is_file() and _sha256(path) == shard.sha256 else None

    def write(self, number: int, entries: Iterable[Entry]) -> None:
        """Makes a shard, reads it back, and notes it in the manifest.

        Its file appears whole or not at all.

        Args:
            number: the shard's, from 0.
            entries: all of its photographs.

        Raises:
            ShardError: it cannot be written, or does not read back.
        """
        import tensorflow as tf

        file = self.file_of(number)
        temporary = self.folder / f"making-{file}"
        records, near_grey, unreadable = 0, 0, {}
        try:
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
                raise ShardError(f"{temporary} has {read} records instead of {records}.")
            shard = Shard(
                file, records, temporary.stat().st_size, _sha256(temporary), near_grey, unreadable
            )
            with open(temporary, "rb") as stream:
                os.fsync(stream.fileno())
            os.replace(temporary, self.folder / file)
        except tf.errors.OpError as error:
            raise ShardError(f"{temporary} cannot be written or read: {error.message}.") from error
        finally:
            temporary.unlink(missing_ok=True)
        self.shards[file] = shard
        self.save()

    def save(self) -> None:
        """Writes the manifest, which has its final name once all shards are made."""
        shards = [asdict(self.shards[file]) for file in sorted(self.shards)]
        totals = {
            "records": self.count,
            "bytes": sum(shard["bytes"] for shard in shards),
            "near_grey": sum(shard["near_grey"] for shard in shards),
            "unreadable": sum(len(shard["unreadable"]) for shard in shards),
        }
        content = {"format": FORMAT, "settings": self.settings, "totals": totals, "shards": shards}
        finished = len(shards) == self.settings["shards"]
        name = _MANIFEST if finished else _UNFINISHED
        with atomic_file(self.folder / name, overwrite=True) as stream:
            stream.write(json.dumps(content, indent=2).encode() + b"\n")
        if finished:
            (self.folder / _UNFINISHED).unlink(missing_ok=True)


def _read(folder: Path) -> ShardFolder | None:
    for name in (_MANIFEST, _UNFINISHED):
        try:
            content = json.loads((folder / name).read_bytes())
            if content["format"] == FORMAT:
                shards = {shard["file"]: Shard(**shard) for shard in content["shards"]}
                return ShardFolder(folder, content["settings"], shards)
        except (OSError, ValueError, TypeError, KeyError):  # none, or not ours
            continue
    return None


def _changed(path: Path) -> ShardError:
    return ShardError(f"{path} is not what the manifest says; {_AGAIN}.")


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
