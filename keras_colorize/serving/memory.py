"""What the C library keeps of memory that is free, where it is GNU's."""

import ctypes
import platform

_M_ARENA_MAX = -8  # of its malloc.h


def share_one_arena() -> None:
    """Has all threads take memory from one arena; to be called before there are others.

    By itself each thread gets an arena of its own, and what is free at the end of one is never
    given back: tens of megabytes after pictures of 50 MP.
    """
    if _is_gnu():
        ctypes.CDLL("libc.so.6").mallopt(_M_ARENA_MAX, 1)


def give_back_memory() -> None:
    """Gives what is free back to the system.

    The library keeps up to a gigabyte after some pictures of 50 MP. To give it back after each
    picture would cost those of 1 MP half as much time again.
    """
    if _is_gnu():
        ctypes.CDLL("libc.so.6").malloc_trim(0)


def _is_gnu() -> bool:
    return platform.libc_ver()[0] == "glibc"
