"""Training on several devices: the part that is the same on all backends."""

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
    """Devices or processes cannot train together. The message is one sentence."""


class Devices:
    """A single device. The subclasses are several devices, in one process or in several.

    All processes run the same program, each with its part of every batch. Only the first process
    keeps the files that it writes.

    Attributes:
        replicas: Number of parts into which a batch is divided, over all processes.
        process: Number of this process, from 0.
        processes: Number of processes.
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
        """Describes the devices, as the end of a sentence. It is empty for a single device."""
        if self.replicas == 1:
            return ""
        processes = f" of {self.processes} processes" if self.processes > 1 else ""
        return f", on {self.replicas} devices{processes}"

    def scope(self) -> AbstractContextManager[Any]:
        """Returns a context in which networks and optimizers are created on all devices."""
        return nullcontext()

    def feed(self, batches: Any) -> Any:
        """Turns this process's part of the batches into the input of `fit`."""
        return batches

    def total(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Sums arrays of small whole numbers over the processes."""
        return values

    def check(self, batch_size: int) -> None:
        """Checks that a batch can be divided evenly over the replicas.

        Args:
            batch_size: Size of the whole batch, over all replicas.

        Raises:
            DeviceError: It cannot be divided evenly.
        """
        if batch_size % self.replicas:
            raise DeviceError(
                f"A batch of {batch_size} photographs cannot be divided over {self.replicas} "
                "devices; give a --batch-size that is a multiple of their number."
            )

    def highest(self, level: int, levels: int) -> int:
        """Returns the highest level of all processes. Levels are in [0, `levels`)."""
        said = self.total(np.eye(levels, dtype=np.float32)[level])
        return int(np.flatnonzero(said)[-1])

    @contextmanager
    def together(self) -> Iterator[None]:
        """Runs a block in all processes. If it fails in one of them, it fails in all.

        The block must not exchange data between processes itself.

        Raises:
            DeviceError: The block failed in another process.
        """
        try:
            yield
        except Exception:
            self.highest(1, 2)
            raise
        if self.highest(0, 2):
            raise DeviceError("Another process cannot train; its own message says why.")

    def of_first(self, content: bytes) -> bytes:
        """Sends the bytes of the first process to all processes.

        Args:
            content: The bytes. Only those of the first process matter.

        Returns:
            The bytes of the first process.
        """
        own = content if self.first else b""
        size = int.from_bytes(self._exchange(len(own).to_bytes(8, "little")), "little")
        own = own.ljust(size, b"\0")
        return b"".join(self._exchange(own[k : k + _CHUNK]) for k in range(0, size, _CHUNK))

    def _exchange(self, content: bytes) -> bytes:
        # Sums of bytes as float32 are exact, and all devices and network libraries support them.
        values = np.frombuffer(content, np.uint8).astype(np.float32)
        return self.total(values).astype(np.uint8).tobytes()

    @contextmanager
    def run(self, folder: Path, configuration: dict[str, Any]) -> Iterator[Run]:
        """Opens the run of this process.

        The first process uses the run folder. The others use temporary folders with copies of its
        metrics and checkpoints.

        Args:
            folder: See `Run`.
            configuration: See `Run`.

        Raises:
            RunError: The folder cannot be used.
            FolderInUseError: Another training writes to the folder.
            DeviceError: The folder of another process cannot be used, or this process was started
                with other options or photographs than the first.
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
