"""Photographs on disk to batches of scaled L and ab, with Pillow and JAX: no TensorFlow.

The crops are drawn as in `tfdata`, with the same guarantee of order, from other random numbers.
"""

import itertools
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from keras_colorize.config import CROP
from keras_colorize.data.prefetching import prefetch
from keras_colorize.data.shards import ShardFolder
from keras_colorize.imaging.aging import film_lightness
from keras_colorize.imaging.color import (
    CUBE_ROOT_FROM,
    WHITE,
    XYZ_FROM_RGB,
    scale_ab,
    scale_lightness,
)
from keras_colorize.imaging.exif import upright
from keras_colorize.imaging.images import read_small

_BATCHES_AHEAD = 4
_SHARDS_AHEAD = 2  # one that is taken from, one that is read meanwhile


@jax.jit
def rgb_to_scaled_lab(rgb: Any) -> tuple[Any, Any]:
    """Converts uint8 (B, H, W, 3), sRGB, on JAX's device to what the networks speak.

    Returns:
        `lightness_scaled` (B, H, W, 1) and `ab_scaled` (B, H, W, 2), float32 in [-1, 1].
    """
    encoded = rgb.astype(jnp.float32) / 255.0
    linear = jnp.where(encoded > 0.04045, ((encoded + 0.055) / 1.055) ** 2.4, encoded / 12.92)
    to_xyz = jnp.asarray((XYZ_FROM_RGB / WHITE[:, None]).T, jnp.float32)
    xyz = jnp.matmul(linear, to_xyz, precision="highest")
    x, y, z = jnp.split(
        jnp.where(xyz > CUBE_ROOT_FROM, jnp.cbrt(xyz), 7.787 * xyz + 16 / 116), 3, axis=-1
    )
    ab = jnp.concatenate([500.0 * (x - y), 200.0 * (y - z)], axis=-1)
    return scale_lightness(116.0 * y - 16.0), scale_ab(ab)


def _load_crop(
    photograph: str | Path | bytes,
    orientation: int,
    position: int,
    *,
    size: int,
    seed: int,
    crop: tuple[float, float] = CROP,
) -> NDArray[np.uint8]:
    """Decodes a photograph; a random square of it, perhaps mirrored, as (size, size, 3)."""
    random = np.random.default_rng([seed, position])
    least, greatest = crop
    share = random.uniform(least, greatest) if least < greatest else least
    enough = int(size / share)
    image = Image.fromarray(read_small(photograph, enough)[0])
    side = round(min(image.size) * share)
    left, top = (int(random.random() * (length - side + 1)) for length in image.size)
    box = (left, top, left + side, top + side)
    # A triangle as wide as the reduction: `tf.image.resize(..., antialias=True)`.
    square = np.asarray(image.resize((size, size), Image.Resampling.BILINEAR, box))
    square = upright(square, orientation)
    return square if random.random() < 0.5 else square[:, ::-1]


def _stream(n: int, start: int, seed: int) -> Iterator[tuple[int, int]]:
    """(file index, position) from position `start` on of the endless stream, as in `tfdata`."""
    for number in itertools.count(start // n):
        order = np.random.default_rng([seed, number]).permutation(n)
        for place in range(start - number * n if number == start // n else 0, n):
            yield int(order[place]), number * n + place


def _shard_stream(
    shards: ShardFolder, start: int, seed: int
) -> Generator[tuple[bytes, int], None, None]:
    """(photograph, position), as in `tfdata`: files are read from their start to their end."""
    made = list(shards.shards.values())

    def parts() -> Iterator[tuple[int, int, int]]:
        """(pass, shard, photographs to leave out) of those that are not left out whole."""
        for number in itertools.count(start // shards.count):
            before = start - number * shards.count
            for k in np.random.default_rng([seed, number]).permutation(len(made)):
                if before < made[k].records:
                    yield number, int(k), max(before, 0)
                before -= made[k].records

    def read(number: int, k: int, left_out: int) -> list[bytes]:
        order = np.random.default_rng([seed, number, k]).permutation(made[k].records)
        images = shards.images_of(made[k])
        return [images[place] for place in order[left_out:]]

    with closing(prefetch(read, parts(), _SHARDS_AHEAD)) as read_parts:
        yield from zip(itertools.chain.from_iterable(read_parts), itertools.count(start))


def training_batches(
    files: Sequence[str | Path],
    *,
    orientations: Sequence[int] | None = None,
    size: int,
    batch_size: int,
    steps: int,
    first_step: int = 0,
    crop: tuple[float, float] = CROP,
    aging: float = 0.0,
    seed: int = 0,
    share: tuple[int, int] = (0, 1),
) -> Iterator[tuple[Any, Any]]:
    """Batches of random crops for training: `keras_colorize.data.tfdata.training_batches` in JAX.

    It takes the same arguments and raises the same errors; the order and the crops are as certain.
    Threads decode ahead: Pillow releases the interpreter's lock. Pixels go to the device as bytes
    and become Lab there.

    Returns:
        An iterator of (`lightness_scaled` (B, size, size, 1), `ab_scaled` (B, size, size, 2)),
        JAX arrays.
    """
    if not files:
        raise ValueError("There is no photograph to train on.")
    turns = orientations or [1] * len(files)
    stream = _stream(len(files), first_step * batch_size, seed)
    places = ((files[index], turns[index], position) for index, position in stream)
    return _batched(places, size, batch_size, steps, crop, aging, seed, share)


def shard_batches(
    shards: ShardFolder,
    *,
    size: int,
    batch_size: int,
    steps: int,
    first_step: int = 0,
    crop: tuple[float, float] = CROP,
    aging: float = 0.0,
    seed: int = 0,
    share: tuple[int, int] = (0, 1),
) -> Iterator[tuple[Any, Any]]:
    """Batches of random crops from shards: `keras_colorize.data.tfdata.shard_batches` in JAX.

    Returns:
        An iterator as of `training_batches`.

    Raises:
        ValueError: there are no photographs in the shards.
        ShardError: while iterating: a shard is not what was made.
    """
    if not shards.count:
        raise ValueError("There is no photograph to train on.")
    stream = _shard_stream(shards, first_step * batch_size, seed)
    places = ((jpeg, 1, position) for jpeg, position in stream)
    return _batched(places, size, batch_size, steps, crop, aging, seed, share)


def _batched(
    places: Iterator[tuple[Any, ...]],
    size: int,
    batch_size: int,
    steps: int,
    crop: tuple[float, float],
    aging: float,
    seed: int,
    share: tuple[int, int],
) -> Iterator[tuple[Any, Any]]:
    """Full batches of scaled Lab, or a share of each; a place is what `_load_crop` takes."""
    part, parts = share
    count = batch_size // parts
    mine = (place for place in places if place[-1] % batch_size // count == part)

    def load(photograph: str | Path | bytes, orientation: int, position: int) -> tuple[Any, ...]:
        rgb = _load_crop(photograph, orientation, position, size=size, crop=crop, seed=seed)
        return (rgb, film_lightness(rgb, aging, seed, position)) if aging else (rgb,)

    with closing(prefetch(load, mine, (_BATCHES_AHEAD + 1) * count)) as crops:
        for _ in range(steps):
            rgb, *film = map(np.stack, zip(*itertools.islice(crops, count), strict=True))
            lightness, ab = rgb_to_scaled_lab(rgb)
            yield scale_lightness(jnp.asarray(film[0][..., None])) if film else lightness, ab
