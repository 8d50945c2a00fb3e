"""`keras-colorize serve`, which serves the network over HTTP and gRPC."""

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
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Address to listen on. 0.0.0.0 lets other machines in.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8501,
    show_default=True,
    help="Port for HTTP. 0 takes any free port.",
)
@click.option(
    "--grpc-port", type=click.IntRange(0, 65535), help="Port for gRPC. Without it, gRPC is off."
)
@click.option(
    "--model",
    metavar="W",
    help="Network to serve: a packaged name, a run folder, .keras, .tflite, .onnx or SavedModel.  "
    "[default: the packaged network]",
)
@click.option(
    "--workers",
    type=click.IntRange(1),
    help="Number of pictures that are coloured at the same time.  [default: one for each core]",
)
@click.option(
    "--queue",
    type=click.IntRange(1),
    default=_DEFAULTS.waiting,
    show_default=True,
    help="Number of requests that may wait. A further request is answered with 503.",
)
@click.option(
    "--max-pixels",
    type=click.IntRange(1),
    default=_DEFAULTS.max_pixels,
    show_default=True,
    help="Largest number of pixels in a picture. A larger picture is answered with 413.",
)
@click.option(
    "--max-bytes",
    type=click.IntRange(1),
    default=_DEFAULTS.max_bytes,
    show_default=True,
    help="Largest number of bytes in a request. A larger request is answered with 413.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(0, min_open=True),
    default=_DEFAULTS.timeout,
    show_default=True,
    help="Seconds that a request may take from its headers to its answer. A longer one is "
    "answered with 504.",
)
@click.option(
    "--api-key-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File with the API key. Requests must then have the header Authorization: Bearer KEY. "
    "Instead of a file, the environment variable KERAS_COLORIZE_API_KEY can hold the key.",
)
@click.option(
    "--cors-origin",
    "cors_origins",
    metavar="URL",
    multiple=True,
    help="Origin of another site whose pages may use this server. Can be given several times.",
)
@click.option(
    "--allowed-host",
    "allowed_hosts",
    metavar="NAME",
    multiple=True,
    help="Host name that requests may use beside localhost, addresses and --host, such as the name "
    "of a proxy. Can be given several times.",
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

    The server has a page for the browser, the route POST /colorize, which takes a picture in a
    form, and the REST and gRPC interfaces of TensorFlow Serving for a model named colorizer. GET
    /healthz, /readyz and /metrics are for monitoring.

    SIGTERM or Ctrl-C stops it. It then answers the requests that it has accepted, and ends within
    10 seconds. It writes a line of JSON for each request to standard error.
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
