"""What a part of `serving.py` found: a table, and what was not as it should be."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np


@dataclass
class Report:
    """A table in Markdown that grows row by row.

    Attributes:
        title: what was measured.
        columns: the heads.
        rows: the cells.
        notes: sentences below the table.
        failures: a sentence for each expectation that was not met.
    """

    title: str
    columns: Sequence[str]
    rows: list[Sequence[object]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def expect(self, met: bool, failure: str) -> None:
        """Keeps the sentence unless the expectation is met."""
        if not met:
            self.failures.append(failure)

    def __str__(self) -> str:
        lines = [self.columns, ["---"] * len(self.columns), *self.rows]
        table = "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)
        return "\n\n".join([self.title, table, *self.notes])


def percentiles(seconds: Sequence[float], *which: float) -> list[str]:
    """The percentiles in milliseconds."""
    if not seconds:
        return ["-"] * len(which)
    return [f"{1e3 * value:.0f}" for value in np.percentile(seconds, which)]
