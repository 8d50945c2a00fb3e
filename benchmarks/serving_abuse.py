"""Thousands of malformed requests: what they are answered, and what is left of the server."""

import argparse
import asyncio
import json
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from random import Random
from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import Case, GenerationMode
from serving_malformed import BROKEN, KINDS
from serving_program import Answer, Connection, Server, form, request
from serving_report import Report

CONNECTIONS = 4
PATIENCE = 20.0  # seconds for an answer
USUAL = 100  # requests before, so that memory is what a server that works needs
GROWTH = 0.10  # of memory, that may be left afterwards

REST = 3.0  # seconds without a request, before memory is looked at
GENERATED = "from the OpenAPI document"

_LONGEST = 60  # letters of an example


def measure_abuse(options: argparse.Namespace, folder: Path) -> Report:
    """Sends them, a tenth from the OpenAPI document by schemathesis."""
    report = Report(
        "Malformed requests.", ["requests", "number", "answers", "for example", "closed unanswered"]
    )
    usual = [form(path.read_bytes()) for path in sorted(folder.iterdir())]
    with Server() as server:
        asyncio.run(send(server, (("", usual[k % len(usual)]) for k in range(USUAL))))
        before = memory(server)
        document = asyncio.run(ask(server, request("GET", "/openapi.json"))).body
        generated = openapi_requests(json.loads(document), options.malformed // 10, options.seed)
        started = time.perf_counter()
        answers = asyncio.run(send(server, mixed(options, generated), options.until))
        seconds = time.perf_counter() - started
        after = memory(server)
        last = asyncio.run(ask(server, usual[0]))
        code, log = server.end(), server.log
    for kind in (GENERATED, *KINDS):
        add(report, kind, answers[kind])
    sent = sum(map(len, answers.values()))
    report.notes.append(
        f"{sent} requests over {CONNECTIONS} connections in {seconds:.0f} s. Resident memory: "
        f"{before:.0f} MB before, {after:.0f} MB after ({after / before - 1:+.0%})."
    )
    report.expect(
        sent >= options.malformed, f"The time sufficed for {sent} of {options.malformed} requests."
    )
    report.expect(
        after <= (1 + GROWTH) * before, f"Memory grew from {before:.0f} to {after:.0f} MB."
    )
    report.expect(last.status == 200, f"A usual request after them got {last.status}.")
    report.expect(code == 0, f"The server ended with {code}.")
    faults = [line for line in log.splitlines() if '"trace"' in line]
    report.expect(not faults, f"{len(faults)} traces in the log: {faults[:1]}.")
    return report


def memory(server: Server) -> float:
    """Its megabytes once it has had a rest."""
    time.sleep(REST)
    return server.megabytes


def mixed(options: argparse.Namespace, generated: list[bytes]) -> Iterator[tuple[str, bytes]]:
    """The generated ones among those of each kind, in turns."""
    random = Random(options.seed)
    kinds = cycle(KINDS.items())
    places = set(random.sample(range(options.malformed), len(generated)))
    for number in range(options.malformed):
        if number in places:
            yield GENERATED, generated.pop()
        else:
            name, make = next(kinds)
            yield name, make(random)


def add(report: Report, kind: str, answers: list[Answer]) -> None:
    """Adds the row of a kind, and says what was not answered as it should be."""
    counts = Counter(answer.status for answer in answers if answer.status)
    closed = sum(answer.status == 0 for answer in answers)
    words = Counter(answer.word for answer in answers)
    example = next((word for word, _ in words.most_common() if word), "")
    example = example.replace("|", "\\|").replace("`", "'")
    if len(example) > _LONGEST:
        example = example[: _LONGEST - 3] + "..."
    said = ", ".join(f"{counts[status]} x {status}" for status in sorted(counts))
    report.rows.append([kind, len(answers), said, f"`{example}`", closed])
    wrong = [answer for answer in answers if not is_right(kind, answer)]
    if wrong:
        first = f"{wrong[0].status} {wrong[0].body[:100]!r}"
        report.expect(False, f"Of the requests {kind}, {len(wrong)} got what is wrong: {first}.")


def is_right(kind: str, answer: Answer) -> bool:
    """Says whether it is a refusal in words, as JSON.

    What schemathesis makes may also be right by chance.
    """
    if kind == GENERATED and answer.status == 200:
        return True
    refused = 400 <= answer.status < 500 or (
        answer.status == 503 and "retry-after" in answer.headers
    )
    return refused and len(answer.word) > 3


async def ask(server: Server, one: bytes) -> Answer:
    """Asks once."""
    async with Connection(server) as connection:
        return await connection.ask(one)


async def send(
    server: Server, several: Iterator[tuple[str, bytes]], until: float = float("inf")
) -> dict[str, list[Answer]]:
    """Returns the answers by kind; no request is begun after `until`."""
    answers: dict[str, list[Answer]] = defaultdict(list)

    async def client() -> None:
        async with Connection(server, PATIENCE) as connection:
            for kind, one in several:
                answers[kind].append(await connection.ask(one))
                if kind == BROKEN:  # what comes next might count as its body
                    connection.close()
                if time.monotonic() > until:
                    return

    await asyncio.gather(*(client() for _ in range(CONNECTIONS)))
    return answers


def openapi_requests(document: dict[str, Any], number: int, random_seed: int) -> list[bytes]:
    """Makes requests of all operations that take anything.

    Args:
        document: as parsed from JSON.
        number: how many; their order is that of the operations.
        random_seed: the same gives the same requests.
    """
    operations = [one.ok() for one in schemathesis.openapi.from_dict(document).get_all_operations()]
    operations = [one for one in operations if one.body or one.path_parameters]
    made: list[bytes] = []
    for index, operation in enumerate(operations):
        wanted = number * (index + 1) // len(operations)
        # Any word is a name, so that of these no schema can be broken: other names than ours.
        fits = not operation.body and "{version}" not in operation.path
        mode = GenerationMode.POSITIVE if fits else GenerationMode.NEGATIVE
        # Hypothesis tries no example twice, and may find no further one.
        for attempt in range(10):
            if len(made) < wanted:
                made += examples(operation, mode, wanted - len(made), random_seed + attempt)
    return made


def examples(operation: Any, mode: GenerationMode, number: int, random_seed: int) -> list[bytes]:
    """Has Hypothesis draw requests of an operation."""
    made: list[bytes] = []

    @seed(random_seed)
    @settings(
        max_examples=number,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(generation_mode=mode))
    def collect(case: Case) -> None:
        made.append(as_bytes(case))

    collect()
    return made[:number]


def as_bytes(case: Case) -> bytes:
    """Writes a request as it goes over the wire."""
    given = case.as_transport_kwargs(base_url="http://127.0.0.1")
    allowed = ("method", "url", "headers", "params", "cookies", "json", "data", "files")
    prepared = requests.Request(**{key: given[key] for key in allowed if key in given}).prepare()
    body = prepared.body or b""
    headers = {
        name.replace("-", "_"): value
        for name, value in prepared.headers.items()
        if name.lower() not in ("content-length", "connection")
    }
    return request(
        str(prepared.method),
        prepared.path_url,
        body if isinstance(body, bytes) else body.encode(),
        **headers,
    )
