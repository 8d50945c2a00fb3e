"""`POST /colorize`."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from keras_colorize.inference.colorizer import Colorizer
from keras_colorize.serving.limits import Limits


def post(client: Any, data: bytes, **fields: str) -> Any:
    return client.post("/colorize", files={"image": ("a secret name.jpg", data)}, data=fields)


def opened(answer: Any) -> Image.Image:
    assert answer.status_code == 200, answer.text
    return Image.open(io.BytesIO(answer.content))


def encoded(picture: Image.Image, image_format: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, image_format, **options)
    return stream.getvalue()


def test_the_answer_is_the_file_that_the_package_writes(
    client: Any, runtime: Any, photograph: bytes
) -> None:
    answer = post(client, photograph)
    expected = io.BytesIO()
    Colorizer(runtime).colorize_file(photograph, expected)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
    assert answer.content == expected.getvalue()
    assert np.ptp(np.asarray(opened(answer)).astype(int), axis=-1).max() > 20


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP", "TIFF", "BMP"])
def test_the_format_is_that_of_the_picture(
    client: Any, make_picture: Any, image_format: str
) -> None:
    answer = post(client, encoded(make_picture(0), image_format))
    assert opened(answer).format == image_format
    assert answer.headers["content-type"] == f"image/{image_format.lower()}"


@pytest.mark.parametrize("image_format", ["GIF", "JPEG2000", "AVIF"])
def test_of_formats_that_are_only_read_pngs_are_made(
    client: Any, make_picture: Any, image_format: str
) -> None:
    data = encoded(make_picture(0), image_format)
    answer = post(client, data)
    assert opened(answer).format == "PNG"
    assert answer.headers["content-type"] == "image/png"
    assert opened(post(client, data, format="jpeg")).format == "JPEG"


@pytest.mark.parametrize("name", ["jpeg", "png", "webp"])
def test_the_format_can_be_chosen(client: Any, tiny: bytes, name: str) -> None:
    answer = post(client, tiny, format=name)
    picture = opened(answer)
    assert (picture.format, picture.size) == (name.upper(), (40, 32))
    assert answer.headers["content-type"] == f"image/{name}"


def test_saturation_and_size(client: Any, runtime: Any, make_picture: Any) -> None:
    data = encoded(make_picture(1, 300, 300), "PNG")
    for fields, options in (
        ({"saturation": "0"}, {"saturation": 0.0}),
        ({"saturation": "2", "size": ""}, {"saturation": 2.0}),
        ({"size": "512"}, {"size": 512}),
        ({"adapt": "false"}, {"adapt": False}),
    ):
        expected = np.asarray(Colorizer(runtime, **options).colorize(data))
        assert np.array_equal(np.asarray(opened(post(client, data, **fields))), expected)
    grey = np.asarray(opened(post(client, data, saturation="0"))).astype(int)
    assert np.ptp(grey, axis=-1).max() <= 1


def test_borders_are_left_out_unless_asked(client: Any, make_picture: Any) -> None:
    scan = Image.new("RGB", (360, 340), "white")
    scan.paste(make_picture(2, 300, 300), (40, 20))
    data = encoded(scan, "PNG")
    adapted, plain = (
        np.asarray(opened(post(client, data, **fields))) for fields in ({}, {"adapt": "0"})
    )
    assert (adapted[:20] == 255).all() and (adapted[:, :40] == 255).all()
    assert not np.array_equal(adapted, plain)


def test_orientation_and_transparency_are_kept(client: Any, make_picture: Any) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    turned = encoded(make_picture(0, 60, 40), "JPEG", exif=exif)
    assert opened(post(client, turned)).size == (40, 60)
    assert opened(post(client, encoded(make_picture(0).convert("RGBA"), "PNG"))).mode == "RGBA"


@pytest.mark.parametrize(
    "data, fields, word",
    [
        (b"", {}, "is empty"),
        (b"hello", {}, "not a JPEG, PNG"),
        (b"\xff\xd8\xff\xe0 cut short", {}, "damaged or cut short"),
        (None, {"saturation": "2.1"}, "saturation"),
        (None, {"saturation": "-0.1"}, "saturation"),
        (None, {"saturation": "nan"}, "saturation"),
        (None, {"saturation": "much"}, "saturation"),
        (None, {"size": "300"}, "size"),
        (None, {"adapt": "perhaps"}, "adapt"),
        (None, {"format": "gif"}, "format"),
    ],
)
def test_bad_input_is_a_400_with_a_sentence(
    client: Any, tiny: bytes, data: bytes | None, fields: dict[str, str], word: str
) -> None:
    answer = post(client, tiny if data is None else data, **fields)
    assert answer.status_code == 400
    (error,) = answer.json().values()
    assert list(answer.json()) == ["error"]
    assert word in error and error.endswith(".") and "secret" not in error


def test_requests_that_are_no_such_form(client: Any) -> None:
    for request in (
        {},
        {"data": {"image": "text"}},
        {"content": b"--x\r\n", "headers": {"content-type": "multipart/form-data; boundary=x"}},
        {"content": b"--x\r\n", "headers": {"content-type": "multipart/form-data"}},
        {"content": b"{}", "headers": {"content-type": "application/json"}},
    ):
        answer = client.post("/colorize", **request)
        assert answer.status_code == 400, request
        assert list(answer.json()) == ["error"]
    assert client.get("/colorize").status_code == 405


def test_a_size_that_the_network_lacks(make_client: Any, make_grey: Any, tiny: bytes) -> None:
    grey = make_grey()
    grey.sizes = ((64, 64),)
    answer = post(make_client(grey), tiny, size="512")
    assert (answer.status_code, answer.json()) == (
        400,
        {"error": "grey has no size 512; it has 64."},
    )


def test_too_many_pixels_are_refused_before_they_are_decoded(
    make_client: Any, make_grey: Any
) -> None:
    client = make_client(make_grey(), Limits(max_pixels=1_000_000))
    bomb = encoded(Image.new("L", (8000, 8000)), "PNG")
    answer = post(client, bomb)
    assert answer.status_code == 413
    assert "more than the limit of 1000000" in answer.json()["error"]
    assert len(bomb) < 1_000_000
