"""What is missing: data, time or capacity? Plain networks of several sizes, on parts of a folder.

Each network learns from each part with the L1 loss alone and an unchanging rate, so that the
average of its weights can be scored at any time; see README.md beside this. Stopped, the same
command goes on.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

from matplotlib import pyplot

from keras_colorize.config import PRESETS, GeneratorConfig, Preset
from keras_colorize.data.folders import Scan
from keras_colorize.data.layouts import open_photographs
from keras_colorize.evaluation.tables import markdown_table
from keras_colorize.imaging.files import atomic_file
from keras_colorize.models.networks import build_networks
from keras_colorize.training.trainer import train


def main() -> None:
    """Trains what is not trained yet, then writes the table, the figures and the plot."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--train", type=Path, required=True, help="folder of photographs")
    parser.add_argument("--val", type=Path, required=True, help="folder that scores: its even half")
    parser.add_argument("--out", type=Path, default=Path("runs/scaling"))
    parser.add_argument("--widths", type=float, nargs="+", default=[0.125, 0.25, 0.5])
    parser.add_argument("--parts", type=int, nargs="+", default=[16, 4, 1], help="1 of so many")
    parser.add_argument("--budget", type=int, default=16000, help="crops that each network sees")
    parser.add_argument("--epochs", type=int, default=4, help="scores of each")
    parser.add_argument("--size", type=int, default=128, help="side of the crops")
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--precision", choices=["float32", "bfloat16"], default="float32")
    options = parser.parse_args()
    whole = open_photographs(options.train)
    assert isinstance(whole, Scan), "a folder of files is needed, not shards"
    found = []
    for part in options.parts:
        photographs = replace(
            whole, files=whole.files[::part], orientations=whole.orientations[::part]
        )
        for width in options.widths:
            preset = preset_of(width, options)
            folder = options.out / f"width-{width:g}" / f"photographs-{photographs.count}"
            run = train(preset, photographs, folder, val=options.val)
            assert run is not None
            found.append(
                {
                    "width": width,
                    "parameters": build_networks(preset)[0].count_params(),
                    "photographs": photographs.count,
                    "metrics": run.metrics(),
                }
            )
            write(found, options)


def preset_of(width: float, options: argparse.Namespace) -> Preset:
    """`quality` at a width, with the recipe that all share."""
    quality = PRESETS["quality"]
    assert isinstance(quality.generator, GeneratorConfig)
    widths: Any = tuple(max(1, round(filters * width)) for filters in quality.generator.widths)
    recipe = replace(
        quality.training,
        size=options.size,
        grow=(),
        crop=(0.6, 1.0),
        batch_size=options.batch_size,
        epochs=options.epochs,
        steps_per_epoch=-(-options.budget // (options.epochs * options.batch_size)),
        warm_up_epochs=options.epochs,
        learning_rate=1.2e-3,
        schedule="constant",
        ema=0.99,
        precision=options.precision,
    )
    return replace(quality, generator=replace(quality.generator, widths=widths), training=recipe)


def write(found: list[dict[str, Any]], options: argparse.Namespace) -> None:
    """Writes what is known so far."""
    heads = [f"{record['images']:,}" for record in found[0]["metrics"]]
    rows = [["parameters, M", "photographs", "L1 loss", *(f"{head} crops" for head in heads)]]
    for line in found:
        gains = [f"{record['val_psnr_gain']:+.2f}" for record in line["metrics"]]
        loss = f"{line['metrics'][-1]['l1_loss']:.4f}"
        parameters = f"{line['parameters'] / 1e6:.2f}"
        rows.append([parameters, f"{line['photographs']:,}", loss, *gains])
    table = markdown_table(rows)
    figure, panels = pyplot.subplots(
        1, len(options.parts), figsize=(4 * len(options.parts), 3.6), sharey=True, squeeze=False
    )
    counts = sorted({line["photographs"] for line in found})
    for panel, count in zip(panels[0], counts, strict=False):
        for line in (line for line in found if line["photographs"] == count):
            seen = [record["images"] for record in line["metrics"]]
            gains = [record["val_psnr_gain"] for record in line["metrics"]]
            label = f"{line['parameters'] / 1e6:.2f} million parameters"
            panel.plot(seen, gains, marker="o", label=label)
        panel.set(title=f"{count:,} photographs", xlabel="crops seen")
        panel.grid(alpha=0.3)
    panels[0, 0].set_ylabel("PSNR over grey, dB")
    panels[0, 0].legend()
    figure.tight_layout()
    for name, contents in (("scaling.json", json.dumps(found)), ("scaling.md", table)):
        with atomic_file(options.out / name, overwrite=True) as stream:
            stream.write(contents.encode() + b"\n")
    figure.savefig(options.out / "scaling.png", dpi=100)
    pyplot.close(figure)
    print(table, flush=True)


if __name__ == "__main__":
    main()
