"""Drawing images side by side, and the curves of a training."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from keras_colorize.imaging.files import atomic_file

_GAP = 4
_PANELS_A_ROW = 3
_NORMS = "Generator: gradient norm by scale"


def grid(rows: Sequence[Sequence[NDArray[np.uint8]]], height: int) -> NDArray[np.uint8]:
    """Arranges images in rows, with white lines between them.

    Args:
        rows: Rows of RGB images (H, W, 3) of any sizes.
        height: Height of all rows in pixels. The images are resized to it.

    Returns:
        An RGB image (H, W, 3). Shorter rows are filled with white.
    """
    lines = []
    for row in rows:
        cells = [_to_height(picture, height) for picture in row]
        lines.append(_join(cells, axis=1))
    width = max(line.shape[1] for line in lines)
    padded = [
        np.pad(line, ((0, 0), (0, width - line.shape[1]), (0, 0)), constant_values=255)
        for line in lines
    ]
    return _join(padded, axis=0)


def grid_columns(picture: NDArray[np.uint8], count: int) -> list[NDArray[np.uint8]]:
    """Splits a `grid` of equally wide images into its columns.

    Args:
        picture: The grid, an RGB image (H, W, 3).
        count: Number of columns.

    Returns:
        The columns, each (H, w, 3).
    """
    step = (picture.shape[1] + _GAP) // count
    return [picture[:, k * step : (k + 1) * step - _GAP] for k in range(count)]


def draw_curves(records: Sequence[dict[str, Any]], path: str | Path) -> None:
    """Draws losses, gradient norms and validation scores over the epochs as a PNG.

    Args:
        records: The records of a run's `metrics.jsonl`. A value of None leaves a gap.
        path: The file, which is replaced if it exists.
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    panels = [
        ("Generator: whole loss", ["generator_loss"]),
        ("L1 loss", ["l1_loss"]),
        ("Losses of the game", ["discriminator_loss", "adversarial_loss"]),
        (_NORMS, [f"gradient_norm_{scale}" for scale in range(5)]),
        ("Validation: PSNR over grey in dB", ["val_psnr_gain"]),
        ("Validation: colorfulness ratio", ["val_colorfulness_ratio"]),
    ]
    panels = [
        (title, names)
        for title, names in panels
        if any(record.get(name) is not None for record in records for name in names)
    ]
    columns = min(len(panels), _PANELS_A_ROW)
    rows = -(-len(panels) // columns)
    figure = Figure(figsize=(5 * columns, 4 * rows), layout="constrained")
    epochs = [record["epoch"] for record in records]
    for k, (title, names) in enumerate(panels):
        axes = figure.add_subplot(rows, columns, k + 1, sharex=next(iter(figure.axes), None))
        for name in names:
            values = [np.nan if record.get(name) is None else record[name] for record in records]
            if not np.isnan(values).all():
                axes.plot(epochs, values, marker=".", label=name)
        axes.set(title=title, xlabel="epoch", yscale="log" if title == _NORMS else "linear")
        axes.xaxis.set_major_locator(MaxNLocator("auto", integer=True))
        axes.grid(alpha=0.3)
        axes.legend()
    with atomic_file(path, overwrite=True) as stream:
        figure.savefig(stream, format="png", dpi=100)


def _to_height(picture: NDArray[np.uint8], height: int) -> NDArray[np.uint8]:
    if picture.shape[0] == height:
        return picture
    width = max(1, round(picture.shape[1] * height / picture.shape[0]))
    smaller = height < picture.shape[0]
    interpolation = cv2.INTER_AREA if smaller else cv2.INTER_CUBIC
    return cv2.resize(picture, (width, height), interpolation=interpolation).astype(np.uint8)


def _join(parts: Sequence[NDArray[np.uint8]], axis: int) -> NDArray[np.uint8]:
    shape = list(parts[0].shape)
    shape[axis] = _GAP
    gap = np.full(shape, 255, np.uint8)
    spaced = [part for pair in zip(parts, [gap] * len(parts), strict=True) for part in pair]
    return np.concatenate(spaced[:-1], axis=axis)
