"""Small trees as the archives of the data sets unpack: what of them is taken."""

import os

import pytest

from keras_colorize.data.folders import FolderError, Scan
from keras_colorize.data.layouts import find_photographs, open_photographs
from keras_colorize.data.shard import ShardError
from keras_colorize.data.shards import ShardFolder


def make_files(folder, *names):
    """Files of no content: a layout is found by names alone."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def places365(folder, lists="filelist_places365-standard", train="data_256", val="val_256"):
    train_names = [
        "a/airfield/00000001.jpg",
        "a/airfield/00000002.jpg",
        "z/zen_garden/00000001.jpg",
    ]
    val_names = ["Places365_val_00000001.jpg", "Places365_val_00000002.jpg"]
    make_files(folder / train, *train_names, "a/airfield/not-listed.jpg")
    make_files(folder / val, *val_names)
    (folder / lists).mkdir(exist_ok=True)
    (folder / lists / "places365_train_standard.txt").write_text(
        "".join(f"/{name} {label}\n" for label, name in enumerate(train_names))
    )
    (folder / lists / "places365_val.txt").write_text(
        "".join(f"{name} 165\n" for name in val_names)
    )
    return {"train": (train, train_names), "val": (val, val_names)}


@pytest.mark.parametrize("split", ["train", "val"])
@pytest.mark.parametrize(
    "places",
    [
        {},
        {"lists": ""},
        {"train": "data_256_standard", "lists": ""},  # as torchvision keeps it
        {"train": "data_large", "val": "val_large"},
    ],
    ids=["small", "lists beside", "torchvision", "large"],
)
def test_places365(tmp_path, places, split):
    images, names = places365(tmp_path, **places)[split]
    found = find_photographs(tmp_path, split)
    assert (found.layout, found.missing) == ("Places365", 0)
    assert found.folder == tmp_path / images
    assert found.names == names


def test_patterns_are_excluded_from_listed_photographs_and_from_folders(tmp_path):
    _, (first, second, third) = places365(tmp_path)["train"]
    found = find_photographs(tmp_path, exclude=("*2.jpg", "zen_garden"))
    assert (found.names, found.count) == ([first], 1)
    assert find_photographs(tmp_path, exclude=("a/airfield",)).names == [third]
    with pytest.raises(FolderError, match="Nothing is left of the photographs"):
        find_photographs(tmp_path, exclude=("*.jpg",))
    inner = tmp_path / "data_256/a"
    assert find_photographs(inner, exclude=("not-*",)).names == [
        name.removeprefix("a/") for name in (first, second)
    ]
    with pytest.raises(FolderError, match="There is no photograph in"):
        find_photographs(inner, exclude=("airfield/",))


@pytest.mark.parametrize("split", ["train", "val"])
@pytest.mark.parametrize("given", [".", "places365_standard"])
@pytest.mark.parametrize("line", ["{split}/{name} 0\n", "{name} 0\n", "/{name}\n"])
def test_places365_in_the_easy_format(tmp_path, split, given, line):
    root = tmp_path / "places365_standard"
    names = {
        "train": ["airfield/00000001.jpg", "zen_garden/00000009.jpg"],
        "val": ["airfield/Places365_val_00000435.jpg"],
    }
    for each, below in names.items():
        make_files(root / each, *below, "airfield/not-listed.jpg")
        lines = (line.format(split=each, name=name) for name in below)
        (root / f"{each}.txt").write_text("".join(lines))
    found = find_photographs(tmp_path / given, split)
    assert (found.layout, found.folder) == ("Places365", root / split)
    assert found.names == names[split]
    (root / f"{split}.txt").unlink()
    found = find_photographs(tmp_path / given, split)
    assert found.names == sorted([*names[split], "airfield/not-listed.jpg"])


def test_the_easy_format_is_known_where_one_stands_in_it(tmp_path, monkeypatch):
    make_files(tmp_path / "places365_standard", "train/airfield/1.jpg", "val/airfield/2.jpg")
    monkeypatch.chdir(tmp_path / "places365_standard")
    assert find_photographs(".").names == ["airfield/1.jpg"]


def test_places365_without_its_list_is_not_guessed_at(tmp_path):
    make_files(tmp_path, "data_256/a/airfield/00000001.jpg", "val_256/Places365_val_00000001.jpg")
    with pytest.raises(FolderError, match=r"places365_train_standard\.txt is not beside it"):
        find_photographs(tmp_path)
    assert find_photographs(tmp_path / "data_256").names == ["a/airfield/00000001.jpg"]


def test_a_folder_named_like_the_large_places365_is_a_folder(tmp_path):
    make_files(tmp_path, "data_large/1.jpg", "other/2.jpg")
    found = find_photographs(tmp_path)
    assert (found.layout, found.names) == ("folder", ["data_large/1.jpg", "other/2.jpg"])


SYNSETS = ["n01440764/n01440764_10026.JPEG", "n15075141/n15075141_999.JPEG"]
FLAT = ["ILSVRC2012_val_00000001.JPEG", "ILSVRC2012_val_00000002.JPEG"]
SORTED = ["n01440764/ILSVRC2012_val_00000293.JPEG"]


@pytest.mark.parametrize("name", ["ILSVRC2012_img_{}", "{}"])
@pytest.mark.parametrize(("split", "images"), [("train", SYNSETS), ("val", FLAT), ("val", SORTED)])
def test_ilsvrc2012(tmp_path, name, split, images):
    for each in ("train", "val"):
        make_files(tmp_path / name.format(each), *(images if each == split else SYNSETS))
    found = find_photographs(tmp_path, split)
    assert (found.layout, found.names) == ("ILSVRC2012", images)
    assert found.folder == tmp_path / name.format(split)


def test_ilsvrc2012_takes_the_validation_images_that_its_labels_count(tmp_path):
    make_files(tmp_path / "ILSVRC2012_img_val", *FLAT, "ILSVRC2012_val_00000007.JPEG")
    labels = tmp_path / "ILSVRC2012_devkit_t12/data/ILSVRC2012_validation_ground_truth.txt"
    labels.parent.mkdir(parents=True)
    labels.write_text("490\n361\n171\n")
    found = find_photographs(tmp_path, "val")
    assert (found.names, found.missing) == (FLAT, 1)


@pytest.mark.parametrize("given", [".", "ILSVRC"])
@pytest.mark.parametrize(
    ("split", "images", "listing", "lines"),
    [
        ("train", SYNSETS, "train_cls.txt", "{} 1\n{} 2\n"),
        ("val", FLAT, "val.txt", "{} 1\n{} 2\n"),
    ],
)
def test_ilsvrc2012_of_kaggle(tmp_path, given, split, images, listing, lines):
    root = tmp_path / "ILSVRC"
    make_files(root / "Data/CLS-LOC" / split, *images, "not-listed.JPEG")
    (root / "ImageSets/CLS-LOC").mkdir(parents=True)
    listed = lines.format(*(image.removesuffix(".JPEG") for image in images))
    (root / "ImageSets/CLS-LOC" / listing).write_text(listed)
    found = find_photographs(tmp_path / given, split)
    assert (found.layout, found.names) == ("ILSVRC2012", images)
    assert found.folder == root / "Data/CLS-LOC" / split


def test_any_other_folder(tmp_path):
    make_files(tmp_path, "b.JPG", "deep/a.jpeg", "train/cat/1.png", "notes.txt", ".hidden/c.jpg")
    found = find_photographs(tmp_path)
    assert (found.layout, found.folder) == ("folder", tmp_path)
    assert found.names == ["b.JPG", "deep/a.jpeg", "train/cat/1.png"]
    with pytest.raises(FolderError, match="of no known layout and has no split 'val'"):
        find_photographs(tmp_path, "val")


def test_what_a_list_names_and_is_not_there_is_counted(tmp_path):
    places365(tmp_path)
    (tmp_path / "data_256/a/airfield/00000002.jpg").unlink()
    found = find_photographs(tmp_path)
    assert found.missing == 1
    assert found.names == ["a/airfield/00000001.jpg", "z/zen_garden/00000001.jpg"]


@pytest.mark.parametrize(("text", "end"), [(None, r"airfield/00000001\.jpg"), ("\n", "is empty")])
def test_a_list_of_which_nothing_is_there_is_an_error(tmp_path, text, end):
    places365(tmp_path, lists="")
    if text is not None:
        (tmp_path / "places365_train_standard.txt").write_text(text)
    os.rename(tmp_path / "data_256/a", tmp_path / "data_256/b")
    os.rename(tmp_path / "data_256/z", tmp_path / "data_256/y")
    with pytest.raises(FolderError, match=rf"places365_train_standard\.txt is there, .*{end}\.$"):
        find_photographs(tmp_path)


def test_parts_are_random_samples_that_a_seed_decides(tmp_path):
    make_files(tmp_path, *(f"{k // 20}/{k:02d}.jpg" for k in range(80)))
    found = find_photographs(tmp_path)
    parts = found.parts(3, seed=0)
    assert [len(part) for part in parts] == [27, 27, 26]
    dealt = [name for part in parts for name, _ in part]
    assert sorted(dealt) == found.names != dealt
    assert all(len({name[0] for name, _ in part}) == 4 for part in parts)
    assert all(file == tmp_path / name for part in parts for name, file in part)
    assert found.parts(3, seed=0) == parts != found.parts(3, seed=1)


def test_a_digest_is_of_names_wherever_they_are(tmp_path):
    for place in ("here", "there"):
        make_files(tmp_path / place, "a.jpg", "b/c.jpg")
    here = find_photographs(tmp_path / "here").digest
    assert find_photographs(tmp_path / "there").digest == here
    make_files(tmp_path / "there", "d.jpg")
    assert find_photographs(tmp_path / "there").digest != here


def test_a_training_opens_listed_photographs_folders_and_shards(
    tmp_path, photographs, make_picture, make_shards
):
    places365(tmp_path)
    for name in ("a/airfield/00000001.jpg", "a/airfield/not-listed.jpg"):
        make_picture(0).save(tmp_path / "data_256" / name)
    scan = open_photographs(tmp_path)
    assert isinstance(scan, Scan)
    assert scan.files == [tmp_path / "data_256/a/airfield/00000001.jpg"]
    assert len(scan.unreadable) == 2
    assert open_photographs(photographs).count == 24
    shards = make_shards(sorted(photographs.rglob("*.jpg")), 2)
    opened = open_photographs(shards.folder)
    assert isinstance(opened, ShardFolder)
    assert opened.count == 24


def test_sentences_for_what_cannot_be_trained_on(tmp_path, photographs, make_shards):
    with pytest.raises(FolderError, match=r"run `keras-colorize prepare tfds:imagenette DST`\.$"):
        open_photographs("tfds:imagenette")
    with pytest.raises(FolderError, match="nowhere is not a folder"):
        open_photographs(tmp_path / "nowhere")
    shards = make_shards(sorted(photographs.rglob("*.jpg")), 2)
    with pytest.raises(FolderError, match="holds shards"):
        find_photographs(shards.folder)
    os.rename(shards.folder / "manifest.json", shards.folder / "unfinished.json")
    unfinished = ShardFolder.begin(shards.folder, shards.settings)
    del unfinished.shards["train-00001-of-00002.tfrecord"]
    unfinished.save()
    with pytest.raises(ShardError, match="not finished; give the `keras-colorize prepare`"):
        open_photographs(shards.folder)
