"""`POST /colorize` under load: its rate and latencies beside the bare model's, and a full queue."""

import argparse
import asyncio
import hashlib
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from statistics import mean
from typing import Any

from serving_program import Answer, Connection, Server, form
from serving_report import Report, percentiles
from turns import Worker

from keras_colorize.imaging.strips import available_cores

GOAL, AT = 0.85, 16  # of the bare rate, at so many clients
QUEUE, BURST, BURSTS = 8, 48, 3


@dataclass
class Load:
    """What some clients got: mistakes at any time, the rest in windows of so many seconds."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    server_s: float = 0.0
    client_s: float = 0.0
    mistakes: list[str] = field(default_factory=list)


def measure_rate(options: argparse.Namespace, folder: Path) -> Report:
    """Measures at each number of clients, the bare model and the server in turns."""
    pictures = [path.read_bytes() for path in sorted(folder.iterdir())]
    report = Report(
        f"`POST /colorize` of {len(pictures)} JPEGs of 1 MP. The bare model is the same work in as "
        "many threads without HTTP, in turns with the server; the client shares its cores, and "
        "compares each answer with the bare model's, byte for byte.",
        [
            *("clients", "requests/s", "bare pictures/s", "ratio"),
            *(f"p{which} ms" for which in (50, 95, 99)),
            *(f"{who} processor ms a picture" for who in ("server", "bare", "client")),
            "answers counted",
        ],
    )
    command = [sys.executable, str(Path(__file__).with_name("serving_bare.py"))]
    bare = Worker([*command, str(folder), str(options.seconds)], patience=120)
    try:
        digests = bare.ask("warm")["digests"]
        with Server() as server:
            asyncio.run(load(server, 2, pictures, digests, options.seconds / 4, Load()))
            for clients in options.clients:
                found, alone = Load(), []
                for turn in range(options.rounds):
                    order = ["bare", "server"] if turn % 2 == 0 else ["server", "bare"]
                    for who in order:
                        if who == "bare":
                            alone.append(bare.ask("work"))
                        else:
                            arguments = (clients, pictures, digests, options.seconds, found)
                            asyncio.run(load(server, *arguments))
                add(report, clients, found, alone)
    finally:
        bare.end()
    return report


def add(report: Report, clients: int, found: Load, alone: Sequence[dict[str, Any]]) -> None:
    """Adds the row of a number of clients."""
    rate = len(found.latencies) / found.seconds
    bare = mean(one["pictures_per_s"] for one in alone)
    ratio = rate / bare if bare else 0.0
    each = max(1, len(found.latencies))
    report.rows.append(
        [
            *(clients, f"{rate:.2f}", f"{bare:.2f}", f"{ratio:.0%}"),
            *percentiles(found.latencies, 50, 95, 99),
            f"{1e3 * found.server_s / each:.0f}",
            f"{1e3 * mean(one['processor_s_a_picture'] for one in alone):.0f}",
            f"{1e3 * found.client_s / each:.1f}",
            len(found.latencies),
        ]
    )
    report.expect(
        not found.mistakes,
        f"At {clients} clients {len(found.mistakes)} answers were wrong: {found.mistakes[:1]}.",
    )
    report.expect(
        clients != AT or ratio >= GOAL,
        f"At {clients} clients the server reached {ratio:.0%} of the bare rate, not {GOAL:.0%}.",
    )


async def load(
    server: Server,
    clients: int,
    pictures: Sequence[bytes],
    digests: Sequence[str],
    seconds: float,
    found: Load,
) -> None:
    """Has clients ask without a pause, each over a connection of its own.

    The window begins when each has had an answer, as only then the queue is as long as it stays.
    What is under way at its end is waited for, so that it does not take from the next turn.
    """
    requests, numbers = [form(picture) for picture in pictures], count()
    served, going, counting = 0, True, False
    all_served = asyncio.Event()

    async def client() -> None:
        nonlocal served
        first = True
        async with Connection(server) as connection:
            while going:
                index = next(numbers) % len(pictures)
                answer = await connection.ask(requests[index])
                if counting:
                    found.latencies.append(answer.seconds)
                if answer.status != 200:
                    found.mistakes.append(f"{answer.status} {answer.word}")
                    await asyncio.sleep(0.1)
                elif hashlib.sha256(answer.body).hexdigest() != digests[index]:
                    found.mistakes.append("another picture")
                served += first
                first = False
                if served == clients:
                    all_served.set()

    tasks = [asyncio.create_task(client()) for _ in range(clients)]
    await all_served.wait()
    started, server_s, client_s = time.perf_counter(), server.processor_s, time.process_time()
    counting = True
    await asyncio.sleep(seconds)
    counting = False
    found.seconds += time.perf_counter() - started
    found.server_s += server.processor_s - server_s
    found.client_s += time.process_time() - client_s
    going = False
    await asyncio.gather(*tasks)


def measure_full(options: argparse.Namespace, folder: Path) -> Report:
    """Sends more at once than the queue holds, some times."""
    request = form(next(iter(sorted(folder.iterdir()))).read_bytes())
    report = Report(
        f"{BURST} requests at once, {available_cores()} workers and `--queue {QUEUE}`.",
        ["burst", "200", "503 with Retry-After", "anything else", "slowest 503 ms", "then 200"],
    )
    places = available_cores() + QUEUE
    with Server("--queue", str(QUEUE)) as server:
        for number in range(1, BURSTS + 1):
            answers, after = asyncio.run(burst(server, request))
            counts = Counter(map(which, answers))
            refused = [one.seconds for one in answers if which(one) == "refused"]
            other = len(answers) - counts["coloured"] - counts["refused"]
            report.rows.append(
                [
                    *(number, counts["coloured"], counts["refused"], other),
                    f"{1e3 * max(refused):.0f}" if refused else "-",
                    "yes" if after.status == 200 else after.status,
                ]
            )
            report.expect(other == 0, f"Burst {number}: {other} answers were neither 200 nor 503.")
            report.expect(bool(refused), f"Burst {number}: nothing was refused.")
            report.expect(
                counts["coloured"] >= places,
                f"Burst {number}: {counts['coloured']} were coloured, there were {places} places.",
            )
            report.expect(after.status == 200, f"After burst {number} the server answered no more.")
    return report


def which(answer: Answer) -> str:
    """Says which of the two right answers it is."""
    if answer.status == 200 and answer.headers["content-type"] == "image/jpeg":
        return "coloured"
    if answer.status == 503 and "retry-after" in answer.headers and answer.word:
        return "refused"
    return "other"


async def burst(server: Server, request: bytes) -> tuple[list[Answer], Answer]:
    """Returns the answers, and the one to a client that comes after them."""
    connections = [Connection(server) for _ in range(BURST)]
    await asyncio.gather(*(connection.open() for connection in connections))
    answers = await asyncio.gather(*(connection.ask(request) for connection in connections))
    after = await connections[0].ask(request)
    for connection in connections:
        connection.close()
    return answers, after
