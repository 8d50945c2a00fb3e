"""One arena, and memory that is given back."""

import platform
import subprocess
import sys
import threading

import httpx2
import pytest

from keras_colorize.serving import malloc
from keras_colorize.serving.observation import Metrics
from keras_colorize.serving.pool import WorkerPool

COUNT_ARENAS = """
import ctypes, threading
from keras_colorize.serving.malloc import share_one_arena

libc = ctypes.CDLL("libc.so.6")
libc.fdopen.restype = ctypes.c_void_p
if {share}:
    share_one_arena()
ends = threading.Barrier(4)

def work():
    bytes(100_000)
    ends.wait(600)

threads = [threading.Thread(target=work) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
libc.malloc_info(0, ctypes.c_void_p(libc.fdopen(1, b"w")))
libc.fflush(None)
"""


SERVE = """
import os, signal
from keras_colorize.serving import malloc
from keras_colorize.serving.limits import Limits
from keras_colorize.serving.server import Settings, serve

malloc.REST = 0.01
malloc.give_back = lambda: os.kill(os.getpid(), signal.SIGTERM)
settings = Settings(port=0, workers=1)
serve(abs, settings, Limits(), lambda line: print(line, flush=True))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
def test_threads_share_one_arena() -> None:
    def arenas(share: bool) -> int:
        code = COUNT_ARENAS.format(share=share)
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout.count("<heap nr=")

    assert arenas(True) == 1 < arenas(False)


def test_memory_is_given_back_once_when_there_was_an_answer_and_is_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given = threading.Semaphore(0)
    monkeypatch.setattr(malloc, "REST", 0.01)
    monkeypatch.setattr(malloc, "give_back", given.release)
    pool = WorkerPool([], 1)
    metrics = Metrics(pool, malloc.Caretaker().answered)
    assert not given.acquire(timeout=0.1)
    for _ in range(2):
        metrics.observe("http", "other", "404", 0.0)
        assert given.acquire(timeout=60)
        assert not given.acquire(timeout=0.1)
    pool.close()


def test_a_server_gives_memory_back_after_an_answer() -> None:
    """This one ends when it does."""
    command = [sys.executable, "-c", SERVE]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            url = server.stdout.readline().split()[2]
            assert httpx2.get(f"{url}healthz").status_code == 200
            assert server.wait(60) == 0
        finally:
            server.kill()
