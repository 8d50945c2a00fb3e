"""Processes that keep what they have built and work in turns; `train_step.py` says what for."""

import json
import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np


class WorkerError(RuntimeError):
    """A worker ended or took too long; the message is the last line that it wrote."""


class Worker:
    """A process that answers orders, one line of JSON each.

    Args:
        command: a program that calls `obey`.
        patience: seconds that an answer may take.
        **environment: beside this process's.
    """

    def __init__(self, command: Sequence[str], patience: float, **environment: str) -> None:
        self.patience = patience
        self.errors = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
            env={**os.environ, **environment},
        )

    def ask(self, order: str) -> dict[str, Any]:
        """Returns the answer to an order.

        Raises:
            WorkerError: there is none.
        """
        assert self.process.stdin and self.process.stdout
        if self.process.poll() is None:
            self.process.stdin.write(f"{order}\n")
            self.process.stdin.flush()
            if not select.select([self.process.stdout], [], [], self.patience)[0]:
                self.process.kill()
                raise WorkerError(f"given up after {self.patience:.0f} s")
            if answer := self.process.stdout.readline():
                return dict(json.loads(answer))
        self.process.wait()
        self.errors.seek(0)
        written = self.errors.read().split("\n")
        raise WorkerError(next((line for line in reversed(written) if line.strip()), "no word"))

    def end(self) -> None:
        """Ends the process."""
        self.process.kill()
        self.process.communicate()
        self.errors.close()


def obey(orders: dict[str, Callable[[], dict[str, Any]]]) -> None:
    """Answers the orders on standard input; what else is printed goes to standard error."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        print(json.dumps(orders[line.strip()]()), file=answers, flush=True)


def timed(work: Callable[[], Any]) -> dict[str, float]:
    """Wall and processor seconds of some work in this process."""
    wall, processor = time.perf_counter(), time.process_time()
    work()
    return {
        "wall_s": time.perf_counter() - wall,
        "processor_s": time.process_time() - processor,
    }


def product_rate(product: Callable[[int], Any], *, accelerator: bool) -> float:
    """GFLOP/s of `product(n)`, which multiplies two matrices of n x n and waits for the result."""
    n = 8192 if accelerator else 2048
    product(n)
    return 2e-9 * n**3 / min(timed(lambda: product(n))["wall_s"] for _ in range(3))


def peak_memory() -> float:
    """The most memory that this process has had, in GiB."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 2**20


def make_batch(batch: int, size: int) -> tuple[Any, Any]:
    """Returns noise as scaled L (batch, size, size, 1) and ab (batch, size, size, 2)."""
    random = np.random.default_rng(0)
    pixels = random.uniform(-1, 1, (batch, size, size, 3)).astype(np.float32)
    return pixels[..., :1], pixels[..., 1:]
