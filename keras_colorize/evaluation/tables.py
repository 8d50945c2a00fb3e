"""Scores as people read them: one table for the command line and for a training's report."""

import math
from collections.abc import Mapping

# Column: its metric, the heading, the factor, the digits.
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
    "percent; dE00: CIEDE2000, lower is better; color: colorfulness; ratio: of it to that of the "
    "real images."
)


def score_table(rows: Mapping[str, Mapping[str, float]]) -> list[list[str]]:
    """Puts scores into cells.

    Args:
        rows: of `Scores`, with all metrics.

    Returns:
        The headings, the first of them empty, and a line for each row; "-" is no finite number.
    """
    lines = [["", *(heading for _, heading, _, _ in _COLUMNS)]]
    for name, row in rows.items():
        cells = (
            f"{factor * row[metric]:.{digits}f}" if math.isfinite(row[metric]) else "-"
            for metric, _, factor, digits in _COLUMNS
        )
        lines.append([name.replace("_", " "), *cells])
    return lines
