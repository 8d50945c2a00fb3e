"""Free memory that GNU's C library keeps, and how it goes back to the system."""

import ctypes
import platform
import threading

_M_ARENA_MAX = -8  # of malloc.h
REST = 1.0
"""Seconds without an answer, after which memory is given back."""


def share_one_arena() -> None:
    """Makes all threads share one arena; call it before there are other threads.

    By default each thread gets an arena of its own, and the library never gives back the free end
    of one: tens of megabytes after pictures of 50 MP.
    """
    if _is_gnu():
        ctypes.CDLL("libc.so.6").mallopt(_M_ARENA_MAX, 1)


def give_back() -> None:
    """Gives free memory back to the system."""
    if _is_gnu():
        ctypes.CDLL("libc.so.6").malloc_trim(0)


class Caretaker:
    """Gives free memory back from a thread of its own, when no answer was sent for a while.

    The library keeps up to a gigabyte after some pictures of 50 MP. To give it back after each
    picture would make pictures of 1 MP take half as long again.
    """

    def __init__(self) -> None:
        """Starts the thread."""
        self._answered = threading.Event()
        threading.Thread(target=self._work, name="caretaker", daemon=True).start()

    def answered(self) -> None:
        """Notes that an answer was sent, after which there is memory to give back."""
        self._answered.set()

    def _work(self) -> None:
        while self._answered.wait():
            self._answered.clear()
            if not self._answered.wait(REST):
                give_back()


def _is_gnu() -> bool:
    return platform.libc_ver()[0] == "glibc"
