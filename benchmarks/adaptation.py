"""What leaving borders and fading out of the network's view is worth; see README.md beside this.

Photographs of a folder are put into borders and made to look faded. The network should give them
the colours that it gives the photographs themselves, and ordinary ones should stay as they are.
"""

import argparse
import os
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from keras_colorize.evaluation.protocol import list_images, read_truth
from keras_colorize.evaluation.rgb_metrics import RGB, psnr
from keras_colorize.imaging.color import Floats, lab_to_rgb, rgb_to_lightness
from keras_colorize.imaging.framing import Area, find_framing
from keras_colorize.imaging.images import ImageError, read_rgb
from keras_colorize.imaging.tone import restored_range
from keras_colorize.inference.colorizer import Colorizer
from keras_colorize.inference.runtime import load_runtime

BORDERS = {"white": (100, 100, 0.7), "black": (0, 4, 1), "paper": (85, 91, 2)}
"""By name: the lowest and the highest L, and the standard deviation of its noise."""
WIDTHS = (0.03, 0.12)  # of the photograph's side
BLURS = (0.0, 0.8)  # pixels: a drawn edge, and a scanned one
BLACK, WHITE = (10, 25), (75, 90)  # L of a faded photograph's ends


def main() -> None:
    """Measures what was asked for and prints it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="colour photographs")
    parser.add_argument("--pictures", type=int, default=125, help="for borders and fading")
    parser.add_argument("--model", help="as --model of colorize")
    parser.add_argument("--threads", type=int, help="of the network [default: all cores]")
    options = parser.parse_args()
    runtime = load_runtime(options.model, options.threads)
    plain, adapting = Colorizer(runtime, adapt=False), Colorizer(runtime)
    files = list_images(options.folder)
    print_ordinary(files, plain, adapting)
    some = files[:: max(1, len(files) // options.pictures)][: options.pictures]
    print("\nmean |ab difference| from the photograph itself, Lab units\n")
    print(f"{'':16} {'photographs':>11} {'as it is':>9} {'adapted':>9} {'its 90 %':>9}")
    for name in BORDERS:
        print_difference(f"{name} borders", some, plain, adapting, in_border(name))
    print_difference("faded", some, plain, adapting, faded)
    print_difference("faded in paper", some, plain, adapting, faded_in_paper)


def print_ordinary(files: list[Path], plain: Colorizer, adapting: Colorizer) -> None:
    """What becomes of photographs that have neither border nor fading, or should not have."""
    framed, stretched, gains, moved = [], 0, [], []
    for path in tqdm(files, unit="photograph", disable=None):
        try:
            truth = read_truth(path)
            whole = rgb_to_lightness(read_rgb(path))
        except ImageError:
            continue
        if find_framing(whole).picture.around(whole.shape):
            framed.append(path.name)
        lightness = rgb_to_lightness(truth)
        stretched += restored_range(lightness) is not lightness
        before, after = plain.predict_ab(lightness), adapting.predict_ab(lightness)
        gains.append([_psnr(truth, lightness, before), _psnr(truth, lightness, after)])
        moved.append(float(np.abs(after - before).mean()))
    before, after = np.mean(gains, axis=0)
    print(f"{len(gains)} ordinary photographs")
    print(f"  with a border: {len(framed)} {' '.join(framed[:20])}")
    print(f"  stretched: {stretched}")
    print(f"  ab changed at all: {np.count_nonzero(moved)}, on average by {np.mean(moved):.3f}")
    print(f"  PSNR: {before:.3f} dB as they are, {after:.3f} adapted, {after - before:+.4f}")


Change = Callable[[Floats, np.random.Generator], tuple[Floats, Area]]


def print_difference(
    name: str, files: list[Path], plain: Colorizer, adapting: Colorizer, change: Change
) -> None:
    """How far the colours of changed photographs are from those of the photographs themselves."""
    random = np.random.default_rng(0)
    found = []
    for path in files:
        lightness = rgb_to_lightness(read_rgb(path))
        changed, inside = change(lightness, random)
        pairs = [(one.predict_ab(changed), one.predict_ab(lightness)) for one in (plain, adapting)]
        found.append([float(np.abs(ab[inside.slices] - good).mean()) for ab, good in pairs])
    before, after = np.mean(found, axis=0)
    most = np.percentile([pair[1] for pair in found], 90)
    print(f"{name:16} {len(found):11} {before:9.2f} {after:9.2f} {most:9.2f}", flush=True)


def in_border(name: str) -> Change:
    """Returns what puts a photograph into a border of a kind."""

    def framed(lightness: Floats, random: np.random.Generator) -> tuple[Floats, Area]:
        lowest, highest, noise = BORDERS[name]
        height, width = lightness.shape
        top, bottom, left, right = (
            max(2, round(random.uniform(*WIDTHS) * side)) for side in (height, height, width, width)
        )
        inside = Area(top, top + height, left, left + width)
        tone = random.uniform(lowest, highest)
        around = (top, bottom, left, right)
        scan = cv2.copyMakeBorder(lightness, *around, cv2.BORDER_REPLICATE)
        share = cv2.copyMakeBorder(np.ones_like(lightness), *around, cv2.BORDER_CONSTANT)
        if blur := random.choice(BLURS):  # of the edge alone: the photograph is the same in both
            share = cv2.GaussianBlur(share, (0, 0), blur)
        scan = tone + share * (scan - tone)
        grain = noise * random.standard_normal(scan.shape, np.float32)
        grain[inside.slices] = 0
        return np.clip(scan + grain, 0, 100, dtype=np.float32), inside

    return framed


def faded(lightness: Floats, random: np.random.Generator) -> tuple[Floats, Area]:
    """Lifts black and lowers white."""
    black, white = random.uniform(*BLACK), random.uniform(*WHITE)
    old = (black + (white - black) * lightness / 100).astype(np.float32)
    return old, Area(0, lightness.shape[0], 0, lightness.shape[1])


def faded_in_paper(lightness: Floats, random: np.random.Generator) -> tuple[Floats, Area]:
    """Both."""
    return in_border("paper")(faded(lightness, random)[0], random)


def _psnr(truth: RGB, lightness: Floats, ab: Floats) -> float:
    return float(psnr(truth, lab_to_rgb(lightness, ab)))


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    main()
