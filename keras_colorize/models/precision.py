"""The precision in which networks compute."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras


@contextmanager
def building_at(policy: Any) -> Iterator[None]:
    """Sets Keras's dtype policy, such as `mixed_bfloat16`, for layers built in a `with` block."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
