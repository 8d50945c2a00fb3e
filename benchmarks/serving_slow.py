"""Clients that dawdle, close their side, or leave, and what a usual one notices of them."""

import argparse
import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from serving_program import Answer, Connection, Server, form
from serving_report import Report, percentiles

TIMEOUT = 5  # seconds, of the server in this part
SLACK = 5  # seconds: the machine does other work too
SLOWER = 1.5  # times, that the median of a usual client may become
USUAL = 20  # requests of the usual client before the others come

_HEADERS = 20  # seconds that the server waits for them, at the least
_PATIENCE = 2 * _HEADERS + SLACK  # seconds for any answer


async def drip(connection: Connection, request: bytes) -> Answer:
    """Sends a byte a second until the server ends it."""
    started = time.perf_counter()
    writer = await connection.open()

    async def send() -> None:
        for byte in request:
            writer.write(bytes([byte]))
            await asyncio.sleep(1)

    sending = asyncio.create_task(send())
    answer = await connection.answer(started)
    sending.cancel()
    return answer


async def slow_body(connection: Connection, request: bytes) -> Answer:
    """Sends the headers, and then the body a byte a second."""
    head, body = split(request)
    (await connection.open()).write(head)
    return await drip(connection, body)


async def half_a_body(connection: Connection, request: bytes) -> Answer:
    """Sends half of the body and waits."""
    return await connection.ask(request[: len(request) // 2])


async def silent(connection: Connection, request: bytes) -> Answer:
    """Sends nothing."""
    return await connection.ask(b"")


async def half_closed(connection: Connection, request: bytes) -> Answer:
    """Closes its side after the request."""
    started = time.perf_counter()
    (await connection.send(request)).write_eof()
    return await connection.answer(started)


async def half_closed_early(connection: Connection, request: bytes) -> Answer:
    """Closes its side in the middle of the request."""
    return await half_closed(connection, request[: len(request) // 2])


async def reads_late(connection: Connection, request: bytes) -> Answer:
    """Lets the answer wait before it reads it."""
    started = time.perf_counter()
    transport: Any = (await connection.open()).transport
    transport.pause_reading()
    await connection.send(request)
    await asyncio.sleep(2)
    transport.resume_reading()
    return await connection.answer(started)


async def leaves(connection: Connection, request: bytes) -> Answer:
    """Leaves without its answer."""
    await connection.send(request)
    return Answer(0, {}, b"", 0.0)


@dataclass(frozen=True)
class Kind:
    """A way to behave: how many do so, at once or one after another, and how it may end."""

    behave: Callable[[Connection, bytes], Awaitable[Answer]]
    clients: int
    at_once: bool
    statuses: tuple[int, ...]
    within: float
    should: str


KINDS = {
    "the body a byte a second": Kind(
        slow_body, 50, True, (0, 408), TIMEOUT + SLACK, f"408 or closed after {TIMEOUT} s"
    ),
    "half of the body, then nothing": Kind(
        half_a_body, 50, True, (0, 408), TIMEOUT + SLACK, f"408 or closed after {TIMEOUT} s"
    ),
    "the headers a byte a second": Kind(
        drip, 50, True, (0, 408), 2 * _HEADERS + SLACK, f"closed after {_HEADERS} to 40 s"
    ),
    "nothing at all": Kind(
        silent, 50, True, (0, 408), 2 * _HEADERS + SLACK, f"closed after {_HEADERS} to 40 s"
    ),
    "closes its side after the request": Kind(half_closed, 8, False, (200,), SLACK, "200"),
    "closes its side within the body": Kind(
        half_closed_early, 8, False, (0, 400, 408), TIMEOUT + SLACK, "closed, or an error"
    ),
    "reads its answer after 2 s": Kind(reads_late, 8, True, (200,), 2 + SLACK, "200"),
    "leaves without its answer": Kind(leaves, 8, False, (0,), 60, "-"),
}


def measure_slow(options: argparse.Namespace, folder: Path) -> Report:
    """Lets them all come at once, while a usual client works."""
    request = form(next(iter(sorted(folder.iterdir()))).read_bytes())
    report = Report(
        f"All of these in the same seconds, `--timeout {TIMEOUT}`.",
        ["client sends", "clients", "answers", "after s", "should be"],
    )
    with Server("--timeout", str(TIMEOUT)) as server:
        before, during = asyncio.run(together(server, request, report))
        report.expect("trace" not in server.log, "The server's log of slow clients has a trace.")
    alone, beside = percentiles(before, 50, 95), percentiles(during, 50, 95)
    report.notes.append(
        f"A usual client beside them: p50 {beside[0]} ms and p95 {beside[1]} ms of {len(during)} "
        f"requests; before they came {alone[0]} and {alone[1]} ms."
    )
    report.expect(
        float(beside[0]) <= SLOWER * float(alone[0]),
        f"A usual client waited {beside[0]} ms beside slow ones, {alone[0]} ms before.",
    )
    return report


async def together(
    server: Server, request: bytes, report: Report
) -> tuple[list[float], list[float]]:
    """Returns the latencies of the usual client before and beside the others."""
    async with Connection(server, _PATIENCE) as usual:
        await usual.ask(request)
        before = [(await usual.ask(request)).seconds for _ in range(USUAL)]
        during = []
        async with asyncio.TaskGroup() as group:
            others = [group.create_task(one(server, request, name, report)) for name in KINDS]
            while not during or not all(other.done() for other in others):
                answer = await usual.ask(request)
                report.expect(answer.status == 200, f"A usual client got {answer.status}.")
                during.append(answer.seconds)
                await asyncio.sleep(0.1)
    return before, during


async def one(server: Server, request: bytes, name: str, report: Report) -> None:
    """Lets one kind come, and adds its row."""
    kind = KINDS[name]

    async def client() -> Answer:
        async with Connection(server, _PATIENCE) as connection:
            return await kind.behave(connection, request)

    if kind.at_once:
        answers = await asyncio.gather(*(client() for _ in range(kind.clients)))
    else:
        answers = [await client() for _ in range(kind.clients)]
    seconds = [answer.seconds for answer in answers]
    counts = Counter(answer.status for answer in answers)
    said = [f"{counts[status]} x {status or 'closed'}" for status in sorted(counts)]
    if kind.behave is leaves:
        said = ["-"]
    report.rows.append(
        [name, kind.clients, ", ".join(said), f"{min(seconds):.1f} to {max(seconds):.1f}"]
        + [kind.should]
    )
    report.expect(
        set(counts) <= set(kind.statuses) and max(seconds) <= kind.within,
        f"A client that sends so: {name}: got {', '.join(said)} within {max(seconds):.1f} s.",
    )


def split(request: bytes) -> tuple[bytes, bytes]:
    """Splits a request into its headers and its body."""
    head, blank, body = request.partition(b"\r\n\r\n")
    return head + blank, body
