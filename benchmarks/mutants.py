"""Pictures with damage drawn by chance: each is read, or refused in one sentence."""

import random
import sys
import time
from collections import Counter
from io import BytesIO
from pathlib import Path

import click
from PIL import Image

from keras_colorize.imaging.images import ImageError, read_photograph

PHOTOGRAPH = Path(__file__).parents[1] / "examples/photographs/fireside.jpg"
FORMATS = ("JPEG", "PNG", "TIFF", "WEBP", "BMP", "GIF", "JPEG2000", "AVIF")


def mutant(data: bytes, chance: random.Random) -> bytes:
    """Flips bits, overwrites, cuts out, doubles or cuts off a part, one to four times."""
    changed = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(changed))
        end = at + chance.randint(1, 64)
        match chance.randrange(5):
            case 0:
                changed[at] ^= 1 << chance.randrange(8)
            case 1:
                changed[at:end] = chance.randbytes(len(changed[at:end]))
            case 2 if len(changed) > 128:
                del changed[at:end]
            case 3:
                changed[at:at] = changed[at:end]
            case 4 if at > 128:
                del changed[at:]
    return bytes(changed)


@click.command()
@click.option("--count", default=2000, show_default=True, help="Mutants of all formats together.")
@click.option("--minutes", default=600.0, show_default=True, help="Begin none after these.")
@click.option("--seed", default=0, show_default=True, help="Seed of the random damage.")
def main(count: int, minutes: float, seed: int) -> None:
    """Prints a line for each format; exits with 1 if one was neither read nor refused."""
    end = time.monotonic() + 60 * minutes
    chance = random.Random(seed)
    wholes = {}
    for format in FORMATS:
        stream = BytesIO()
        Image.open(PHOTOGRAPH).resize((96, 72)).save(stream, format)
        wholes[format] = stream.getvalue()
    found = {format: Counter[str]() for format in FORMATS}
    longest = dict.fromkeys(FORMATS, 0.0)
    for index in range(count):
        if time.monotonic() > end:
            break
        format = FORMATS[index % len(FORMATS)]
        data = mutant(wholes[format], chance)
        began = time.process_time()
        try:
            read_photograph(data, max_pixels=1_000_000)
            found[format]["read"] += 1
        except ImageError as error:
            is_one = str(error).startswith("The picture ") and str(error).endswith(".")
            found[format]["refused" if is_one and "\n" not in str(error) else "fault"] += 1
        except Exception as error:
            print(f"{format}, mutant {index}: {error!r}", file=sys.stderr)
            found[format]["fault"] += 1
        longest[format] = max(longest[format], time.process_time() - began)
    print("| format | mutants | read | refused | neither | longest, processor s |")
    print("|---|---|---|---|---|---|")
    for format, its in found.items():
        row = (format, its.total(), its["read"], its["refused"], its["fault"])
        print(f"| {' | '.join(map(str, row))} | {longest[format]:.2f} |")
    sys.exit(any(its["fault"] for its in found.values()))


if __name__ == "__main__":
    main()
