"""The kinds of `.tflite` files."""

from typing import Literal, get_args

Kind = Literal["float32", "float16", "dynamic", "int8", "int8_io", "uint8_io", "int16x8"]
KINDS: tuple[Kind, ...] = get_args(Kind)
FLOAT_KINDS: tuple[Kind, ...] = ("float32", "float16")
# XNNPACK has no int16x8: LiteRT's own kernels, which compute it, take a hundred times as long.
USUAL_KINDS: tuple[Kind, ...] = tuple(kind for kind in KINDS if kind != "int16x8")
