"""Where known data sets keep the photographs of a split: Places365, ILSVRC2012, any folder."""

import hashlib
import os
import re
from dataclasses import dataclass, replace
from pathlib import Path

from keras_colorize.data.folders import FolderError, Scan, photograph_names, scan_folder
from keras_colorize.data.shards import ShardFolder
from keras_colorize.imaging.walking import without

TFDS = "tfds:"

# Of each split: its list, and the folders that the archives unpack to. The names that
# torchvision gives to those of the training split end in _standard.
_PLACES365 = {
    "train": (
        "places365_train_standard.txt",
        ("data_256", "data_256_standard", "data_large", "data_large_standard"),
    ),
    "val": ("places365_val.txt", ("val_256", "val_large")),
}
_PLACES365_LISTS = "filelist_places365-standard"
_CLS_LOC_LISTS = {"train": "train_cls.txt", "val": "val.txt"}
_DEVKIT_LABELS = Path("ILSVRC2012_devkit_t12/data/ILSVRC2012_validation_ground_truth.txt")


@dataclass(frozen=True)
class Photographs:
    """The photographs of a split of a data set.

    Attributes:
        folder: what the names are relative to.
        names: paths of the photographs, with slashes.
        layout: "Places365", "ILSVRC2012" or "folder".
        missing: how many the data set's list names that are not there.
    """

    folder: Path
    names: list[str]
    layout: str
    missing: int = 0

    @property
    def count(self) -> int:
        """How many photographs there are."""
        return len(self.names)

    @property
    def digest(self) -> str:
        """Tells one set of photographs from another, wherever its folder is."""
        return hashlib.sha256(os.fsencode("\n".join(sorted(self.names)))).hexdigest()[:16]

    def parts(self, count: int, seed: int) -> list[list[tuple[str, Path]]]:
        """Deals the photographs out into `count` random samples of equal size: names and files.

        A photograph's place depends on the seed and the names alone, not on the machine.
        """

        def key(name: str) -> bytes:
            return hashlib.sha256(os.fsencode(f"{seed}/{name}")).digest()

        order = sorted(self.names, key=key)
        return [
            [(name, self.folder / name) for name in order[part::count]] for part in range(count)
        ]


def find_photographs(
    source: str | Path, split: str = "train", exclude: tuple[str, ...] = ()
) -> Photographs:
    """Finds the photographs of a split, by the data set's own list where it has one.

    Places365: `data_256` and `val_256` (or `data_large`, `val_large`) beside their lists, or
    `places365_standard`. ILSVRC2012: synset folders in `train` or `ILSVRC2012_img_train`, `val`
    or `ILSVRC2012_img_val` as it is unpacked or sorted into synsets, or Kaggle's `ILSVRC`.

    Args:
        source: the folder in which the data set was unpacked, or any folder of photographs.
        split: "train" or "val"; a folder of no known layout is all "train".
        exclude: patterns of what is left out, as in `keras_colorize.imaging.walking`.

    Returns:
        The photographs of the split, in the order of their list or sorted.

    Raises:
        FolderError: it is no folder of photographs, has no such split, or nothing of what the
            list names is there.
    """
    if str(source).startswith(TFDS):
        raise FolderError(
            f"{source} has to become shards first: run `keras-colorize prepare {source} DST`."
        )
    folder = Path(source)
    if not folder.is_dir():
        raise FolderError(f"{folder} is not a folder.")
    if ShardFolder.is_at(folder):
        raise FolderError(f"{folder} holds shards, which `keras-colorize train` reads as they are.")
    found = _places365(folder, split) or _ilsvrc2012(folder, split)
    if found and exclude:
        found = replace(found, names=without(found.names, exclude))
        if not found.names:
            raise FolderError(f"Nothing is left of the photographs in {folder}.")
    if found:
        return found
    if split != "train":
        raise FolderError(f"{folder} is of no known layout and has no split {split!r}.")
    return Photographs(folder, photograph_names(folder, exclude), "folder")


def open_photographs(
    source: str | Path, *, cache: str | Path | None = None, exclude: tuple[str, ...] = ()
) -> Scan | ShardFolder:
    """Opens what a training is given: shards as they are, photographs after a scan.

    Args:
        source: a folder of shards, or one that `find_photographs` understands.
        cache: as in `scan_folder`.
        exclude: as in `find_photographs`; not for shards.

    Returns:
        A `ShardFolder` of shards, a `Scan` of photographs.

    Raises:
        FolderError: there is nothing to train on.
        ShardError: the shards are not whole.
    """
    if ShardFolder.is_at(source):
        if exclude:
            raise FolderError(f"{source} holds shards, of which nothing can be left out.")
        return ShardFolder.open(source)
    found = find_photographs(source, exclude=exclude)
    return scan_folder(found.folder, found.names, cache=cache)


def _places365(folder: Path, split: str) -> Photographs | None:
    for root in (folder, folder / "places365_standard"):
        images, listing = root / split, root / f"{split}.txt"
        if root.resolve().name == "places365_standard" and images.is_dir():
            if not listing.is_file():
                return Photographs(images, photograph_names(images), "Places365")
            names = [name.removeprefix(f"{split}/") for name in _listed(listing)]
            return _present(images, names, "Places365", listing)
    if split not in _PLACES365:
        return None
    list_name, image_folders = _PLACES365[split]
    there = [folder / name for name in image_folders if (folder / name).is_dir()]
    if not there:
        return None
    images = there[0]
    for listing in (folder / list_name, folder / _PLACES365_LISTS / list_name):
        if listing.is_file():
            return _present(images, _listed(listing), "Places365", listing)
    if images.name.endswith("large"):  # may be anybody's
        return None
    raise FolderError(
        f"{images} looks like Places365, but {list_name} is not beside it; unpack the archive "
        f"{_PLACES365_LISTS} there, or name {images} itself."
    )


def _ilsvrc2012(folder: Path, split: str) -> Photographs | None:
    if split not in _CLS_LOC_LISTS:
        return None
    for root in (folder, folder / "ILSVRC"):
        images = root / "Data/CLS-LOC" / split
        listing = root / "ImageSets/CLS-LOC" / _CLS_LOC_LISTS[split]
        if images.is_dir() and listing.is_file():
            names = [f"{name}.JPEG" for name in _listed(listing)]
            return _present(images, names, "ILSVRC2012", listing)
    for images in (folder / f"ILSVRC2012_img_{split}", folder / split):
        inside = os.listdir(images) if images.is_dir() else []
        flat = any(re.fullmatch(r"ILSVRC2012_val_\d{8}\.JPEG", name) for name in inside)
        labels = folder / _DEVKIT_LABELS
        if flat and labels.is_file():
            numbers = range(1, len(_listed(labels)) + 1)
            names = [f"ILSVRC2012_val_{number:08d}.JPEG" for number in numbers]
            return _present(images, names, "ILSVRC2012", labels)
        if flat or any(re.fullmatch(r"n\d{8}", name) for name in inside):
            return Photographs(images, photograph_names(images), "ILSVRC2012")
    return None


def _listed(listing: Path) -> list[str]:
    """The first column of a list; a label may follow it."""
    lines = os.fsdecode(listing.read_bytes()).splitlines()
    return [line.rsplit(maxsplit=1)[0].lstrip("/") for line in lines if line.strip()]


def _present(folder: Path, names: list[str], layout: str, listing: Path) -> Photographs:
    """Leaves out what is not there, with one look into each folder instead of one at each file."""
    inside: dict[str, set[str]] = {}
    present = []
    for name in names:
        parent, _, file = name.rpartition("/")
        if parent not in inside:
            below = folder / parent
            inside[parent] = set(os.listdir(below)) if below.is_dir() else set()
        if file in inside[parent]:
            present.append(name)
    if not present:
        first = f"the first of them {folder / names[0]}" if names else "for it is empty"
        raise FolderError(f"No photograph of {listing} is there, {first}.")
    return Photographs(folder, present, layout, len(names) - len(present))
