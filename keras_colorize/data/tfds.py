"""The photographs of a data set of tensorflow-datasets, as the files they were made from."""

import hashlib
from collections.abc import Iterator
from typing import Any

from keras_colorize.data.folders import FolderError


class TfdsPhotographs:
    """The photographs of a split, still encoded; downloads the data set unless it is there.

    tensorflow-datasets looks for it, and keeps it, where `TFDS_DATA_DIR` says.

    Args:
        name: such as "imagenette" or "imagenette/320px:1.0.0".
        split: such as "train" or "validation".

    Attributes:
        layout: "tensorflow-datasets".
        missing: none: the library has checked the data set.
        count: how many photographs there are.

    Raises:
        FolderError: there is no such data set or split, or there are no images in it.
    """

    layout = "tensorflow-datasets"
    missing = 0

    def __init__(self, name: str, split: str) -> None:
        import tensorflow_datasets as tfds

        try:
            self._builder = tfds.builder(name)
        except ValueError as error:  # not found, or no name at all
            raise FolderError(f"tensorflow-datasets knows no data set {name!r}.") from error
        try:
            self._builder.download_and_prepare()
        except AssertionError as error:  # archives that one has to fetch by hand are not there
            raise FolderError(str(error)) from error
        info = self._builder.info
        if split not in info.splits:
            known = ", ".join(info.splits)
            raise FolderError(f"The data set {name!r} has no split {split!r}, only {known}.")
        features = dict(info.features)
        if not isinstance(features.get("image"), tfds.features.Image):
            raise FolderError(f"The data set {name!r} has no feature named image.")
        self._split = split
        self.count: int = info.splits[split].num_examples

    @property
    def digest(self) -> str:
        """Tells one set of photographs from another: by name, version, split and count."""
        about = f"{self._builder.info.full_name} {self._split} {self.count}"
        return hashlib.sha256(about.encode()).hexdigest()[:16]

    def parts(self, count: int, seed: int) -> list[Iterator[tuple[str, bytes]]]:
        """Cuts the split into parts of equal size: names, and encoded photographs, read late.

        They are random samples, whatever the seed: tensorflow-datasets shuffles what it writes.
        """
        ends = [self.count * part // count for part in range(count + 1)]
        return [self._read(start, stop) for start, stop in zip(ends, ends[1:], strict=False)]

    def _read(self, start: int, stop: int) -> Iterator[tuple[str, bytes]]:
        import tensorflow_datasets as tfds

        examples: Any = self._builder.as_dataset(
            split=f"{self._split}[{start}:{stop}]",
            decoders={"image": tfds.decode.SkipDecoding()},
            shuffle_files=False,
        )
        for number, example in enumerate(examples, start):
            yield f"{self._split}-{number:08d}", example["image"].numpy()
