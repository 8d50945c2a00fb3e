"""The report of a finished run: a single HTML file without scripts or other files."""

import base64
import json
import shlex
from collections.abc import Iterable, Sequence
from datetime import timedelta
from html import escape
from io import BytesIO
from pathlib import Path
from string import Template
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_colorize.evaluation.figures import grid_columns
from keras_colorize.evaluation.scoring import PROTOCOL, ScoringError, score_folder
from keras_colorize.evaluation.tables import LEGEND, score_table
from keras_colorize.imaging.files import atomic_file
from keras_colorize.imaging.images import read_rgb, write_image
from keras_colorize.inference.colorizer import Colorizer
from keras_colorize.inference.weights import resolve_weights
from keras_colorize.training.runs import Run, flat

REPORT = "report.html"
_EPOCHS_SHOWN = 4
_LINES_SHOWN = 12
_COLUMNS = {
    "epoch": "epoch",
    "images": "images",
    "generator_loss": "generator",
    "discriminator_loss": "discriminator",
    "adversarial_loss": "adversarial",
    "l1_loss": "L1",
    "learning_rate": "learning rate",
    "val_psnr": "PSNR",
    "val_psnr_gain": "over grey",
    "val_colorfulness_ratio": "color ratio",
}

_PAGE = Template("""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
  content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>$name: training report</title>
<style>
:root { color-scheme: light dark; --ink: #1d2125; --dim: #5c6670; --line: #d9dee3;
  --paper: #fff; --panel: #f4f6f8; --mark: #0b6e4f; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e8ec; --dim: #9aa5b0; --line: #363d45;
  --paper: #15181c; --panel: #1e2328; --mark: #6fcfa8; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1rem 4rem; max-width: 68rem; color: var(--ink);
  background: var(--paper); font: 1rem/1.55 system-ui, sans-serif; }
h1 { margin: 0; font-size: 1.8rem; line-height: 1.2; overflow-wrap: anywhere; }
h2 { margin: 2.5rem 0 .5rem; font-size: 1.15rem; }
p { max-width: 46rem; margin: .5rem 0; }
.dim, caption { color: var(--dim); font-size: .875rem; }
caption { text-align: left; }
.wide { overflow-x: auto; }
dl { display: flex; flex-wrap: wrap; gap: .75rem; margin: 1.25rem 0 0; }
dl div { flex: 1 1 8rem; padding: .6rem .9rem; border-radius: .5rem; background: var(--panel); }
dt { color: var(--dim); font-size: .8rem; }
dd { margin: 0; font-size: 1.2rem; font-variant-numeric: tabular-nums; }
table { border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .75rem; border-bottom: 1px solid var(--line); text-align: right;
  white-space: nowrap; }
th { font-weight: 600; } th:first-child { text-align: left; padding-left: 0; }
tr.best > * { color: var(--mark); font-weight: 600; }
.plain td { text-align: left; white-space: normal; overflow-wrap: anywhere; }
.plain th { font-weight: 400; color: var(--dim); text-align: left; }
.samples { display: grid; grid-auto-flow: column; grid-auto-columns: minmax(6rem, 1fr); gap: 4px; }
figure { margin: 0; } figcaption { font-size: .875rem; text-align: center; color: var(--dim); }
img { display: block; width: 100%; height: auto; }
.curves { min-width: 40rem; padding: .5rem; border-radius: .5rem; background: #fff; }
pre { padding: .75rem 1rem; border-radius: .5rem; background: var(--panel); overflow-x: auto;
  font-size: .875rem; }
.columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(22rem, 100%), 1fr));
  gap: 0 3rem; }
</style>
</head>
<body>
<h1>$name</h1>
<p class="dim">$summary</p>
<dl>$facts</dl>
<h2>Samples over time</h2>
<div class="wide"><div class="samples">$samples</div></div>
<h2>Curves</h2>
<div class="wide"><img class="curves" alt="Losses, gradient norms and scores by epoch"
  src="$curves"></div>
<h2>Validation</h2>
$validation
<h2>Epochs</h2>
<div class="wide">$epochs</div>
<h2>How to use it</h2>
<pre>$commands</pre>
<div class="columns">
<section><h2>Configuration</h2>$configuration</section>
<section><h2>Made with</h2>$versions</section>
</div>
</body>
</html>
""")


def write_report(run: Run, val: Path | None) -> None:
    """Writes `report.html` into the folder of a finished run.

    Args:
        run: A run with the metrics, samples and curves of at least one epoch.
        val: The folder of validation photographs. The half that did not choose `best.keras` is
            scored here, which takes some seconds for ten photographs. None means no validation.
    """
    records = run.metrics()
    last = records[-1]
    scored = [record for record in records if "val_psnr" in record]
    best = max(scored, key=lambda record: (record["val_psnr"], record["epoch"]), default=None)
    about = json.loads((run.folder / "config.json").read_text())["about"]
    facts = {
        "preset": run.configuration["preset"],
        "epochs": f"{last['epoch']}",
        "crops seen": f"{last['images']:,}",
        "in training steps": str(timedelta(seconds=round(sum(r["seconds"] for r in records)))),
    }
    if best:
        facts["best epoch"] = f"{best['epoch']}"
        facts["its PSNR over grey"] = f"{best['val_psnr_gain']:+.2f} dB"
    page = _PAGE.substitute(
        name=escape(run.folder.resolve().name),
        summary=f"Training begun {escape(about['started'])}, keras-colorize "
        f"{escape(about['keras-colorize'])}, {run.configuration['photographs']:,} photographs.",
        facts="".join(f"<div><dt>{k}</dt><dd>{escape(v)}</dd></div>" for k, v in facts.items()),
        samples=_samples(sorted((run.folder / "samples").glob("epoch-*.png"))),
        curves=_embedded("png", (run.folder / "curves.png").read_bytes()),
        validation=_validation(run, val, best),
        epochs=_epochs(records, best),
        commands=escape(_commands(run, val)),
        configuration=_pairs({k: v.strip('"') for k, v in flat(run.configuration).items()}),
        versions=_pairs(about),
    )
    with atomic_file(run.folder / REPORT, overwrite=True) as stream:
        stream.write(page.encode())


def _samples(strips: Sequence[Path]) -> str:
    """Makes figures of grey, some epochs from the first to the last, and the original."""
    columns: dict[str, NDArray[np.uint8]] = {}
    for strip in _spread(strips, _EPOCHS_SHOWN):
        grey, ours, truth = grid_columns(read_rgb(strip), 3)
        columns.setdefault("grey", grey)
        columns[f"epoch {int(strip.stem.rpartition('-')[2])}"] = ours
    columns["original"] = truth
    figures = []
    for caption, column in columns.items():
        encoded = BytesIO()
        write_image(column, encoded, format="JPEG", quality=85)
        source = _embedded("jpeg", encoded.getvalue())
        figures.append(
            f'<figure><figcaption>{caption}</figcaption><img alt="{caption}" src="{source}">'
            "</figure>"
        )
    return "".join(figures)


def _validation(run: Run, val: Path | None, best: dict[str, Any] | None) -> str:
    if val is None or best is None:
        return "<p>The training had no --val, so there was no validation.</p>"
    colorizer = Colorizer(run.folder)
    try:
        scores = score_folder(val, colorizer.predict_ab, part="report", progress=True)
    except ScoringError as error:
        return f"<p>{escape(str(error))}</p>"
    skipped = f" {len(scores.unreadable)} more could not be read." if scores.unreadable else ""
    heading, *rows = score_table(scores.rows)
    return (
        f"<p>{resolve_weights(run.folder).name} is the generator of epoch {best['epoch']}. One "
        f"half of the photographs of {escape(str(val))} (select) was used to choose it. These are "
        f"the scores of the other half (report), {scores.images} photographs.{skipped} "
        "Compare them with the rows grey and image mean, which need no model.</p>"
        f'<div class="wide">{_table(heading, [("", row) for row in rows])}</div>'
        f'<p class="dim">{escape(LEGEND)}</p><p class="dim">Protocol: {escape(PROTOCOL)}.</p>'
    )


def _epochs(records: Sequence[dict[str, Any]], best: dict[str, Any] | None) -> str:
    """Makes a table of some epochs, including the first, the last and the best."""
    names = [n for n in _COLUMNS if any(record.get(n) is not None for record in records)]
    shown = [r for r in records if r is best or r in _spread(records, _LINES_SHOWN)]
    lines = [
        ("best" if record is best else "", [_cell(record.get(name)) for name in names])
        for record in shown
    ]
    left = len(records) - len(shown)
    caption = f"{left} more epochs are in metrics.jsonl." if left else "All epochs are shown."
    if best:
        caption = f"The epoch of best.keras is marked. {caption}"
    return _table([_COLUMNS[name] for name in names], lines, caption)


def _commands(run: Run, val: Path | None) -> str:
    folder = str(run.folder)
    lines = (
        ["colorize", "old.jpg", "--model", folder],
        ["evaluate", str(val or "photographs"), "--weights", folder, "--part", "report"],
        ["train", "more-photographs", "--fine-tune", folder, "--run", f"{folder}-tuned"],
    )
    return "\n".join(shlex.join(["keras-colorize", *line]) for line in lines)


def _table(
    heading: Sequence[str], lines: Iterable[tuple[str, list[str]]], caption: str = ""
) -> str:
    head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in heading)
    body = "".join(
        f'<tr class="{kind}"><th scope="row">{escape(first)}</th>'
        + "".join(f"<td>{escape(cell)}</td>" for cell in rest)
        + "</tr>"
        for kind, (first, *rest) in lines
    )
    return f"<table><caption>{caption}</caption><tr>{head}</tr>{body}</table>"


def _pairs(data: dict[str, str]) -> str:
    rows = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{escape(value)}</td></tr>'
        for name, value in data.items()
    )
    return f'<table class="plain">{rows}</table>'


def _cell(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else f"{value:#.4g}"


def _embedded(kind: str, data: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def _spread(items: Sequence[Any], count: int) -> list[Any]:
    """Chooses at most `count` items at even distances, including the first and the last."""
    if len(items) <= count:
        return list(items)
    return [items[round(k * (len(items) - 1) / (count - 1))] for k in range(count)]
