"""`keras-colorize serve` as a program: its clients, its signals, slow clients, mistakes."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from keras_colorize.cli import extras
from keras_colorize.cli.main import main
from keras_colorize.inference.colorizer import Colorizer

OLD = Path("examples", "photographs", "fireside.jpg")


def post(url: str, picture: bytes, **options: Any) -> httpx2.Response:
    files = {"image": ("a", picture)}
    return httpx2.post(f"{url}/colorize", files=files, timeout=600, **options)


def run(*command: object, **environment: str) -> subprocess.CompletedProcess[str]:
    quiet = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"} | environment
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, env=quiet)


def test_rest_grpc_the_form_and_the_command_line_give_the_same_picture(
    server: Any, repository: Path, tmp_path: Path
) -> None:
    old, clients = repository / OLD, repository / "export" / "tf_serving"
    for command in (
        ("sh", clients / "colorize.sh", old, tmp_path / "0.png", server.url),
        (sys.executable, clients / "colorize_rest.py", old, tmp_path / "1.png", server.url),
        (sys.executable, clients / "colorize_grpc.py", old, tmp_path / "2.png", server.grpc),
    ):
        done = run(*command)
        assert done.returncode == 0, done.stderr
    arguments = ["colorize", str(old), "-o", str(tmp_path / "3.png"), "--no-adapt"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    form = post(server.url, old.read_bytes(), data={"format": "png", "adapt": "false"})
    pictures = [(tmp_path / f"{k}.png").read_bytes() for k in range(4)] + [form.content]
    assert len(set(pictures)) == 1
    rgb = np.asarray(Image.open(BytesIO(pictures[0]))).astype(int)
    assert np.ptp(rgb, axis=-1).max() > 20


def test_the_clients_bring_the_key(
    start: Callable[..., Any], repository: Path, tmp_path: Path, tiny: bytes
) -> None:
    key = {"KERAS_COLORIZE_API_KEY": "a key"}
    server = start("--grpc-port", "0", "--workers", "1", **key)
    (old := tmp_path / "old.png").write_bytes(tiny)
    clients = repository / "export" / "tf_serving"
    for command in (
        ("sh", clients / "colorize.sh", old, tmp_path / "0.png", server.url),
        (sys.executable, clients / "colorize_rest.py", old, tmp_path / "1.png", server.url),
        (sys.executable, clients / "colorize_grpc.py", old, tmp_path / "2.png", server.grpc),
    ):
        without = run(*command)
        assert without.returncode != 0 and "API key" in without.stderr
        done = run(*command, **key)
        assert done.returncode == 0, done.stderr
    assert len({(tmp_path / f"{k}.png").read_bytes() for k in range(3)}) == 1


def test_the_clients_say_what_is_wrong(server: Any, repository: Path, tmp_path: Path) -> None:
    (tmp_path / "no.jpg").write_text("no picture")
    clients, new = repository / "export" / "tf_serving", tmp_path / "new.png"
    for command in (
        ("sh", clients / "colorize.sh", tmp_path / "no.jpg", new, server.url),
        (sys.executable, clients / "colorize_rest.py", tmp_path / "no.jpg", new, server.url),
        (sys.executable, clients / "colorize_grpc.py", tmp_path / "no.jpg", new, server.grpc),
    ):
        done = run(*command)
        assert done.returncode != 0
        assert "not a JPEG, PNG" in done.stderr and "Traceback" not in done.stderr
    assert os.listdir(tmp_path) == ["no.jpg"]


OVMS = """
import sys
import numpy as np
from ovmsclient import make_grpc_client, make_http_client

http, grpc = sys.argv[1:3]
lightness = np.load(sys.argv[3])
for client in (make_http_client(http), make_grpc_client(grpc)):
    status = client.get_model_status("colorizer", 1)
    assert status[1]["state"] == "AVAILABLE" and status[1]["error_code"] == 0, status
    assert "lightness" in str(client.get_model_metadata("colorizer", 1))
    ab = client.predict({"lightness": lightness}, "colorizer", 1)
    np.save(sys.argv[4], np.asarray(ab, np.float32))
    expected = np.load(sys.argv[5])
    assert np.array_equal(np.asarray(ab, np.float32), expected), abs(ab - expected).max()
    try:
        client.predict({"lightness": lightness}, "half", 1)
    except Exception as error:
        assert type(error).__name__ == "ModelNotFoundError", repr(error)
        assert "Servable not found for request: Specific(half, 1)" in str(error), error
    else:
        raise AssertionError("a model that is not there")
print("done")
"""


def test_ovmsclient_works_unchanged(server: Any, runtime: Any, tmp_path: Path) -> None:
    lightness = np.random.default_rng(4).uniform(0, 100, (1, 40, 56, 1)).astype(np.float32)
    np.save(tmp_path / "lightness.npy", lightness)
    np.save(
        tmp_path / "ab.npy", Colorizer(runtime, adapt=False).predict_ab(lightness[0, ..., 0])[None]
    )
    # In a process of its own: it carries TensorFlow's protocol buffers a second time.
    done = run(
        sys.executable,
        *("-c", OVMS, server.url.removeprefix("http://"), server.grpc),
        *(tmp_path / name for name in ("lightness.npy", "made.npy", "ab.npy")),
    )
    assert done.stdout == "done\n", done.stderr


def test_sigterm_lets_what_was_accepted_end(start: Callable[..., Any], make_picture: Any) -> None:
    server = start("--workers", "1")
    stream = BytesIO()
    make_picture(0, 3000, 2000).save(stream, "JPEG")
    with ThreadPoolExecutor(3) as threads:
        posted = [threads.submit(post, server.url, stream.getvalue()) for _ in range(3)]
        while "colorize_queue_length 2.0" not in httpx2.get(f"{server.url}/metrics").text:
            pass
        code, log = server.end()
        assert [future.result().status_code for future in posted] == [200, 200, 200]
    assert code == 0
    with pytest.raises(httpx2.ConnectError):
        httpx2.get(server.url)
    lines = [json.loads(line) for line in log.splitlines()]
    assert sum(line.get("path") == "/colorize" for line in lines) == 3


@pytest.fixture(scope="module")
def slow() -> bytes:
    """A JPEG of 20 scans that takes a decoder many seconds: the last 14 scans are empty.

    So many scans are always allowed, and its pixels are if the server takes 200 megapixels.
    """
    stream = BytesIO()
    Image.new("L", (14000, 14000), 99).save(stream, "JPEG", progressive=True)
    data = stream.getvalue()
    *before, last = re.finditer(rb"\xff\xda", data)
    return data[:-2] + data[last.start() : -2] * (19 - len(before)) + data[-2:]


def test_a_picture_that_takes_too_long_is_given_up(
    start: Callable[..., Any], slow: bytes, tiny: bytes
) -> None:
    server = start("--workers", "1", "--timeout", "2", "--max-pixels", "200000000")
    answer = post(server.url, slow)
    assert (answer.status_code, "time" in answer.json()["error"]) == (504, True)
    while "colorize_replaced_workers 1.0" not in httpx2.get(f"{server.url}/metrics").text:
        pass
    again = (post(server.url, tiny).status_code for _ in range(50))
    assert 200 in again  # a machine may be too slow for the first
    assert server.end()[0] == 0


def test_sigterm_gives_up_what_takes_too_long(start: Callable[..., Any], slow: bytes) -> None:
    server = start(
        *("--workers", "1", "--grpc-port", "0", "--timeout", "600", "--max-pixels", "200000000")
    )
    with ThreadPoolExecutor(1) as threads:
        posted = threads.submit(post, server.url, slow)
        while "colorize_busy_workers 1.0" not in httpx2.get(f"{server.url}/metrics").text:
            pass
        code, log = server.end()
        answer = posted.result()
    assert (answer.status_code, answer.json()["error"]) == (503, "The server is stopping.")
    assert code == 0 and "Traceback" not in log


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="the system has no SIGALRM")
def test_sigterm_ends_a_server_that_hangs_in_its_log() -> None:
    """Nobody reads the pipe that its log goes to, and the pipe is full."""
    read, write = os.pipe()
    # Opened anew, because to write without waiting is an option of an open file.
    again = os.open(f"/proc/self/fd/{write}", os.O_WRONLY | os.O_NONBLOCK)
    code = "from keras_colorize.cli.main import main; main()"
    command = [sys.executable, "-c", code, "serve", "--port", "0", "--workers", "1"]
    unbuffered = os.environ | {"PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=write, text=True, env=unbuffered
    ) as server:
        try:
            assert server.stdout is not None
            health = f"{server.stdout.readline().split()[2]}healthz"
            httpx2.get(health, timeout=600)  # now it has written its first lines
            for piece in (bytes(4096), b"x"):
                with suppress(BlockingIOError):
                    while True:
                        os.write(again, piece)
            httpx2.get(health, timeout=600)  # its line in the log waits for ever
            server.terminate()
            time.sleep(1)
            server.terminate()  # a second signal changes nothing
            assert server.wait(300) == -signal.SIGALRM
        finally:
            server.kill()
            for descriptor in (read, write, again):
                os.close(descriptor)


def test_ctrl_c_a_key_and_a_client_that_dawdles(start: Callable[..., Any], tiny: bytes) -> None:
    server = start("--timeout", "1", KERAS_COLORIZE_API_KEY="key")
    assert post(server.url, tiny).status_code == 401
    key = {"Authorization": "Bearer key"}
    again = (post(server.url, tiny, headers=key).status_code for _ in range(50))
    assert 200 in again  # a machine may be too slow for the first
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), 600) as slow:
        head = "POST /colorize HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer key\r\n"
        form = "Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 9000\r\n\r\n"
        slow.sendall((head + form + "--x\r\n").encode())
        answer = slow.recv(10_000).decode()
    assert answer.startswith("HTTP/1.1 408")
    broken = {"Content-Type": "multipart/form-data; boundary=x"}
    assert httpx2.post(f"{server.url}/colorize", content=b"x", headers=key | broken).is_error
    code, log = server.end(signal.SIGINT)
    assert code == 0
    assert {json.loads(line)["level"] for line in log.splitlines()} <= {"info", "warning"}
    assert "Traceback" not in log and "Bearer" not in log


def test_a_port_that_is_taken_and_no_such_model(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for arguments, words in (
            (("--port", port), f"127.0.0.1:{port}: Address already in use."),
            (("--port", "0", "--model", "nothing"), "nothing"),
        ):
            code = "from keras_colorize.cli.main import main; main()"
            done = run(sys.executable, "-c", code, "serve", *arguments)
            assert done.returncode == 1
            assert words in done.stderr and len(done.stderr.splitlines()) == 1


def test_a_key_that_is_none(tmp_path: Path) -> None:
    for text in (b"", b" \n", b"two\nlines", b"caf\xc3\xa9", b"\xff"):
        (tmp_path / "key").write_bytes(text)
        result = CliRunner().invoke(main, ["serve", "--api-key-file", str(tmp_path / "key")])
        assert (result.exit_code, "one line of ASCII" in result.stderr) == (2, True)
    result = CliRunner().invoke(main, ["serve", "--api-key-file", str(tmp_path / "no")])
    assert (result.exit_code, "No such file" in result.stderr) == (1, True)


def test_a_missing_library_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    declared = {"export": ["tensorflow-serving-api"], "serve": ["fastapi"], "grpc": ["grpcio"]}
    monkeypatch.setattr(extras, "declared_extras", lambda: declared)
    assert extras.missing_extra("fastapi") == "serve"
    assert extras.missing_extra("grpc") == "grpc"
