"""Requests that schemathesis makes from an OpenAPI document, so that they break its schemas."""

from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import Case, GenerationMode
from serving_program import request


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
