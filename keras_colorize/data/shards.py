"""A folder of TFRecord shards: photographs as small JPEGs, and a manifest that vouches for them."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

from keras_colorize.data.shard import Entry, Shard, ShardError, write_shard
from keras_colorize.imaging.files import atomic_file
from keras_colorize.imaging.temporaries import holds_nothing

FORMAT = "keras-colorize shards, version 1"
_MANIFEST = "manifest.json"
_UNFINISHED = "unfinished.json"  # becomes the manifest with the last shard
_AGAIN = "give the `keras-colorize prepare` command that made them again"


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
        """Opens a new folder for shards, or one whose making was broken off, with what is finished.

        Raises:
            ShardError: the folder holds shards of other settings, or something else.
        """
        folder = Path(folder)
        found = _read(folder)
        if found is None:
            if folder.exists() and (not folder.is_dir() or not holds_nothing(folder)):
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
        """The photographs of one of `shards`, as JPEGs in its order, read without TensorFlow.

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
            if not shard.is_whole(path):
                raise _changed(path)

    def file_of(self, number: int) -> str:
        """The name of a shard's file."""
        return f"{self.settings['split']}-{number:05d}-of-{self.settings['shards']:05d}.tfrecord"

    def made(self, number: int) -> Shard | None:
        """The shard of a number if it is there as it was made, by its checksum."""
        shard = self.shards.get(self.file_of(number))
        return shard if shard and shard.is_whole(self.folder / shard.file) else None

    def write(self, number: int, entries: Iterable[Entry]) -> None:
        """Makes the shard of a number, from 0 on, and notes it in the manifest.

        Raises:
            ShardError: it cannot be written, or does not read back.
        """
        shard = write_shard(self.folder / self.file_of(number), entries)
        self.shards[shard.file] = shard
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
