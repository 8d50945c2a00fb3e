"""At which precision networks compute."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras


@contextmanager
def building_at(policy: Any) -> Iterator[None]:
    """Lets layers that are built meanwhile have a dtype policy, whatever Keras's own is.

    Args:
        policy: as `keras.config.set_dtype_policy` takes it, such as `mixed_bfloat16`.
    """
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
