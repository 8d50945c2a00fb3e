"""Load and abuse of `keras-colorize serve` on this machine; see README.md beside this.

It prints a table for each part, and last what was not as it should be. Linux only (`/proc`).
"""

import argparse
import os
import signal
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from PIL import Image, ImageOps
from serving_abuse import measure_abuse
from serving_files import measure_attack, measure_files
from serving_load import measure_full, measure_rate
from serving_slow import measure_slow

from keras_colorize.imaging.strips import available_cores

PARTS = {
    "rate": measure_rate,
    "full": measure_full,
    "slow": measure_slow,
    "abuse": measure_abuse,
    "files": measure_files,
    "attack": measure_attack,
}
USUAL_PARTS = ["rate", "full", "slow", "abuse"]
PHOTOGRAPHS = Path(__file__).parents[1] / "examples/photographs"
ONE_MEGAPIXEL = 1152, 864

# Seconds before the deadline: no malformed request is begun, and whatever goes on is ended.
_LAST, _END = 30, 10


def main() -> None:
    """Runs the parts asked for, prints what they found, and fails if a part did not do well."""
    options = parse()
    options.until = time.monotonic() + options.deadline - _LAST
    signal.signal(signal.SIGALRM, is_over)
    signal.alarm(max(1, options.deadline - _END))
    failures = []
    load = f"load {os.getloadavg()[0]:.1f}"
    print(f"{datetime.now(UTC):%Y-%m-%d}, {available_cores()} cores, {load} before.\n")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_pictures(options.photographs, folder)
        for part in options.only:
            started = time.perf_counter()
            report = PARTS[part](options, folder)
            print(f"{report}\n", flush=True)
            took = time.perf_counter() - started
            print(f"Part {part} took {took:.0f} s.", file=sys.stderr, flush=True)
            failures += report.failures
    for failure in failures:
        print(failure, file=sys.stderr)
    sys.exit(bool(failures))


def parse() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--only", nargs="+", choices=PARTS, default=USUAL_PARTS, help="parts to run"
    )
    parser.add_argument(
        "--photographs", type=Path, default=PHOTOGRAPHS, help="folder of JPEGs, enlarged to 1 MP"
    )
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 4, 16, 64])
    parser.add_argument("--seconds", type=float, default=8, help="seconds of a measurement")
    parser.add_argument("--rounds", type=int, default=2, help="measurements of each rate")
    parser.add_argument("--malformed", type=int, default=10_000, help="malformed requests")
    parser.add_argument("--attackers", type=int, default=64, help="clients of the attack")
    parser.add_argument("--attack-seconds", type=float, default=60, help="seconds of the attack")
    parser.add_argument("--seed", type=int, default=0, help="seed of the malformed requests")
    parser.add_argument("--deadline", type=int, default=360, help="seconds until it gives up")
    return parser.parse_args()


def is_over(*_: Any) -> None:
    """Ends this program, with all that it has started."""
    raise SystemExit("The time is over: --deadline gives more.")


def make_pictures(photographs: Path, folder: Path) -> None:
    """Writes each photograph as a JPEG of 1 MP."""
    paths = sorted(photographs.glob("*.jpg"))
    if not paths:
        raise SystemExit(f"{photographs} has no .jpg files.")
    for path in paths:
        large = ImageOps.fit(Image.open(path), ONE_MEGAPIXEL, Image.Resampling.LANCZOS)
        large.save(folder / path.name, quality=92)


if __name__ == "__main__":
    main()
