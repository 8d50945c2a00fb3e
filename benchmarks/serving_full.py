"""A burst beyond the queue: what is refused, and how."""

import argparse
import asyncio
from collections import Counter
from pathlib import Path

from serving_program import Answer, Connection, Server, form
from serving_report import Report

from keras_colorize.imaging.strips import available_cores

QUEUE, BURST, BURSTS = 8, 48, 3


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
            counts = Counter(map(kind, answers))
            refused = [one.seconds for one in answers if kind(one) == "refused"]
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


def kind(answer: Answer) -> str:
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
