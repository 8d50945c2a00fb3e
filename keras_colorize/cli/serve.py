"""`keras-colorize serve`: the network behind HTTP and gRPC."""

import os
from functools import partial
from pathlib import Path

import click

from keras_colorize.serving.limits import Limits

_DEFAULTS = Limits()


@click.command(
    epilog="\b\nExamples:\n"
    "  keras-colorize serve\n"
    "  keras-colorize serve --host 0.0.0.0 --grpc-port 8500 --api-key-file key.txt"
)
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="Address to listen on; 0.0.0.0 is any."
)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8501, show_default=True, help="Port for HTTP."
)
@click.option(
    "--grpc-port", type=click.IntRange(0, 65535), help="Port for gRPC. Without it, gRPC is off."
)
@click.option(
    "--model",
    metavar="W",
    help="A packaged name, a run folder, .keras, .tflite, .onnx or SavedModel.",
)
@click.option(
    "--workers", type=click.IntRange(1), help="Pictures in work at a time.  [default: the cores]"
)
@click.option(
    "--queue",
    type=click.IntRange(1),
    default=_DEFAULTS.waiting,
    show_default=True,
    help="Requests that wait for a worker; one more is answered with 503.",
)
@click.option(
    "--max-pixels",
    type=click.IntRange(1),
    default=_DEFAULTS.max_pixels,
    show_default=True,
    help="Refuse pictures with more pixels.",
)
@click.option(
    "--max-bytes",
    type=click.IntRange(1),
    default=_DEFAULTS.max_bytes,
    show_default=True,
    help="Refuse requests with more bytes.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(0, min_open=True),
    default=_DEFAULTS.timeout,
    show_default=True,
    help="Seconds for a request.",
)
@click.option(
    "--api-key-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File with the key that requests must bring as Authorization: Bearer KEY. "
    "KERAS_COLORIZE_API_KEY, the key itself, does the same.",
)
@click.option(
    "--cors-origin",
    "cors_origins",
    metavar="URL",
    multiple=True,
    help="Origin of a page of another host that may use this; can be given again.",
)
@click.option(
    "--allowed-host",
    "allowed_hosts",
    metavar="NAME",
    multiple=True,
    help="Name, beside localhost, addresses and --host, by which this may be asked for, such as a "
    "proxy's; can be given again.",
)
def command(
    host: str,
    port: int,
    grpc_port: int | None,
    model: str | None,
    workers: int | None,
    queue: int,
    max_pixels: int,
    max_bytes: int,
    timeout: float,
    api_key_file: Path | None,
    cors_origins: tuple[str, ...],
    allowed_hosts: tuple[str, ...],
) -> None:
    """Serve the network over HTTP and gRPC.

    It answers the REST and gRPC interfaces of TensorFlow Serving for a model named colorizer, POST
    /colorize with a picture in a form, GET /healthz, /readyz and /metrics. SIGTERM or Ctrl-C stops
    it, once what it accepted is answered, or after 10 seconds. Its log is JSON on standard error,
    a line a request.
    """
    from keras_colorize.inference.runtime import load_runtime
    from keras_colorize.serving.server import Settings, serve

    limits = Limits(max_bytes, max_pixels, timeout, queue)
    settings = Settings(
        host, port, grpc_port, workers, _api_key(api_key_file), cors_origins, allowed_hosts
    )
    try:
        serve(partial(load_runtime, model), settings, limits, click.echo)
    except ImportError as error:
        from keras_colorize.cli.extras import import_problem

        problem = import_problem(error, preferred="grpc")
        if problem is None:
            raise
        raise click.ClickException(problem) from error


def _api_key(file: Path | None) -> str | None:
    key = (
        os.environ.get("KERAS_COLORIZE_API_KEY")
        if file is None
        else file.read_text("utf-8", "replace").strip()
    )
    if key is not None and (not key or not key.isascii() or not key.isprintable()):
        raise click.UsageError("The API key is empty, or not one line of ASCII.")
    return key
