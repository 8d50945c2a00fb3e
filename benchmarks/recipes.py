"""Which change to the recipe helps? Short trainings that differ from the first in one thing each.

The network, by default a plain one of a quarter of the paper's widths, the budget and the crops are
the same for all; see README.md beside this. Stopped, the same command goes on.
"""

import argparse
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_colorize.config import PRESETS, GeneratorConfig, Preset, TrainingConfig
from keras_colorize.data.folders import Scan
from keras_colorize.data.layouts import open_photographs
from keras_colorize.evaluation.scoring import score_folder
from keras_colorize.evaluation.tables import markdown_table
from keras_colorize.imaging.color import unscale_ab
from keras_colorize.imaging.files import atomic_file
from keras_colorize.inference.colorizer import Colorizer
from keras_colorize.inference.runtime import load_runtime
from keras_colorize.models.ab_bins import rebalancing_weights, soft_encode
from keras_colorize.models.baselines.baseline import ColorLoss
from keras_colorize.models.baselines.iizuka2016 import mean_squared_error
from keras_colorize.training.objectives import color_prior
from keras_colorize.training.trainer import train

EPOCHS = 4
METRICS = ("psnr", "acc_2", "ciede2000", "colorfulness", "edge_psnr")
HUBER_FROM = 0.1  # scaled; 11 Lab units

Change = Callable[[TrainingConfig], TrainingConfig]
CHANGES: dict[str, Change] = {
    "none": lambda recipe: recipe,
    "batches of 8 at half the rate": lambda recipe: replace(
        recipe, batch_size=8, learning_rate=recipe.learning_rate / 2
    ),
    "cosine schedule": lambda recipe: replace(recipe, schedule="cosine"),
    "constant rate": lambda recipe: replace(recipe, schedule="constant"),
    "no average of weights": lambda recipe: replace(recipe, ema=0.0),
    "crops of 8/9": lambda recipe: replace(recipe, crop=(8 / 9, 8 / 9)),
    "crops of 0.3 to 1": lambda recipe: replace(recipe, crop=(0.3, 1.0)),
    "64 pixels, then 128": lambda recipe: replace(recipe, size=64, grow=((3, 128),)),
    "a fifth aged": lambda recipe: replace(recipe, aging=0.2),
    "discriminator throughout": lambda recipe: replace(recipe, warm_up_epochs=0),
    "discriminator in the last quarter": lambda recipe: replace(recipe, warm_up_epochs=3),
    "squared error": lambda recipe: recipe,  # these four: see color_loss_of
    "Huber": lambda recipe: recipe,
    "rare colours count more": lambda recipe: recipe,
    "logarithm of each photograph's squared error": lambda recipe: recipe,
}


def main() -> None:
    """Trains and scores what is not yet, and writes the table anew after each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--train", type=Path, required=True, help="folder of photographs")
    parser.add_argument("--val", type=Path, required=True, help="folder that scores: its even half")
    parser.add_argument("--out", type=Path, default=Path("runs/recipes"))
    parser.add_argument("--only", nargs="+", choices=CHANGES, default=list(CHANGES))
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--preset", choices=list(PRESETS), default="quality", help="the network")
    parser.add_argument("--fine-tune", help="weights of that network to start from")
    parser.add_argument("--learning-rate", type=float, default=1.2e-3)
    parser.add_argument("--width", type=float, default=0.25, help="factor on its filters")
    parser.add_argument("--budget", type=int, default=12800, help="crops that each network sees")
    parser.add_argument("--size", type=int, default=128, help="side of the crops")
    parser.add_argument("--precision", choices=["float32", "bfloat16"], default="float32")
    options = parser.parse_args()
    photographs = open_photographs(options.train)
    assert isinstance(photographs, Scan), "a folder of files is needed, not shards"
    found: dict[str, list[dict[str, float]]] = {}
    for seed in range(options.seeds):
        for name in options.only:
            preset = preset_of(CHANGES[name], seed, options)
            folder = options.out / f"{name.replace('/', ' of ')}, seed {seed}"
            found.setdefault(name, []).append(scores_of(name, preset, photographs, folder, options))
            write(found, options.out)


def preset_of(change: Change, seed: int, options: argparse.Namespace) -> Preset:
    """The network at a width, with the recipe that all share but for the change."""
    preset = PRESETS[options.preset]
    assert isinstance(preset.generator, GeneratorConfig)
    widths: Any = tuple(max(1, round(n * options.width)) for n in preset.generator.widths)
    resting = 0 if options.fine_tune else preset.training.frozen_encoder_epochs
    recipe = change(
        replace(
            preset.training,
            size=options.size,
            grow=(),
            crop=(0.6, 1.0),
            aging=0.0,
            batch_size=32,
            epochs=EPOCHS,
            warm_up_epochs=EPOCHS,
            learning_rate=options.learning_rate,
            schedule="linear",
            frozen_statistics=options.fine_tune is not None,
            frozen_encoder_epochs=resting,
            ema=0.99,
            precision=options.precision,
            seed=seed,
        )
    )
    steps = -(-options.budget // (EPOCHS * recipe.batch_size))
    return replace(
        preset,
        generator=replace(preset.generator, widths=widths),
        training=replace(recipe, steps_per_epoch=steps),
    )


def color_loss_of(name: str, preset: Preset, photographs: Scan) -> ColorLoss | None:
    """The loss that a change puts in the place of L1."""
    if name == "squared error":
        return mean_squared_error
    if name == "Huber":
        return huber
    if name == "logarithm of each photograph's squared error":
        return log_squared_error
    if name == "rare colours count more":
        weights = rebalancing_weights(color_prior(preset, photographs)).astype(np.float32)
        return lambda real_ab, generated_ab: rebalanced_l1(weights, real_ab, generated_ab)
    return None


def huber(real_ab: Any, generated_ab: Any) -> Any:
    """L1 beyond `HUBER_FROM`, squared below it (Huber 1964); its arguments are `l1_loss`'s."""
    away = ops.abs(ops.cast(generated_ab, "float32") - ops.cast(real_ab, "float32"))
    near = ops.square(away) / (2 * HUBER_FROM)
    return ops.mean(ops.where(away < HUBER_FROM, near, away - HUBER_FROM / 2))


def log_squared_error(real_ab: Any, generated_ab: Any) -> Any:
    """What the mean PSNR of photographs counts, were it of ab; arguments as `l1_loss` has them."""
    away = ops.cast(generated_ab, "float32") - ops.cast(real_ab, "float32")
    return ops.mean(ops.log(ops.mean(ops.square(away), axis=(1, 2, 3)) + 1e-4))


def rebalanced_l1(weights: Any, real_ab: Any, generated_ab: Any) -> Any:
    """L1 in which a pixel counts by how rare its colour is (weights of Zhang et al. 2016)."""
    real_ab = ops.cast(real_ab, "float32")
    bins, _ = soft_encode(unscale_ab(real_ab))
    away = ops.mean(ops.abs(ops.cast(generated_ab, "float32") - real_ab), axis=-1)
    return ops.mean(ops.take(weights, bins[..., 0], axis=0) * away)


def scores_of(
    name: str, preset: Preset, photographs: Scan, folder: Path, options: argparse.Namespace
) -> dict[str, float]:
    """What a trained network scores after its last epoch; it is trained if it is not yet."""
    file = folder / "scores.json"
    if not file.exists():
        loss = color_loss_of(name, preset, photographs)
        run = train(
            preset,
            photographs,
            folder,
            val=options.val,
            fine_tune=options.fine_tune,
            color_loss=loss,
        )
        assert run is not None
        keras.backend.clear_session()
        colorizer = Colorizer(load_runtime(run.folder / "generator.keras"))
        scores = score_folder(options.val, colorizer.predict_ab, metrics=METRICS, part="select")
        model, grey = scores.rows["model"], scores.rows["grey"]
        metrics = run.metrics()
        found = {
            "l1_loss": metrics[-1]["l1_loss"],
            "gain": model["psnr"] - grey["psnr"],
            "seconds": sum(line["seconds"] for line in metrics),
            **model,
        }
        with atomic_file(file, overwrite=True) as stream:
            stream.write(json.dumps(found).encode())
    scored: dict[str, float] = json.loads(file.read_text())
    return scored


def write(found: dict[str, list[dict[str, float]]], out: Path) -> None:
    """Prints the table of what is known so far, and writes it."""
    heads = {
        "L1 loss of the last epoch": ("l1_loss", ".4f"),
        "PSNR over grey, dB": ("gain", "+.2f"),
        "Acc@2": ("acc_2", ".1%"),
        "CIEDE2000": ("ciede2000", ".2f"),
        "color ratio": ("colorfulness_ratio", ".2f"),
        "edge PSNR, dB": ("edge_psnr", ".2f"),
        "seconds": ("seconds", ".0f"),
    }
    rows = [["change", *heads, "PSNR by seed"]]
    for name, lines in found.items():
        means = [f"{fmean(line[key] for line in lines):{form}}" for key, form in heads.values()]
        rows.append([name, *means, ", ".join(f"{line['gain']:+.2f}" for line in lines)])
    table = markdown_table(rows)
    with atomic_file(out / "recipes.md", overwrite=True) as stream:
        stream.write(table.encode() + b"\n")
    print(table, flush=True)


if __name__ == "__main__":
    main()
