"""The HTTP application: TensorFlow Serving's REST, pictures, health, metrics, and the page."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response, Security
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse
from fastapi.security import HTTPBearer
from fastapi.staticfiles import StaticFiles
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.exceptions import HTTPException

import keras_colorize
from keras_colorize.serving.errors import ServingError
from keras_colorize.serving.limits import RETRY_AFTER, Limits
from keras_colorize.serving.middleware import Middleware
from keras_colorize.serving.observation import Metrics, Observer
from keras_colorize.serving.pictures import picture_routes
from keras_colorize.serving.pool import WorkerPool
from keras_colorize.serving.rest import serving_routes

PAGE = Path(__file__).parent / "page"

_PAGE_HEADERS = {
    "Cache-Control": "no-cache",  # modules of two versions must not meet
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}
_NEED_NO_KEY = {"/", "/healthz", "/readyz"}  # and the files of the page


def make_app(
    pool: WorkerPool,
    limits: Limits,
    *,
    metrics: Metrics | None = None,
    api_key: str | None = None,
    cors_origins: Sequence[str] = (),
    hosts: Sequence[str] = (),
) -> FastAPI:
    """Makes the ASGI application, which closes the pool when it ends.

    Args:
        pool: The workers.
        limits: Limits of each request.
        metrics: Counts the requests; the default is metrics of the application's own.
        api_key: As of `Middleware`.
        cors_origins: Origins of other pages that may use the server from a browser.
        hosts: As of `Middleware`.
    """
    metrics = metrics or Metrics(pool)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        await run_in_threadpool(pool.close)

    app = FastAPI(
        title="keras-colorize",
        version=keras_colorize.__version__,
        lifespan=lifespan,
        docs_url=None,  # these two pages load scripts from another host
        redoc_url=None,
    )
    app.add_exception_handler(ServingError, _serving_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(Exception, _fault)
    # This only names the scheme in the OpenAPI document; `Middleware` checks the key.
    key = [] if api_key is None else [Security(HTTPBearer(auto_error=False))]
    app.include_router(serving_routes(pool, limits), dependencies=key)
    app.include_router(picture_routes(pool, limits), dependencies=key)

    @app.head("/healthz", include_in_schema=False)  # monitors ask so
    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        """Say that the server runs."""
        return {"status": "ok"}

    @app.head("/readyz", include_in_schema=False)
    @app.get("/readyz", responses={503: {"description": "It has no worker, or is stopping."}})
    async def readyz() -> dict[str, str]:
        """Say that the server takes pictures."""
        if not pool.is_ready:
            raise ServingError("UNAVAILABLE", "The server has no worker, or is stopping.")
        return {"status": "ready"}

    @app.head("/metrics", include_in_schema=False)
    @app.get("/metrics", response_class=Response, dependencies=key)
    async def prometheus() -> Response:
        """Metrics for Prometheus."""
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)

    app.mount("/", _Page(directory=PAGE, html=True), name="page")
    files = {f"/{file.relative_to(PAGE).as_posix()}" for file in PAGE.rglob("*")}
    app.add_middleware(
        Middleware,
        limits=limits,
        api_key=api_key,
        open_paths=_NEED_NO_KEY | files,
        hosts=hosts,
    )
    if cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(cors_origins),
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type"],
            expose_headers=["Retry-After"],
        )
    app.add_middleware(Observer, metrics=metrics)
    return app


class _Page(StaticFiles):
    """The files of the page, which load nothing from other hosts and stand in no other page."""

    def file_response(self, *args: Any, **options: Any) -> Response:
        response = super().file_response(*args, **options)
        response.headers.update(_PAGE_HEADERS)
        return response


async def _serving_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ServingError)
    headers = RETRY_AFTER if error.http_status == 503 else None
    return JSONResponse({"error": error.message}, error.http_status, headers)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": error.detail}, error.status_code, error.headers)


async def _validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = next((str(part) for part in reversed(first["loc"]) if isinstance(part, str)), "body")
    return JSONResponse({"error": f"{where}: {first['msg']}."}, 400)


async def _fault(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": "The server met a fault of its own."}, 500)
