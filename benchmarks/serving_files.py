"""Pictures that take a decoder long, beside usual clients, and an attack by many clients."""

import argparse
import asyncio
import re
import struct
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from io import BytesIO
from itertools import cycle
from pathlib import Path
from random import Random

from PIL import Image
from serving_malformed import BROKEN, KINDS
from serving_program import Answer, Connection, Server, form
from serving_report import Report, percentiles

from keras_colorize.imaging.strips import available_cores

USUAL = 4  # usual clients
SLOWER = 2.0  # times, that the p95 of the usual clients may become
SECONDS_TO_END = 10.0  # from SIGTERM on
PATIENCE = 90.0  # seconds for any answer
REST = 3.0  # seconds without a request, before memory is looked at
GROWTH = 0.10  # of memory, that may be left after the attack
SPARE_DESCRIPTORS = 4  # that may be left


def jpeg(scans: int, side: int) -> bytes:
    """Makes a progressive JPEG whose last scan, which changes nothing, is repeated."""
    stream = BytesIO()
    Image.new("L", (side, side), 99).save(stream, "JPEG", progressive=True)
    data = stream.getvalue()
    starts = [found.start() for found in re.finditer(rb"\xff\xda", data)]
    return data[:-2] + data[starts[-1] : -2] * (scans - len(starts)) + data[-2:]


def tiff(pages: int) -> bytes:
    """Makes a TIFF of one grey pixel, and further pages that have only a size and a place."""
    tags = ((256, 3, 1), (257, 3, 1), (258, 3, 8), (262, 3, 1), (273, 4, 8), (278, 3, 1))
    first = [struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags]
    first.append(struct.pack("<HHII", 279, 4, 1, 1))
    made = b"II*\0" + struct.pack("<I", 12) + b"\x80\0\0\0"  # the pixel is at byte 8
    directories, place = [], len(made)
    for page in range(pages):
        entries = [first[0], first[1], first[4]] if page else first
        place += 2 + 12 * len(entries) + 4
        following = place if page + 1 < pages else 0
        head, link = struct.pack("<H", len(entries)), struct.pack("<I", following)
        directories.append(head + b"".join(entries) + link)
    return made + b"".join(directories)


FILES: dict[str, Callable[[], bytes]] = {
    "JPEG of 8,000 scans": lambda: jpeg(8000, 1000),
    "TIFF of 270,000 pages": lambda: tiff(270_000),
    "JPEG of 100 scans and 49 MP (allowed)": lambda: jpeg(100, 7000),
    "TIFF of 1,000 pages (allowed)": lambda: tiff(1000),
}


def measure_files(options: argparse.Namespace, folder: Path) -> Report:
    """Measures what usual clients notice of each file, and how long the server takes to end."""
    workers = available_cores()
    usual = [form(path.read_bytes()) for path in sorted(folder.iterdir())]
    report = Report(
        f"{USUAL} usual clients for {options.seconds:g} s, alone and beside {workers} clients that "
        f"send one slow file again and again, to {workers} workers.",
        ["slow file", "bytes", "answers", "p95 alone ms", "p95 beside ms", "ratio", "s to end"],
    )
    for name, make in FILES.items():
        slow = form(make())
        with Server("--workers", str(workers)) as server:
            asyncio.run(together(server, usual, options.seconds / 4))  # warms it up
            alone, _ = asyncio.run(together(server, usual, options.seconds))
            beside, answers = asyncio.run(
                together(server, usual, options.seconds, [slow] * workers)
            )
            code, seconds = asyncio.run(end_beside(server, [slow] * workers))
            report.expect('"trace"' not in server.log, f"{name}: the log has a trace.")
        before, during = (float(percentiles(one, 95)[0]) for one in (alone, beside))
        said = ", ".join(f"{count} x {status or 'none'}" for status, count in answers.items())
        ratio, ended = during / before, f"{seconds:.1f}"
        cells = [f"{before:.0f}", f"{during:.0f}", f"{ratio:.2f}", ended]
        report.rows.append([name, len(slow), said, *cells])
        report.expect(ratio <= SLOWER, f"{name}: the p95 of usual clients grew {ratio:.1f} times.")
        report.expect(
            code == 0 and seconds <= SECONDS_TO_END,
            f"{name}: the server ended after {ended} s with exit code {code}.",
        )
    return report


async def together(
    server: Server, usual: list[bytes], seconds: float, slow: list[bytes] | None = None
) -> tuple[list[float], Counter[int]]:
    """Returns the latencies of the usual clients, and the answers to the others by status."""
    until = time.monotonic() + seconds
    latencies: list[float] = []
    answers: Counter[int] = Counter()
    pictures = cycle(usual)

    async def usual_client() -> None:
        async with Connection(server, PATIENCE) as connection:
            while time.monotonic() < until:
                latencies.append((await connection.ask(next(pictures))).seconds)

    async def slow_client(request: bytes) -> None:
        async with Connection(server, PATIENCE) as connection:
            while True:
                answers[(await connection.ask(request)).status] += 1

    others = [asyncio.create_task(slow_client(request)) for request in slow or []]
    await asyncio.gather(*(usual_client() for _ in range(USUAL)))
    for other in others:
        other.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    return latencies, answers


async def end_beside(server: Server, slow: list[bytes]) -> tuple[int, float]:
    """Sends slow files, then SIGTERM; returns the exit code and the seconds that it took."""

    async def client(request: bytes) -> None:
        async with Connection(server, PATIENCE) as connection:
            await connection.ask(request)

    others = [asyncio.create_task(client(request)) for request in slow]
    await asyncio.sleep(1)  # so that the workers have begun
    started = time.perf_counter()
    code = await asyncio.to_thread(server.end)
    seconds = time.perf_counter() - started
    await asyncio.gather(*others, return_exceptions=True)
    return code, seconds


def measure_attack(options: argparse.Namespace, folder: Path) -> Report:
    """Sends usual pictures, slow files and malformed requests by many clients at once."""
    report = Report(
        f"{options.attackers} clients for {options.attack_seconds:g} s, each of which sends a "
        "usual picture, a slow file or a malformed request, drawn by chance.",
        ["requests", "number", "answers", "closed unanswered"],
    )
    usual = [form(path.read_bytes()) for path in sorted(folder.iterdir())]
    slow = {name: form(make()) for name, make in FILES.items()}
    with Server() as server:
        asyncio.run(together(server, usual, options.seconds))
        before = state(server)
        answers = asyncio.run(attack(server, options, usual, slow))
        after = state(server)
        last = asyncio.run(together(server, usual, 1))[0]
        started = time.perf_counter()
        code = server.end()
        seconds = time.perf_counter() - started
        report.expect('"trace"' not in server.log, "The log has a trace.")
    for kind, its in sorted(answers.items()):
        counts = Counter(answer.status for answer in its if answer.status)
        said = ", ".join(f"{counts[status]} x {status}" for status in sorted(counts))
        closed = sum(answer.status == 0 for answer in its)
        report.rows.append([kind, len(its), said, closed])
        report.expect(500 not in counts, f"{kind}: {counts[500]} answers are 500.")
        report.expect(kind == BROKEN or not closed, f"{kind}: {closed} requests got no answer.")
    report.notes.append(
        f"Memory: {before[0]:.0f} MB before, {after[0]:.0f} MB after. Open descriptors: "
        f"{before[1]} before, {after[1]} after. The server ended {seconds:.1f} s after SIGTERM."
    )
    report.expect(
        after[0] <= (1 + GROWTH) * before[0],
        f"Memory grew from {before[0]:.0f} to {after[0]:.0f} MB.",
    )
    report.expect(
        after[1] <= before[1] + SPARE_DESCRIPTORS,
        f"Open descriptors grew from {before[1]} to {after[1]}.",
    )
    report.expect(bool(last), "No usual picture was answered afterwards.")
    report.expect(
        code == 0 and seconds <= SECONDS_TO_END,
        f"The server ended after {seconds:.1f} s with exit code {code}.",
    )
    return report


def state(server: Server) -> tuple[float, int]:
    """Returns the megabytes and open descriptors of the server once it has had a rest."""
    time.sleep(REST)
    return server.megabytes, server.descriptors


async def attack(
    server: Server, options: argparse.Namespace, usual: list[bytes], slow: dict[str, bytes]
) -> dict[str, list[Answer]]:
    """Returns the answers by kind."""
    until = time.monotonic() + options.attack_seconds
    answers: dict[str, list[Answer]] = defaultdict(list)

    async def client(number: int) -> None:
        random = Random(options.seed * 1000 + number)
        async with Connection(server, PATIENCE) as connection:
            while time.monotonic() < until:
                match random.choice(("usual", "slow", "malformed")):
                    case "usual":
                        kind, request = "usual pictures", random.choice(usual)
                    case "slow":
                        kind, request = random.choice(list(slow.items()))
                    case _:
                        kind, make = random.choice(list(KINDS.items()))
                        request = make(random)
                answers[kind].append(await connection.ask(request))
                if kind == BROKEN:  # what comes next might count as its body
                    connection.close()

    await asyncio.gather(*(client(number) for number in range(options.attackers)))
    return answers
