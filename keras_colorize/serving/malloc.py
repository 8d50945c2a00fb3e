"""What the C library keeps of memory that is free, where it is GNU's."""

import ctypes
import platform
import threading

_M_ARENA_MAX = -8  # of its malloc.h
REST = 1.0
"""Seconds without an answer, after which memory is given back."""


def share_one_arena() -> None:
    """Has all threads take memory from one arena; to be called before there are others.

    By itself each thread gets an arena of its own, and what is free at the end of one is never
    given back: tens of megabytes after pictures of 50 MP.
    """
    if _is_gnu():
        ctypes.CDLL("libc.so.6").mallopt(_M_ARENA_MAX, 1)


class Caretaker:
    """Gives what is free back to the system, from a thread of its own, when there is a rest.

    The library keeps up to a gigabyte after some pictures of 50 MP. To give it back after each
    picture would cost those of 1 MP half as much time again.
    """

    def __init__(self) -> None:
        """Starts the thread."""
        self._answered = threading.Event()
        threading.Thread(target=self._work, name="caretaker", daemon=True).start()

    def answered(self) -> None:
        """Hears of an answer, after which there is something to give back."""
        self._answered.set()

    def _work(self) -> None:
        while self._answered.wait():
            self._answered.clear()
            if not self._answered.wait(REST):
                give_back()


def give_back() -> None:
    """Gives what is free back to the system."""
    if _is_gnu():
        ctypes.CDLL("libc.so.6").malloc_trim(0)


def _is_gnu() -> bool:
    return platform.libc_ver()[0] == "glibc"
