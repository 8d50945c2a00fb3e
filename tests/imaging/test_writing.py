import errno
import os
import threading
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from keras_colorize.imaging import files
from keras_colorize.imaging.images import ImageError, read_photograph, read_rgb, write_image

RGB = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
ALPHA = np.linspace(0, 255, 600).reshape(20, 30).astype(np.uint8)


def smooth(height: int = 64, width: int = 96) -> np.ndarray:
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([x * 2, y * 3, 255 - x - y], axis=-1).astype(np.uint8)


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.TIFF", "a.bmp"])
def test_lossless(tmp_path, name):
    write_image(RGB, tmp_path / name)
    assert np.array_equal(read_rgb(tmp_path / name), RGB)
    assert os.listdir(tmp_path) == [name]


@pytest.mark.parametrize(
    ("name", "format"),
    [
        ("a.jpg", "JPEG"),
        ("a.jpeg", "JPEG"),
        ("a.JPE", "JPEG"),
        ("a.jfif", "JPEG"),
        ("a.webp", "WEBP"),
    ],
)
def test_lossy(tmp_path, name, format):
    write_image(smooth(), str(tmp_path / name))
    assert read_photograph(tmp_path / name).format == format
    assert np.abs(read_rgb(tmp_path / name).astype(int) - smooth()).mean() < 3


@pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF", "WEBP", "BMP", "jpg", "jfif", "tif"])
def test_streams(format):
    stream = BytesIO()
    write_image(smooth(), stream, format=format, alpha=None)
    data = stream.getvalue()
    assert np.abs(read_rgb(data).astype(int) - smooth()).mean() < 3


def test_format_overrules_the_suffix(tmp_path):
    write_image(RGB, tmp_path / "a.jpg", format="PNG")
    assert read_photograph(tmp_path / "a.jpg").format == "PNG"


@pytest.mark.parametrize(("quality", "sampling"), [(95, (1, 1)), (90, (1, 1)), (80, (2, 2))])
def test_jpeg_keeps_colour_at_full_resolution_when_good(quality, sampling):
    stream = BytesIO()
    write_image(smooth(), stream, format="JPEG", quality=quality)
    layers = Image.open(stream).layer
    assert (layers[0][1], layers[0][2]) == sampling


def test_quality_costs_bytes():
    sizes = []
    for quality in (50, 80, 95):
        stream = BytesIO()
        write_image(RGB, stream, format="JPEG", quality=quality)
        sizes.append(len(stream.getvalue()))
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[2]


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_alpha_is_kept(format):
    stream = BytesIO()
    write_image(RGB, stream, format=format, alpha=ALPHA)
    assert np.array_equal(np.asarray(Image.open(stream)), np.dstack([RGB, ALPHA]))


@pytest.mark.parametrize("format", ["JPEG", "BMP"])
def test_alpha_without_a_place_is_over_white(format):
    flat = np.full((16, 16, 3), 100, np.uint8)
    stream = BytesIO()
    write_image(flat, stream, format=format, alpha=np.full((16, 16), 51, np.uint8))
    image = Image.open(stream)
    assert image.mode == "RGB"
    assert np.abs(np.asarray(image).astype(int) - (100 * 51 + 255 * 204) / 255).max() <= 1


@pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_exif_is_kept(format):
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    exif[0x0112] = 1
    exif.get_ifd(0x8769)[0x9003] = "1936:03:01 12:00:00"
    stream = BytesIO()
    write_image(RGB, stream, format=format, exif=exif.tobytes())
    kept = Image.Exif()
    kept.load(read_photograph(stream.getvalue()).exif)
    assert kept[0x010F] == "Maker"
    assert kept.get_ifd(0x8769)[0x9003] == "1936:03:01 12:00:00"


@pytest.mark.parametrize(
    "exif", [b"Exif\0\0" + bytes(70000), b"Exif\0\0II*\0\x08\0\0\0\xff\xff", b"??"]
)
@pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF", "WEBP", "BMP"])
def test_bad_exif_does_not_cost_the_picture(format, exif):
    stream = BytesIO()
    write_image(smooth(), stream, format=format, exif=exif)
    assert np.abs(read_rgb(stream.getvalue()).astype(int) - smooth()).mean() < 3


def test_unknown_formats():
    with pytest.raises(ImageError, match=r"^/x/a\.xyz names no format to write: JPEG, .*BMP\.$"):
        write_image(RGB, "/x/a.xyz")
    with pytest.raises(ImageError, match="GIF names no format"):
        write_image(RGB, BytesIO(), format="GIF")
    with pytest.raises(ImageError, match="needs a format"):
        write_image(RGB, BytesIO())


@pytest.mark.parametrize(("format", "side"), [("JPEG", 65536), ("WEBP", 16384)])
def test_too_long_a_side(format, side):
    with pytest.raises(ImageError, match=rf"{format} holds at most {side - 1} pixels a side"):
        write_image(np.zeros((1, side, 3), np.uint8), BytesIO(), format=format)


def test_existing_file_is_left_alone(tmp_path):
    path = tmp_path / "a.png"
    path.write_text("mine")
    with pytest.raises(FileExistsError, match="a.png"):
        write_image(RGB, path)
    assert path.read_text() == "mine"
    assert os.listdir(tmp_path) == ["a.png"]


def test_dangling_link_is_left_alone(tmp_path):
    path = tmp_path / "a.png"
    path.symlink_to(tmp_path / "nowhere")
    with pytest.raises(FileExistsError):
        write_image(RGB, path)
    assert path.is_symlink()
    assert not (tmp_path / "nowhere").exists()


def test_overwrite_when_asked_keeps_the_permissions(tmp_path):
    path = tmp_path / "a.png"
    path.write_text("mine")
    path.chmod(0o640)
    write_image(RGB, path, overwrite=True)
    assert np.array_equal(read_rgb(path), RGB)
    assert path.stat().st_mode & 0o777 == 0o640
    assert os.listdir(tmp_path) == ["a.png"]


def test_new_file_has_the_permissions_of_any_new_file(tmp_path):
    (tmp_path / "other").write_text("")
    write_image(RGB, tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_mode == (tmp_path / "other").stat().st_mode


@pytest.mark.parametrize("links", [True, False])
def test_file_that_appears_meanwhile_is_left_alone(tmp_path, monkeypatch, links):
    if not links:
        monkeypatch.setattr(os, "link", no_links)
    path = tmp_path / "a.bin"
    with pytest.raises(FileExistsError, match="a.bin"):
        with files.atomic_file(path) as stream:
            stream.write(b"ours")
            path.write_text("mine")
    assert path.read_text() == "mine"
    assert os.listdir(tmp_path) == ["a.bin"]


def no_links(source, destination):
    raise OSError(errno.EPERM, "Operation not permitted")


@pytest.mark.parametrize("code", [errno.EPERM, errno.ENOTSUP, errno.EINVAL])
def test_file_systems_without_links(tmp_path, monkeypatch, code):
    def fail(source, destination):
        raise OSError(code, "no links here")

    monkeypatch.setattr(os, "link", fail)
    write_image(RGB, tmp_path / "a.png")
    assert np.array_equal(read_rgb(tmp_path / "a.png"), RGB)
    assert os.listdir(tmp_path) == ["a.png"]


@pytest.mark.parametrize("failure", [KeyboardInterrupt, PermissionError])
def test_without_links_a_failure_leaves_no_empty_file(tmp_path, monkeypatch, failure):
    def fail(source, destination):
        raise failure

    monkeypatch.setattr(os, "link", no_links)
    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(failure):
        write_image(RGB, tmp_path / "a.png")
    assert os.listdir(tmp_path) == []


def test_other_failures_of_links_are_told(tmp_path, monkeypatch):
    def full(source, destination):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "link", full)
    with pytest.raises(OSError, match="No space left"):
        write_image(RGB, tmp_path / "a.png")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("overwrite", [True, False])
def test_of_many_racing_writers_each_file_is_whole(tmp_path, overwrite):
    path = tmp_path / "a.bin"
    outcomes = []

    def write(number: int) -> None:
        try:
            with files.atomic_file(path, overwrite=overwrite) as stream:
                stream.write(bytes([number]) * 100_000)
            outcomes.append(number)
        except FileExistsError:
            pass

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    data = path.read_bytes()
    assert len(data) == 100_000
    assert len(set(data)) == 1
    assert data[0] in outcomes
    assert len(outcomes) == (8 if overwrite else 1)
    assert os.listdir(tmp_path) == ["a.bin"]


@pytest.mark.parametrize("failure", [KeyboardInterrupt, OSError, SystemExit])
@pytest.mark.parametrize("overwrite", [True, False])
def test_failure_leaves_nothing(tmp_path, monkeypatch, failure, overwrite):
    path = tmp_path / "a.png"
    if overwrite:
        path.write_text("mine")

    def fail(self, stream, *args, **kwargs):
        stream.write(b"half")
        raise failure

    monkeypatch.setattr(Image.Image, "save", fail)
    with pytest.raises(failure):
        write_image(RGB, path, overwrite=overwrite, exif=b"Exif\0\0II*\0")
    assert [p.read_text() for p in tmp_path.iterdir()] == (["mine"] if overwrite else [])


def test_missing_folder(tmp_path):
    with pytest.raises(FileNotFoundError):
        write_image(RGB, tmp_path / "none" / "a.png")


def test_longest_names_are_writable(tmp_path):
    path = tmp_path / ("x" * 251 + ".png")
    write_image(RGB, path)
    assert path.exists()
