"""Connections: how many, how long, what is said to who sends no HTTP, and clients that leave."""

import asyncio
import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import httpx2
import pytest
import uvicorn

from keras_colorize.serving import protocol

REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n"
LARGE = 50_000_000  # bytes: more than the system takes from a server whose client does not read


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answers after a moment, at /large with much."""
    await asyncio.sleep(0.05)
    body = bytes(LARGE) if scope["path"] == "/large" else b""
    headers = [(b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


@pytest.fixture
def refusals() -> list[int]:
    """The statuses of what the server refused."""
    return []


@pytest.fixture(autouse=True)
def running(
    listening: socket.socket, refusals: list[int], monkeypatch: pytest.MonkeyPatch
) -> Iterator[uvicorn.Server]:
    """A server with little patience, which has to end at the end."""
    monkeypatch.setattr(protocol, "PATIENCE", 0.2)
    http: Any = partial(protocol.PatientProtocol, on_refusal=refusals.append)
    config = uvicorn.Config(app, http=http, lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    yield server
    server.should_exit = True
    thread.join()


@pytest.fixture
def address(listening: socket.socket) -> tuple[str, int]:
    host, port = listening.getsockname()
    return host, port


def talk(address: tuple[str, int], sent: bytes) -> bytes:
    """Sends the whole of it, and gives what comes until the server ends the connection."""
    with socket.create_connection(address, 600) as client:
        client.sendall(sent)
        return read(client)


def read(client: socket.socket) -> bytes:
    return b"".join(iter(lambda: client.recv(1 << 16), b""))


def test_one_without_a_request_is_ended(address: tuple[str, int]) -> None:
    for sent in (b"", REQUEST, REQUEST + b"\r\n" + REQUEST):
        assert talk(address, sent).count(b"HTTP/1.1 200") == sent.count(b"\r\n\r\n")


def test_one_whose_client_has_sent_all_gets_its_answer(address: tuple[str, int]) -> None:
    with socket.create_connection(address, 600) as client:
        client.sendall(REQUEST + b"\r\n")
        client.shutdown(socket.SHUT_WR)
        assert client.recv(1000).startswith(b"HTTP/1.1 200")


def test_one_that_is_busy_stays(address: tuple[str, int]) -> None:
    with socket.create_connection(address, 600) as client:
        for _ in range(8):
            client.sendall(REQUEST + b"\r\n")
            assert client.recv(1000).startswith(b"HTTP/1.1 200")
            time.sleep(0.1)


def test_what_is_no_http_is_said_in_json(address: tuple[str, int], refusals: list[int]) -> None:
    broken_chunk = b"Transfer-Encoding: chunked\r\n\r\nZZ\r\n"
    for wrong in (b"\0\r\n\r\n", REQUEST + b"X: " + b"x" * 2**20, REQUEST + broken_chunk):
        received = talk(address, wrong)
        assert received.startswith(b"HTTP/1.1 400") and received.count(b"HTTP/1.1 4") == 1
        assert "is no HTTP/1.1" in json.loads(received.partition(b"\r\n\r\n")[2])["error"]
    assert refusals == [400, 400, 400]


def test_an_answer_that_nobody_reads_is_given_up(
    address: tuple[str, int], running: uvicorn.Server
) -> None:
    large = b"GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    with socket.create_connection(address, 600) as client:
        client.sendall(large)
        received = client.recv(1000)
        assert received.startswith(b"HTTP/1.1 200")
        while running.server_state.connections:
            time.sleep(0.01)
        assert len(received + read(client)) < LARGE


def test_too_many_are_refused_in_json(
    address: tuple[str, int], refusals: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "CONNECTIONS", 1)
    with socket.create_connection(address, 600) as first:
        first.sendall(REQUEST + b"\r\n")
        assert first.recv(1000).startswith(b"HTTP/1.1 200")
        head, _, body = talk(address, REQUEST + b"\r\n").partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 503") and b"Retry-After: 1" in head
        assert "too many connections" in json.loads(body)["error"]
        assert refusals == [503]
    while not talk(address, REQUEST + b"\r\n").startswith(b"HTTP/1.1 200"):
        pass  # until the server has noticed that the first has gone


def test_metrics_count_what_is_refused(server: Any) -> None:
    def refused() -> int:
        line = r'colorize_refused_connections_total{status="400"} (\d+)'
        found = re.search(line, httpx2.get(f"{server.url}/metrics").text)
        return int(found[1]) if found else 0

    before = refused()
    host, port = server.url.removeprefix("http://").split(":")
    assert talk((host, int(port)), b"\0\r\n\r\n").startswith(b"HTTP/1.1 400")
    assert refused() == before + 1


@pytest.mark.parametrize("path", ["/colorize", "/v1/models/{name}:predict"])
def test_who_leaves_within_a_body_is_no_fault_of_ours(server: Any, path: str) -> None:
    host, port = server.url.removeprefix("http://").split(":")
    head = (
        f"POST {path.format(name='colorizer')} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n"
    )
    kind = "Content-Type: multipart/form-data; boundary=x\r\n\r\n--x"
    with socket.create_connection((host, int(port)), 600) as client:
        client.sendall((head + kind).encode())
    wanted = f'colorize_requests_total{{interface="http",route="{path}",status="499"}} 1.0'
    while wanted not in (text := httpx2.get(f"{server.url}/metrics").text):
        assert 'status="500"' not in text
