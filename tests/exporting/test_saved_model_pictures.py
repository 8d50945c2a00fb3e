"""The SavedModel gives the pictures that the package gives."""

import os
import re
import subprocess
import sys
from io import BytesIO

import cv2
import numpy as np
import pytest
import tensorflow as tf
from click.testing import CliRunner
from PIL import Image
from skimage.color import deltaE_ciede2000, rgb2lab

from keras_colorize.cli.main import main
from keras_colorize.exporting.saved_model import export_saved_model
from keras_colorize.imaging.images import read_rgb
from keras_colorize.imaging.upsampling import guided_upsample
from keras_colorize.inference.colorizer import Colorizer
from keras_colorize.inference.generators import load_generator
from keras_colorize.inference.runtime import (
    KerasRuntime,
    load_runtime,
)
from keras_colorize.serving.signatures import SIGNATURES

EXAMPLES = ("fireside.jpg", "fsa-salvage-worker.jpg")


@pytest.fixture(scope="module")
def colorizer(small_generator):
    return Colorizer(KerasRuntime(small_generator), adapt=False)


def encoded(pixels, image_format="PNG"):
    stream = BytesIO()
    Image.fromarray(pixels).save(stream, image_format)
    return stream.getvalue()


def colorized(signatures, files):
    made = signatures["colorize_bytes"](image_bytes=tf.constant(files))["colorized_bytes"]
    return [Image.open(BytesIO(data)) for data in made.numpy()]


def difference(one, other):
    """Mean CIEDE2000 of two pictures, (H, W, 3) uint8."""
    return deltaE_ciede2000(rgb2lab(one), rgb2lab(other)).mean()


def served(name, batch, runtime):
    """What `keras-colorize serve` answers."""
    return SIGNATURES[name].run(batch, runtime, max_pixels=10**7, deadline=float("inf"))


@pytest.mark.parametrize("size", [(64, 96), (70, 33), (5, 1)])
def test_serving_default_pads_and_crops(size, signatures, small_generator):
    batch = np.random.default_rng(3).uniform(0, 100, (2, *size, 1)).astype(np.float32)
    ab = signatures["serving_default"](lightness=batch)["ab"].numpy()
    assert ab.shape == (2, *size, 2)
    height, width = (-(-side // 32) * 32 for side in size)
    top, left = ((to - side) // 4 * 2 for to, side in zip((height, width), size, strict=True))
    margins = (top, height - size[0] - top, left, width - size[1] - left)
    for k in range(2):
        padded = cv2.copyMakeBorder(batch[k, ..., 0], *margins, cv2.BORDER_REFLECT)
        expected = guided_upsample(KerasRuntime(small_generator).predict(padded), padded)
        expected = expected[top : top + size[0], left : left + size[1]]
        np.testing.assert_allclose(ab[k], expected, atol=2e-3)


def test_files_of_mixed_kinds_and_sizes_are_the_pictures_of_the_package(
    signatures, colorizer, make_picture
):
    rgb = np.asarray(make_picture(0, 333, 251))
    alpha = np.linspace(0, 255, rgb[..., 0].size).astype(np.uint8).reshape(rgb.shape[:2])
    files = [
        encoded(rgb, "JPEG"),
        encoded(rgb[:200, :90, 0]),
        encoded(np.dstack([rgb, alpha])),
        encoded(np.dstack([rgb[..., 0], alpha])),
        encoded(rgb[:30], "JPEG"),  # a panorama
        encoded(rgb[:1, :2]),
    ]
    for data, picture in zip(files, colorized(signatures, files), strict=True):
        expected = colorizer.colorize(data)
        assert (picture.format, picture.size, picture.mode) == ("PNG", expected.size, expected.mode)
        ours, theirs = np.asarray(expected), np.asarray(picture)
        assert difference(ours[..., :3], theirs[..., :3]) < 0.05
        assert np.array_equal(ours[..., 3:], theirs[..., 3:])


def test_the_examples_are_as_the_command_line_colours_them(signatures, saved, repository, tmp_path):
    paths = [repository / "examples" / "photographs" / name for name in EXAMPLES]
    options = ["-o", str(tmp_path), "--format", "png", "--model", str(saved), "--no-adapt"]
    result = CliRunner().invoke(main, ["colorize", *map(str, paths), *options])
    assert result.exit_code == 0, result.output
    for path, picture in zip(
        paths, colorized(signatures, [path.read_bytes() for path in paths]), strict=True
    ):
        (local,) = tmp_path.glob(f"{path.stem}*.png")
        assert difference(read_rgb(local), np.asarray(picture)) < 0.05
        assert difference(read_rgb(path), np.asarray(picture)) > 1  # it is coloured


@pytest.mark.slow
def test_the_packaged_network_colours_as_the_command_line_does(repository, tmp_path):
    export_saved_model(load_generator(), tmp_path / "mobile", name="mobile", command="")
    mobile = tf.saved_model.load(str(tmp_path / "mobile")).signatures
    for name in EXAMPLES:
        path = repository / "examples" / "photographs" / name
        (picture,) = colorized(mobile, [path.read_bytes()])
        local = np.asarray(Colorizer(adapt=False).colorize(path))
        assert difference(local, np.asarray(picture)) < 0.5
    lightness = np.random.default_rng(7).uniform(0, 100, (1, 200, 256, 1)).astype(np.float32)
    ab = mobile["serving_default"](lightness=lightness)["ab"].numpy()
    ours = served("serving_default", lightness, load_runtime())  # int8 weights
    assert np.sqrt(np.mean((ours - ab) ** 2)) < 1 < np.std(ab)


def test_pixels_are_coloured_as_files_are(signatures, make_picture):
    rgb = np.stack([np.asarray(make_picture(seed)) for seed in (0, 1)])
    made = signatures["colorize_rgb"](rgb=rgb)["colorized_rgb"].numpy()
    files = colorized(signatures, [encoded(picture) for picture in rgb])
    assert (made.dtype, made.shape) == (np.uint8, rgb.shape)
    for k in range(2):
        assert difference(made[k], np.asarray(files[k])) < 0.01


def test_the_readmes_python_runs_where_there_is_tensorflow_alone(
    saved, signatures, repository, tmp_path
):
    readme = (saved / "README.txt").read_text()
    assert readme.startswith("small: ") and "Made by: make this\n" in readme and "$" not in readme
    code = re.search(r"IN PYTHON\n\n(.*?)\n\n", readme, re.DOTALL)[1]
    code = code.replace("THIS-FOLDER", str(saved))
    blocked = "import sys\nfor name in ('tensorflow_io', 'keras_colorize', 'keras'):\n"
    blocked += "    sys.modules[name] = None\n"
    data = (repository / "examples" / "photographs" / EXAMPLES[0]).read_bytes()
    (tmp_path / "old.jpg").write_bytes(data)
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-c", blocked + code],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    (expected,) = colorized(signatures, [data])
    assert difference(read_rgb(tmp_path / "new.png"), np.asarray(expected)) < 0.01


def test_the_server_computes_the_same(signatures, small_generator, make_picture):
    runtime = KerasRuntime(small_generator)
    random = np.random.default_rng(6)
    for size in ((64, 96), (70, 33), (5, 1)):
        lightness = random.uniform(0, 100, (2, *size, 1)).astype(np.float32)
        ab = signatures["serving_default"](lightness=lightness)["ab"].numpy()
        np.testing.assert_allclose(served("serving_default", lightness, runtime), ab, atol=2e-3)
    lightness = random.uniform(0, 100, (2, 64, 96, 1)).astype(np.float32)
    ab = signatures["network"](lightness=lightness)["ab"].numpy()
    np.testing.assert_allclose(served("network", lightness, runtime), ab, atol=2e-3)
    rgb = np.stack([np.asarray(make_picture(seed)) for seed in (0, 1)])
    theirs = signatures["colorize_rgb"](rgb=rgb)["colorized_rgb"].numpy()
    for one, other in zip(served("colorize_rgb", rgb, runtime), theirs, strict=True):
        assert difference(one, other) < 0.05
    files = [encoded(rgb[0], "JPEG"), encoded(rgb[1, :, :50])]
    made = served("colorize_bytes", files, runtime)
    for data, theirs in zip(made, colorized(signatures, files), strict=True):
        picture = Image.open(BytesIO(data))
        assert (picture.format, picture.size) == (theirs.format, theirs.size)
        assert difference(np.asarray(picture), np.asarray(theirs)) < 0.05
