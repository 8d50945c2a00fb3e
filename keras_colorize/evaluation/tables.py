"""Tables of scores, for the command line and the report of a training."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

# For each column: metric, heading, factor, number of decimals.
_COLUMNS = (
    ("psnr", "PSNR", 1, 2),
    ("acc_1", "Acc@1", 100, 1),
    ("acc_2", "Acc@2", 100, 1),
    ("acc_5", "Acc@5", 100, 1),
    ("acc_rgb", "RGB2%", 100, 1),
    ("ssim", "SSIM", 1, 3),
    ("ciede2000", "dE00", 1, 2),
    ("auc", "AuC", 100, 1),
    ("colorfulness", "color", 1, 1),
    ("colorfulness_ratio", "ratio", 1, 2),
    ("edge_psnr", "edge", 1, 2),
)
LEGEND = (
    "PSNR and edge (PSNR along chroma edges) in dB; Acc@1, 2, 5 (Lab), RGB2% (RGB) and AuC in "
    "percent; dE00: CIEDE2000, lower is better; color: colorfulness; ratio: color divided by that "
    "of the real images."
)
INTERVAL_LEGEND = (
    "over grey: the model's scores minus those of grey; low, high: the ends of the 95 % bootstrap "
    "interval, for other images of the same kind."
)

Row = Mapping[str, float]


def score_table(
    rows: Mapping[str, Row],
    intervals: Mapping[str, Mapping[str, tuple[float, float]]] | None = None,
) -> list[list[str]]:
    """Formats scores as a table.

    Args:
        rows: `Scores.rows` with all metrics.
        intervals: Intervals (low, high) by row and metric. Each row that has them gets two more
            lines.

    Returns:
        The headings, of which the first is empty, and the lines. Values that are not finite are
        shown as "-".
    """
    lines = [["", *(heading for _, heading, _, _ in _COLUMNS)]]
    for name, row in rows.items():
        lines.append(_line(name.replace("_", " "), row))
        for end, label in enumerate(("low", "high")):
            if intervals and name in intervals:
                ends = {metric: pair[end] for metric, pair in intervals[name].items()}
                lines.append(_line(f"  {label}", ends))
    return lines


def subfolder_table(subfolders: Mapping[str, Mapping[str, Any]], most: int) -> list[list[str]]:
    """Formats the scores of sub-folders. Those that gain least over grey come first.

    Args:
        subfolders: The result of `summary.subfolders`.
        most: Maximum number of sub-folders in the table.

    Returns:
        The headings and a line for each sub-folder.
    """
    found = []
    for name, of_folder in subfolders.items():
        model, grey = of_folder["rows"]["model"], of_folder["rows"]["grey"]
        gain = model["psnr"] - grey["psnr"]
        found.append((gain, name, of_folder["images"], model))
    lines = [["sub-folder", "images", "PSNR", "over grey", "dE00", "ratio"]]
    for gain, name, images, model in sorted(found, key=lambda item: item[:2])[:most]:
        figures = (model["psnr"], gain, model["ciede2000"], model["colorfulness_ratio"])
        lines.append([name, str(images), *(_cell(figure, 2) for figure in figures)])
    return lines


def _line(label: str, row: Row) -> list[str]:
    cells = (_cell(factor * row[metric], digits) for metric, _, factor, digits in _COLUMNS)
    return [label, *cells]


def _cell(figure: float, digits: int) -> str:
    return f"{figure:.{digits}f}" if math.isfinite(figure) else "-"


def markdown_table(lines: Sequence[Sequence[str]]) -> str:
    """Formats headings and rows as a Markdown table, without a newline at the end."""
    rule = ["---"] * len(lines[0])
    return "\n".join(f"| {' | '.join(line)} |" for line in (lines[0], rule, *lines[1:]))
