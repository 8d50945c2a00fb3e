"""Training on several devices: what is common to the backends and their ways of doing it."""

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_colorize.imaging.locks import only_writer
from keras_colorize.training.runs import Run, differences, flat

_CHUNK = 2**22  # values in one exchange


class DeviceError(ValueError):
    """Devices or processes that cannot train together, in one sentence."""


class Devices:
    """One device; the subclasses are several, of one process or of many.

    All processes do the same at the same time, each with its share of every batch. What they
    write is kept by the first of them alone.

    Attributes:
        replicas: parts into which a batch is divided, over all processes.
        process: which process this is, from 0.
        processes: how many there are.
    """

    replicas = 1
    process = 0
    processes = 1

    @property
    def first(self) -> bool:
        """Whether this is the process that keeps the run folder."""
        return self.process == 0

    @property
    def said(self) -> str:
        """What there is to say of them, as the end of a sentence."""
        if self.replicas == 1:
            return ""
        processes = f" of {self.processes} processes" if self.processes > 1 else ""
        return f", on {self.replicas} devices{processes}"

    def scope(self) -> AbstractContextManager[Any]:
        """Networks and optimizers that are made in it are on all devices."""
        return nullcontext()

    def feed(self, batches: Any) -> Any:
        """Makes a process's share of the batches what `fit` takes."""
        return batches

    def total(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Sums small whole numbers, of the same shape in every process, over the processes."""
        return values

    def check(self, batch_size: int) -> None:
        """Makes sure that every replica gets as much of a batch.

        Args:
            batch_size: of the whole, over all replicas.

        Raises:
            DeviceError: it cannot be.
        """
        if batch_size % self.replicas:
            raise DeviceError(
                f"A batch of {batch_size} photographs cannot be divided over {self.replicas} "
                "devices; give a --batch-size that is a multiple of their number."
            )

    def highest(self, level: int, levels: int) -> int:
        """The highest of the levels, from 0 up to but without `levels`, that the processes say."""
        said = self.total(np.eye(levels, dtype=np.float32)[level])
        return int(np.flatnonzero(said)[-1])

    @contextmanager
    def together(self) -> Iterator[None]:
        """Runs something without exchanges in it; if it fails in one process, all of them end.

        Raises:
            DeviceError: it failed in another process.
        """
        try:
            yield
        except Exception:
            self.highest(1, 2)
            raise
        if self.highest(0, 2):
            raise DeviceError("Another process cannot train; it says why.")

    def of_first(self, content: bytes) -> bytes:
        """Hands the bytes of the first process to all.

        Args:
            content: what the first has; what others give does not matter.

        Returns:
            What the first process has.
        """
        own = content if self.first else b""
        size = int.from_bytes(self._exchange(len(own).to_bytes(8, "little")), "little")
        own = own.ljust(size, b"\0")
        return b"".join(self._exchange(own[k : k + _CHUNK]) for k in range(0, size, _CHUNK))

    def _exchange(self, content: bytes) -> bytes:
        # Sums of bytes as float32 are exact, and every device and network library can do them.
        values = np.frombuffer(content, np.uint8).astype(np.float32)
        return self.total(values).astype(np.uint8).tobytes()

    @contextmanager
    def run(self, folder: Path, configuration: dict[str, Any]) -> Iterator[Run]:
        """Opens a run that all processes write to as if each were alone.

        The first process has the run folder. The others go on from copies of what it holds, in
        temporary folders.

        Args:
            folder: see `Run`.
            configuration: see `Run`.

        Raises:
            RunError: the folder cannot be used.
            FolderInUseError: another training writes to it.
            DeviceError: another process's cannot, or this one was started differently.
        """
        with ExitStack() as stack:
            with self.together():
                run = Run(folder, configuration) if self.first else None
                if run is not None:
                    stack.enter_context(only_writer(folder))
            if run is not None and self.processes == 1:
                yield run
            else:
                yield stack.enter_context(self._copy(run, configuration))

    @contextmanager
    def _copy(self, run: Run | None, configuration: dict[str, Any]) -> Iterator[Run]:
        own = flat(configuration)
        theirs = json.loads(self.of_first(json.dumps(own).encode()))
        with self.together():
            if different := differences(own, theirs):
                raise DeviceError(
                    "This process was started on other photographs or with other options than "
                    f"the first one (different: {different})."
                )
        with TemporaryDirectory(prefix="keras-colorize-") as temporary:
            if run is None:
                run = Run(temporary, configuration)
            self._copy_state(run)
            yield run

    def _copy_state(self, run: Run) -> None:
        files = ["metrics.jsonl", *(f"checkpoints/{p.name}" for p in run.checkpoints().values())]
        for name in json.loads(self.of_first(json.dumps(files).encode())):
            path = run.folder / name
            content = self.of_first(path.read_bytes() if path.exists() else b"")
            if not self.first:
                path.write_bytes(content)
