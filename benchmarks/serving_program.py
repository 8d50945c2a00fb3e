"""`keras-colorize serve` as a process, and a cheap HTTP client for it."""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PROGRAM = Path(sys.executable).with_name("keras-colorize")

_BOUNDARY = "a-boundary-of-our-own"
_TICKS = os.sysconf("SC_CLK_TCK")


class Server:
    """A server on a free port, to be used in `with`.

    Args:
        *options: of `keras-colorize serve`.
    """

    def __init__(self, *options: str) -> None:
        self._log = tempfile.TemporaryFile("a+")  # written at its end, wherever it is read
        self._process = subprocess.Popen(
            [PROGRAM, "serve", "--port", "0", *options],
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )

    def __enter__(self) -> "Server":
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if "HTTP on" not in line:
            self.end()
            raise SystemExit(f"keras-colorize serve did not start: {self.log[-500:]}")
        self.host, port = line.split()[2].strip("/").removeprefix("http://").split(":")
        self.port = int(port)
        return self

    def __exit__(self, *_: object) -> None:
        self.end()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._log.close()

    def end(self) -> int:
        """Ends it as SIGTERM does, and returns its exit code."""
        self._process.terminate()
        try:
            return self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()

    @property
    def log(self) -> str:
        """What it has written to standard error."""
        self._log.seek(0)
        return self._log.read()

    @property
    def megabytes(self) -> float:
        """Its resident memory, with its workers'; what they share is divided among them."""
        kilobytes = 0
        for pid in self._processes():
            memory = Path(f"/proc/{pid}/smaps_rollup").read_text()
            kilobytes += int(memory.partition("\nPss:")[2].split()[0])
        return kilobytes / 1e3

    @property
    def processor_s(self) -> float:
        """Processor seconds that it and its workers have used."""
        ticks = 0
        for pid in self._processes():
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / _TICKS

    @property
    def descriptors(self) -> int:
        """The open descriptors of it and its workers."""
        return sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in self._processes())

    def _processes(self) -> list[int]:
        """Its own and those below it."""
        found = [self._process.pid]
        for pid in found:
            for thread in Path(f"/proc/{pid}/task").iterdir():
                found += map(int, (thread / "children").read_text().split())
        return found


@dataclass(frozen=True)
class Answer:
    """What came back; status 0 is a connection that was closed without an answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float

    @property
    def word(self) -> str:
        """The sentence of an error; empty where there is none."""
        try:
            word = json.loads(self.body)["error"]
        except (ValueError, KeyError, TypeError):
            return ""
        return word if isinstance(word, str) else ""


class Connection:
    """A connection that is kept over several requests, to be used in `async with`.

    Args:
        server: whom to ask.
        patience: seconds to send, and as many for an answer; the server's own limit is 60.
    """

    def __init__(self, server: Server, patience: float = 90.0) -> None:
        self._server = server
        self._patience = patience
        self._writer: asyncio.StreamWriter | None = None

    async def __aenter__(self) -> "Connection":
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    async def open(self) -> asyncio.StreamWriter:
        """Connects, if it is not connected."""
        if self._writer is None:
            address = self._server.host, self._server.port
            self._reader, self._writer = await asyncio.open_connection(*address, limit=1 << 20)
        return self._writer

    def close(self) -> None:
        """Disconnects."""
        if self._writer is not None:
            self._writer.transport.abort()
            self._writer = None

    async def ask(self, request: bytes) -> Answer:
        """Sends a request as it stands and waits for its answer."""
        started = time.perf_counter()
        await self.send(request)
        return await self.answer(started)

    async def send(self, request: bytes) -> asyncio.StreamWriter:
        """Sends a request, or as much of it as the server reads, and returns what it went over."""
        writer = await self.open()
        # It may have answered before it has read everything.
        with suppress(ConnectionError, TimeoutError):
            async with asyncio.timeout(self._patience):
                writer.write(request)
                await writer.drain()
        return writer

    async def answer(self, started: float) -> Answer:
        """Waits for the answer to what was sent; without a Content-Length it has no body."""
        status, body = 0, b""
        headers: dict[str, str] = {}
        try:
            async with asyncio.timeout(self._patience):
                head = await self._reader.readuntil(b"\r\n\r\n")
                first, *lines = head.decode("latin-1").rstrip().split("\r\n")
                pairs = (line.partition(":") for line in lines)
                headers = {name.lower(): value.strip() for name, _, value in pairs}
                body = await self._reader.readexactly(int(headers.get("content-length", 0)))
                status = int(first.split()[1])
        except (ConnectionError, asyncio.IncompleteReadError, TimeoutError):
            self.close()
        if headers.get("connection") == "close":
            self.close()
        return Answer(status, headers, body, time.perf_counter() - started)


def request(method: str, path: str, body: bytes = b"", **headers: str) -> bytes:
    """Writes a request; an underscore in the name of a header is a hyphen."""
    lines = {"Host": "127.0.0.1"} | ({"Content_Length": str(len(body))} if body else {}) | headers
    head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in lines.items())
    return f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode("latin-1") + body


def form(picture: bytes, filename: str = "a.jpg", **fields: str) -> bytes:
    """Writes the request that has a picture coloured."""
    parts = [f'name="{name}"\r\n\r\n{value}'.encode() for name, value in fields.items()]
    parts.append(f'name="image"; filename="{filename}"\r\n\r\n'.encode("latin-1") + picture)
    start = f"--{_BOUNDARY}\r\nContent-Disposition: form-data; ".encode()
    body = b"".join(start + part + b"\r\n" for part in parts) + f"--{_BOUNDARY}--\r\n".encode()
    return request(
        "POST", "/colorize", body, Content_Type=f"multipart/form-data; boundary={_BOUNDARY}"
    )
