"""What GNU's C library is told about memory, in processes of their own."""

import platform
import subprocess
import sys

import pytest

COUNT_ARENAS = """
import ctypes, threading
from keras_colorize.serving.memory import give_back_memory, share_one_arena

libc = ctypes.CDLL("libc.so.6")
libc.fdopen.restype = ctypes.c_void_p
if {share}:
    share_one_arena()
ends = threading.Barrier(4)

def work():
    bytes(100_000)
    ends.wait()

threads = [threading.Thread(target=work) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
give_back_memory()
libc.malloc_info(0, ctypes.c_void_p(libc.fdopen(1, b"w")))
libc.fflush(None)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
def test_threads_share_one_arena() -> None:
    def arenas(share: bool) -> int:
        code = COUNT_ARENAS.format(share=share)
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout.count("<heap nr=")

    assert arenas(True) == 1 < arenas(False)
