"""Requests that are wrong in ways that somebody thought of; `KINDS` has a maker for each."""

import base64
import gzip
import json
import struct
import zlib
from collections.abc import Callable
from functools import cache
from io import BytesIO
from pathlib import Path
from random import Random

from PIL import Image
from serving_program import form, request

PHOTOGRAPH = Path(__file__).parents[1] / "examples/photographs/fireside.jpg"
PREDICT = "/v1/models/colorizer:predict"
PATHS = ("/colorize", "/healthz", "/metrics", "/openapi.json", "/v1/models/colorizer", PREDICT)
SIGNATURES = ("serving_default", "network", "colorize_rgb", "colorize_bytes")
FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP")
JUNK = (None, True, -1, 1.5, 1e300, 10**400, "", "x", "\u0000", "\ud800", {}, {"b64": 1}, {"x": []})

_HEADERS = 300_000  # bytes of headers: above 64 KiB where they do not arrive in one piece
_BODY = 32 << 20  # and of a body


@cache
def picture(format: str) -> bytes:
    """A small photograph as a file of that format."""
    stream = BytesIO()
    Image.open(PHOTOGRAPH).resize((96, 72)).save(stream, format)
    return stream.getvalue()


def predict(body: bytes, **headers: str) -> bytes:
    """A request of the signatures."""
    return request("POST", PREDICT, body, **{"Content_Type": "application/json"} | headers)


def wrong_base64(random: Random) -> bytes:
    """Letters that are no base64, or base64 of what is no picture."""
    data = base64.b64encode(random.randbytes(random.randint(1, 300))).decode()
    at = random.randrange(len(data))
    broken = data[:at] + random.choice("!-_*\u00e9,") + data[at:]
    text = random.choice([data, broken, "A", "=", "====", ""])
    named = {"instances": [{"b64": text}]}, {"inputs": {"image_bytes": [{"b64": text}]}}
    document = random.choice(named) | {"signature_name": "colorize_bytes"}
    return predict(json.dumps(document).encode())


def truncated_picture(random: Random) -> bytes:
    """A picture that ends early."""
    data = picture(random.choice(FORMATS))
    return form(data[: random.randint(1, len(data) * 9 // 10)])


def bomb(random: Random) -> bytes:
    """A small file that says that it is huge, or, one in eight, as large as may be."""
    side = 7000 if random.random() < 1 / 8 else random.randint(8000, 65000)
    if random.random() < 0.5:
        return form(jpeg_that_says(side))
    deep, kind = random.choice([(1, 0), (8, 2), (16, 6), (8, 3)])
    return form(png_that_says(side, deep, kind))


def png_that_says(side: int, deep: int, kind: int) -> bytes:
    """A PNG of so many pixels a side, of which a few are there."""

    def chunk(name: bytes, data: bytes) -> bytes:
        checksum = zlib.crc32(name + data)
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", checksum)

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, deep, kind, 0, 0, 0))
    palette = chunk(b"PLTE", bytes(768)) if kind == 3 else b""
    return b"\x89PNG\r\n\x1a\n" + head + palette + chunk(b"IDAT", zlib.compress(bytes(100_000)))


def jpeg_that_says(side: int) -> bytes:
    """A JPEG of so many pixels a side, cut off after a few."""
    data = bytearray(picture("JPEG"))
    frame = data.index(b"\xff\xc0")
    data[frame + 5 : frame + 9] = struct.pack(">HH", side, side)
    return bytes(data[: len(data) // 2])


def path_trick(random: Random) -> bytes:
    """A way to files that are not the page's."""
    ups = "..", "%2e%2e", "..%2f..", "..%5c..", "%c0%ae%c0%ae", ".%00.", "..;", "....//"
    starts = "/", "//", "/v1/models/", "/v1/models/colorizer/versions/", "/style.css/"
    targets = "etc/passwd", "app.py", "proc/self/environ", "no%00.html", "%ff%fe", "c:"
    up = "/".join([random.choice(ups)] * random.randint(1, 30))
    path = f"{random.choice(starts)}{up}/{random.choice(targets)}"
    if random.random() < 0.3:
        return form(random.randbytes(40), filename=path)
    return request(random.choice(["GET", "POST"]), path)


def huge_json(random: Random) -> bytes:
    """Much of what is not asked for; one in 50 is more than the server reads at all."""
    length = int(10 ** random.uniform(4.5, 6.3))
    if random.random() < 0.02:
        return predict(b"[" * (_BODY + 1))
    if random.random() < 0.1:
        return predict(b'{"instances": [' + b"9" * length + b"]}")
    document: object = random.choice(
        [
            {"instances": [0] * (length // 3)},
            {"instances": [[[[0.5] * (length // 5)]]], "signature_name": "colorize_rgb"},
            {"inputs": "x" * length},
            {f"key {k}": k for k in range(length // 20)},
            {"instances": [{"b64": "A" * length}], "signature_name": "colorize_bytes"},
        ]
    )
    return predict(json.dumps(document).encode())


def deep_json(random: Random) -> bytes:
    """Lists in lists, or objects in objects."""
    depth = int(10 ** random.uniform(0.7, 5.5))
    left, right = random.choice([(b"[", b"]"), (b'{"x":', b"}")])
    end = right * random.choice([depth, 0])
    return predict(random.choice([b'{"instances": ', b""]) + left * depth + b"0" + end + b"}")


def wrong_type(random: Random) -> bytes:
    """JSON of another form than a request has, or no JSON."""
    value = random.choice(JUNK)
    for _ in range(random.randint(0, 3)):
        value = [value] * random.randint(0, 3)
    named = random.choice([*SIGNATURES, *SIGNATURES, *JUNK])
    document = {random.choice(["instances", "inputs", "instance", ""]): value}
    body = json.dumps(document | {"signature_name": named}).encode()
    if random.random() < 0.2:
        body = body[: random.randrange(len(body))]
    elif random.random() < 0.1:
        body = bytes(byte ^ 0x80 for byte in body)
    elif random.random() < 0.1:
        return predict(gzip.compress(body), Content_Encoding="gzip")
    return predict(body)


def wrong_form(random: Random) -> bytes:
    """A form without its picture, with fields out of range, or broken."""
    data = picture("JPEG")
    number = random.choice(["x", "-1", "2.1", "nan", "inf", "1e999", "0x1", "\u00bd", "1,5"])
    field = random.choice(
        [{"saturation": number}, {"size": random.choice(["0", "257", "256.0"])}, {"format": "gif"}]
    )
    whole = form(data, **field)
    body = whole.partition(b"\r\n\r\n")[2]
    kind = f"multipart/form-data; boundary={random.choice(['', 'other', 'x' * 500])}"
    return random.choice(
        [
            whole,
            whole,
            request("POST", "/colorize", body, Content_Type=kind),
            request("POST", "/colorize", body, Content_Type="application/x-www-form-urlencoded"),
            request("POST", "/colorize", data, Content_Type="image/jpeg"),
            request("POST", "/colorize", body[: random.randrange(1, 100)], Content_Type=kind),
            request("POST", "/colorize"),
            form(b""),
            form(data, **{f"field{k}": "x" for k in range(2000)}, **field),
        ]
    )


def no_picture(random: Random) -> bytes:
    """A file of another kind, or a picture's first bytes before noise."""
    others = b"", b"GIF89a", b"<svg>", b"%PDF-1.7", b"PK\3\4", b"RIFF\xff\xff\0\0WAVE"
    ours = b"\xff\xd8\xff\xe0", b"II*\0", b"MM\0*", b"\x89PNG\r\n\x1a\n", b"BM", b"RIFFxx\0\0WEBP"
    noise = random.randbytes(random.randint(0, 2000))
    return form(random.choice([*others, *ours]) + noise)


def wrong_method(random: Random) -> bytes:
    """A method that the path does not have."""
    methods = "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW", "PROPFIND", "get"
    body = random.randbytes(random.choice([0, 100]))
    return request(random.choice(methods), random.choice(PATHS), body)


def large_headers(random: Random) -> bytes:
    """More headers than the server reads."""
    much = random.randint(_HEADERS, 4 * _HEADERS)
    path = random.choice(PATHS)
    if random.random() < 1 / 3:
        return request("GET", f"{path}?{'q' * much}")
    if random.random() < 0.5:
        return request("GET", path, Cookie="c" * much)
    return request("GET", path, **{f"X_{k}": "x" * 100 for k in range(much // 100)})


def broken_http(random: Random) -> bytes:
    """What is no HTTP/1.1."""
    head = b"POST /colorize HTTP/1.1\r\nHost: localhost\r\n"
    return random.choice(
        [
            b"\x16\x03\x01\x02\x00" + random.randbytes(99) + b"\r\n\r\n",  # TLS
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            b"GET / HTTP/1.1\r\n\r\n",  # without a Host
            b"GET /\xff\xfe HTTP/1.1\r\nHost: localhost\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: localhost\r\nbad header\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: localhost\r\nX: a\0b\r\n\r\n",
            head + b"Content-Length: x\r\n\r\n",
            head + b"Content-Length: -1\r\n\r\n",
            head + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
            head + f"Content-Length: {10 ** random.randint(9, 19)}\r\n\r\n".encode(),
            head + b"Transfer-Encoding: gzip\r\n\r\n",
            head + b"Transfer-Encoding: chunked\r\n\r\nZZ\r\nabc\r\n0\r\n\r\n",
        ]
    )


BROKEN = "broken HTTP"
KINDS: dict[str, Callable[[Random], bytes]] = {
    "wrong base64": wrong_base64,
    "truncated pictures": truncated_picture,
    "bombs": bomb,
    "path tricks": path_trick,
    "huge JSON": huge_json,
    "deep JSON": deep_json,
    "wrong types": wrong_type,
    "wrong forms": wrong_form,
    "no pictures": no_picture,
    "wrong methods": wrong_method,
    "large headers": large_headers,
    BROKEN: broken_http,
}
