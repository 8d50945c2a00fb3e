"""How tests are spread over processes, and fixtures of all of them."""

import errno
import gc
import json
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

# Set before any test imports a framework: TensorFlow reads these when it is loaded.
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

# A shell lets what it starts with `&` in a script ignore Ctrl-C, and so all programs of the tests.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# What takes longest is begun first, so that no core is idle at the end.
LONGEST = (
    "tests/exporting",
    "tests/train_command",
    "tests/test_readme.py",
    "tests/notebooks/test_run.py",
    "tests/models/test_baselines.py",
    "tests/comparison/test_compare.py",
    "tests/training/test_devices.py",
    "tests/training/test_train_jax.py",
    "tests/training/test_encoder_jax.py",
    "tests/training/test_gan_jax.py",
    "tests/training/test_encoder.py",
    "tests/training/test_fine_tuning.py",
)
# One process runs all of such a folder: its files share fixtures that take long.
SHARING = LONGEST[:2]
# Seconds until a slow test that hangs is ended, fixtures included; setup.cfg has those of others.
SLOW_TIMEOUT = 3600


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def rank(item: pytest.Item) -> int:
        places = (k for k, name in enumerate(LONGEST) if item.nodeid.startswith(name))
        return next(places, len(LONGEST))

    items.sort(key=rank)
    for item in items:
        if item.get_closest_marker("slow") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(SLOW_TIMEOUT))


def pytest_collection_finish() -> None:
    """What the imports left stays: looking through it again and again takes a tenth of the time."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    from xdist.scheduler import LoadFileScheduling

    config.option.loadscopereorder = False  # which is by the number of tests

    class Scheduler(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            scopes = (name for name in SHARING if nodeid.startswith(name))
            return next(scopes, super()._split_scope(nodeid))

    return Scheduler(config, log)


@pytest.fixture(scope="session")
def repository() -> Path:
    return Path(__file__).parents[1]


@pytest.fixture(scope="session")
def make_picture() -> Callable[..., Image.Image]:
    """Makes a soft, colourful picture, the same for the same seed."""

    def make(seed: int, width: int = 90, height: int = 72) -> Image.Image:
        random = np.random.default_rng(seed)
        small = random.integers(0, 256, (5, 6, 3), np.uint8)
        return Image.fromarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC))

    return make


@pytest.fixture(scope="session")
def photographs(
    tmp_path_factory: pytest.TempPathFactory, make_picture: Callable[..., Image.Image]
) -> Path:
    """A folder of 24 colour JPEGs in two subfolders."""
    folder = tmp_path_factory.mktemp("photographs")
    for k in range(24):
        path = folder / "ab"[k % 2] / f"{k:02d}.jpg"
        path.parent.mkdir(exist_ok=True)
        make_picture(k).save(path, quality=90)
    return folder


@pytest.fixture(scope="session")
def files_end_at() -> Callable[[int], AbstractContextManager[None]]:
    """Has the kernel cut what is written to files at a size, and refuse more: a full disk."""

    @contextmanager
    def limited(size: int) -> Iterator[None]:
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    return limited


@pytest.fixture
def close_folder(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Makes folders of a name unreadable, for root too."""
    scandir = os.scandir

    def close(name: str) -> None:
        def refuse(path: Any = ".") -> Any:
            if os.path.basename(path) == name:
                raise PermissionError(errno.EACCES, "Permission denied", os.fspath(path))
            return scandir(path)

        monkeypatch.setattr(os, "scandir", refuse)

    return close


@pytest.fixture(scope="session")
def wandb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """A module `wandb` that only writes down, by the id of a run, how it is called."""
    folder = tmp_path_factory.mktemp("wandb")
    (folder / "wandb.py").write_text(
        """
calls = {}

class Error(Exception):
    pass

class Image:
    def __init__(self, path):
        self.path = path

class Run:
    def __init__(self, calls):
        self.calls = calls

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.calls.append(("finish", kind))

    def log(self, values, step):
        self.calls.append(("log", step, values))

def init(**options):
    mine = calls.setdefault(options["id"], [])
    mine.append(("init", options))
    return Run(mine)
"""
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        patch.delitem(sys.modules, "wandb", raising=False)
        yield import_module("wandb")
        del sys.modules["wandb"]


@pytest.fixture(scope="session")
def logged() -> Callable[[Path], tuple[dict[str, list[tuple[int, float]]], list[int]]]:
    """Reads what TensorBoard shows of a run: (epoch, value) by tag, and the epochs of samples."""

    def read(run: Path) -> tuple[dict[str, list[tuple[int, float]]], list[int]]:
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

        events = EventAccumulator(str(run / "tensorboard")).Reload()
        scalars = {
            tag: [(event.step, event.value) for event in events.Scalars(tag)]
            for tag in events.Tags()["scalars"]
        }
        return scalars, [event.step for event in events.Images("samples")]

    return read


@pytest.fixture(scope="session")
def environments() -> Callable[[str, int], list[dict[str, str]]]:
    """Makes environments of processes that train together; JAX alone in one sees two devices."""

    def make(backend: str, count: int) -> list[dict[str, str]]:
        servers = [socket.create_server(("localhost", 0)) for _ in range(count)]
        addresses = [f"localhost:{server.getsockname()[1]}" for server in servers]
        for server in servers:
            server.close()
        flags = "--xla_backend_optimization_level=0"  # compiling is what takes the time
        if count == 1:
            flags += " --xla_force_host_platform_device_count=2"
        common = {
            **os.environ,
            "KERAS_BACKEND": backend,
            "JAX_PLATFORMS": "cpu",
            "XLA_FLAGS": flags,
        }
        if count == 1:
            return [common]
        found = []
        for index in range(count):
            task = {"type": "worker", "index": index}
            found.append(
                common
                | {
                    "TF_CONFIG": json.dumps({"cluster": {"worker": addresses}, "task": task}),
                    "KERAS_DISTRIBUTION_JOB_ADDRESSES": addresses[0],
                    "KERAS_DISTRIBUTION_NUM_PROCESSES": str(count),
                    "KERAS_DISTRIBUTION_PROCESS_ID": str(index),
                }
            )
        return found

    return make
