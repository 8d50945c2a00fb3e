"""The model card of the packaged weights, written from what was measured."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from keras_colorize.config import GeneratorConfig

_CARD = """\
# {name}: model card

{parameters:.1f} million parameters, encoder {encoder}, generator widths {widths}, ab predicted
at 1/{c} of the resolution of L, packaged as {kind}. Made by `make weights RUN={run} TRAIN=...
VAL=...`; every figure here was printed by that command, or stands in the run's `metrics.jsonl`.

## How good it is

{images} photographs of the validation folder's odd half, which chose nothing (`keras-colorize
evaluate` prints the protocol; CIEDE2000: lower is better). The rows grey (ab = 0) and image mean
(each photograph's own mean ab: an oracle) were made by no model: read the scores against them.

| | PSNR dB | over grey | Acc@1 % | Acc@2 % | Acc@5 % | SSIM | CIEDE2000 | color ratio | edge PSNR |
|---|---|---|---|---|---|---|---|---|---|
{scores}

## The files it could have been

256 x 256, 2 threads, median of 50 predictions on the machine that packaged it. The fastest of those
that lose under {max_loss} dB against float32 and take at most 16 MB is packaged. The float32 file
differs from Keras by {rms:.1e} (root mean square; at most {most:.1e}) in units of ab / 110.

| kind | bytes | ms | PSNR lost dB |
|---|---|---|---|
{kinds}

## Recipe

{recipe}

| epoch | images seen | L1 loss | PSNR over grey dB | colorfulness ratio |
|---|---|---|---|---|
{epochs}

"""


def model_card(run: Path, facts: Mapping[str, Any], notes: str) -> str:
    """Writes the Markdown of `weights/README.md`.

    Args:
        run: the run folder.
        facts: what `package` returned.
        notes: Markdown for the end: the data and its terms, the limits.
    """
    config = json.loads((run / "config.json").read_text())
    network = GeneratorConfig.from_fields(config["generator"])
    lines = (run / "metrics.jsonl").read_text().splitlines()
    grey = facts["baselines"]["grey"]["psnr"]
    scores = {facts["name"]: facts["kinds"][facts["kind"]]["scores"], **facts["baselines"]}
    best = facts["kinds"]["float32"]["scores"]["psnr"]
    card = _CARD.format(
        name=facts["name"],
        parameters=facts["parameters"] / 1e6,
        encoder=network.encoder,
        widths=", ".join(map(str, network.widths)),
        c=facts["chroma_stride"],
        kind=facts["kind"],
        run=run,
        images=facts["images"],
        scores="\n".join(_score_row(name, row, grey) for name, row in scores.items()),
        max_loss=facts["max_loss_db"],
        rms=facts["parity_float32"]["rms"],
        most=facts["parity_float32"]["max"],
        kinds="\n".join(
            f"| {kind} | {row['bytes']:,} | {row['milliseconds']} "
            f"| {best - row['scores']['psnr']:.3f} |"
            for kind, row in facts["kinds"].items()
        ),
        recipe=_recipe(config),
        epochs="\n".join(_epoch_row(json.loads(line)) for line in lines),
    )
    return card + notes


def _score_row(name: str, row: Mapping[str, float], grey: float) -> str:
    cells = [
        name.replace("_", " "),
        f"{row['psnr']:.2f}",
        f"{row['psnr'] - grey:+.2f}",
        *(f"{100 * row[f'acc_{e}']:.1f}" for e in (1, 2, 5)),
        f"{row['ssim']:.3f}",
        f"{row['ciede2000']:.2f}",
        f"{row['colorfulness_ratio']:.2f}",
        f"{row['edge_psnr']:.2f}",
    ]
    return f"| {' | '.join(cells)} |"


def _epoch_row(record: Mapping[str, Any]) -> str:
    gain, ratio = record.get("val_psnr_gain"), record.get("val_colorfulness_ratio")
    shown = ["-" if value is None else f"{value:.2f}" for value in (gain, ratio)]
    cells = [str(record["epoch"]), f"{record['images']:,}", f"{record['l1_loss']:.4f}", *shown]
    return f"| {' | '.join(cells)} |"


def _recipe(config: Mapping[str, Any]) -> str:
    settings = {**config["training"], "photographs": config["photographs"]}
    return ", ".join(f"{name} {json.dumps(value)}" for name, value in settings.items()) + "."
