"""`keras-colorize prepare`: converts a data set to shards, which large trainings read fast."""

from pathlib import Path

import click

from keras_colorize.cli.training import say_left_out
from keras_colorize.inference.quiet import import_quietly


@click.command(
    epilog="\b\nExamples:\n"
    "  keras-colorize prepare places365 places365-shards\n"
    "  keras-colorize prepare tfds:imagenette imagenette-shards --shards 16\n"
    "Run the same command again to continue after an interruption."
)
@click.argument("source", metavar="SRC")
@click.argument("destination", metavar="DST", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--size",
    type=click.IntRange(16),
    default=288,
    show_default=True,
    help="Short side of the stored photographs in pixels. Smaller ones are not enlarged.",
)
@click.option(
    "--shards",
    type=click.IntRange(1, 99999),
    default=256,
    show_default=True,
    help="Number of shards. A training holds two of them in memory.",
)
@click.option("--split", default="train", show_default=True, help="Split of the data set to read.")
@click.option(
    "--seed",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="Seed of the order of photographs.",
)
@click.option(
    "--jobs", type=click.IntRange(1), help="Number of processes.  [default: one for each core]"
)
def command(
    source: str,
    destination: Path,
    size: int,
    shards: int,
    split: str,
    seed: int,
    jobs: int | None,
) -> None:
    """Convert the photographs of SRC to shards in the folder DST.

    Shards are TFRecord files that large trainings read fast. Give DST to the command train in
    place of a folder of photographs. SRC is a folder of photographs, a folder in which Places365
    or ILSVRC2012 was unpacked, or tfds:NAME for a data set of tensorflow-datasets. Near-grey and
    unreadable photographs are left out. Each shard is checked and listed with its checksum in
    DST/manifest.json.
    """
    import_quietly("tensorflow")
    from keras_colorize.preparation import prepare

    try:
        made = prepare(
            source, destination, size=size, shards=shards, split=split, seed=seed, jobs=jobs
        )
    except KeyboardInterrupt:
        click.echo("Stopped. The same command goes on from the last whole shard.", err=True)
        raise
    all_made = made.shards.values()
    unreadable = [item for shard in all_made for item in shard.unreadable.items()]
    click.echo(
        f"{made.count} photographs ({sum(shard.near_grey for shard in all_made)} near-grey, "
        f"{len(unreadable)} unreadable and {made.settings['missing']} missing ones left out) "
        f"of layout {made.settings['layout']}, in {len(made.shards)} shards in {destination}",
        err=True,
    )
    say_left_out(unreadable)
