"""Draws what a photograph becomes on its way, step by step.

    python docs/draw_way.py

Each panel is what the packaged network and `Colorizer` really make of an example photograph.
"""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from keras_colorize import Colorizer
from keras_colorize.imaging.color import lab_to_rgb
from keras_colorize.imaging.files import atomic_file
from keras_colorize.imaging.images import read_photograph
from keras_colorize.imaging.upsampling import guided_upsample
from keras_colorize.inference.fitting import predict_fitted

ROOT = Path(__file__).parents[1]
PHOTOGRAPH = ROOT / "examples" / "photographs" / "egret.jpg"


def main() -> None:
    """Writes docs/images/way.jpg."""
    colorizer = Colorizer()
    lightness = read_photograph(PHOTOGRAPH).lightness
    small = predict_fitted(lightness, colorizer.runtime, colorizer.size)
    full = guided_upsample(small, lightness)
    middle = np.float32(65)  # a lightness at which colours show
    panels = {
        "L, lightness": lab_to_rgb(lightness, np.zeros_like(full)),
        "ab, from the network": lab_to_rgb(np.full(small.shape[:2], middle), small),
        "ab, along the edges of L": lab_to_rgb(np.full(lightness.shape, middle), full),
        "L with ab": lab_to_rgb(lightness, full),
    }
    height, width = lightness.shape
    figure = Figure(figsize=(10, 10 / len(panels) * height / width + 0.6), layout="constrained")
    for axes, (title, picture) in zip(figure.subplots(1, len(panels)), panels.items(), strict=True):
        axes.imshow(picture, interpolation="nearest", extent=(0, width, height, 0))
        axes.set_title(f"{title}\n{picture.shape[0]} x {picture.shape[1]}", fontsize=10)
        axes.set_axis_off()
    with atomic_file(ROOT / "docs" / "images" / "way.jpg", overwrite=True) as stream:
        figure.savefig(stream, format="jpg", dpi=110, pil_kwargs={"quality": 85})


if __name__ == "__main__":
    main()
