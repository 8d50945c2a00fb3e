"""The metrics by name. Each is a function of the original image and the generated one."""

from collections.abc import Callable, Mapping
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from keras_colorize.evaluation.lab_metrics import accuracy, auc, chroma_edges, ciede2000
from keras_colorize.evaluation.rgb_metrics import (
    RGB,
    accuracy_rgb,
    colorfulness,
    edge_psnr,
    psnr,
    ssim,
)
from keras_colorize.imaging.color import rgb_to_lab


class Picture:
    """An 8-bit RGB image (H, W, 3) that computes its Lab values and edges only once."""

    def __init__(self, rgb: RGB) -> None:
        """Wraps `rgb`, uint8 (H, W, 3)."""
        self.rgb = rgb

    @cached_property
    def lab(self) -> NDArray[np.float32]:
        """The image in Lab, float32 (H, W, 3)."""
        return rgb_to_lab(self.rgb)

    @cached_property
    def edges(self) -> NDArray[np.bool_]:
        """The pixels near the strongest edges of colour, bool (H, W); see `chroma_edges`."""
        return chroma_edges(self.lab[..., 1:])


METRICS: Mapping[str, Callable[[Picture, Picture], float]] = {
    "psnr": lambda real, ours: psnr(real.rgb, ours.rgb),
    "acc_1": lambda real, ours: accuracy(real.lab, ours.lab, 1),
    "acc_2": lambda real, ours: accuracy(real.lab, ours.lab, 2),
    "acc_5": lambda real, ours: accuracy(real.lab, ours.lab, 5),
    "acc_rgb": lambda real, ours: accuracy_rgb(real.rgb, ours.rgb),
    "ssim": lambda real, ours: ssim(real.rgb, ours.rgb),
    "ciede2000": lambda real, ours: ciede2000(real.lab, ours.lab),
    "auc": lambda real, ours: auc(real.lab[..., 1:], ours.lab[..., 1:]),
    "colorfulness": lambda real, ours: colorfulness(ours.rgb),
    "edge_psnr": lambda real, ours: edge_psnr(real.rgb, ours.rgb, real.edges),
}
FAST_METRICS = ("psnr", "colorfulness")
