"""The kinds of `.tflite` files."""

from typing import Literal, get_args

Kind = Literal["float32", "float16", "dynamic", "int8"]
KINDS: tuple[Kind, ...] = get_args(Kind)
FLOAT_KINDS: tuple[Kind, ...] = ("float32", "float16")
