"""The route `POST /colorize`, which takes a picture in a form and returns it coloured."""

from functools import partial
from typing import Annotated, Literal

from fastapi import APIRouter, File, Form, HTTPException, Request, Response, UploadFile

from keras_colorize.imaging.formats import READ_NAMES, START, result_format, sniff
from keras_colorize.serving.errors import failures_of_pictures
from keras_colorize.serving.jobs import colorize_file
from keras_colorize.serving.limits import Limits
from keras_colorize.serving.pool import WorkerPool
from keras_colorize.serving.worker_call import in_worker

_MEDIA_TYPES = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "TIFF": "image/tiff",
    "WEBP": "image/webp",
    "BMP": "image/bmp",
}


def picture_routes(pool: WorkerPool, limits: Limits) -> APIRouter:
    """Makes the route `/colorize`."""
    router = APIRouter()

    @router.post(
        "/colorize",
        response_class=Response,
        responses={
            200: {
                "description": "The coloured picture.",
                "content": {media_type: {} for media_type in _MEDIA_TYPES.values()},
            }
        },
    )
    async def colorize(
        request: Request,
        image: Annotated[UploadFile, File(description=f"{READ_NAMES}.")],
        saturation: Annotated[float, Form(ge=0, le=2, description="Factor on the colours.")] = 1.0,
        size: Annotated[
            Literal["256", "512"] | None, Form(description="Short side of what the network sees.")
        ] = None,
        adapt: Annotated[
            bool, Form(description="Leave borders and fading out of what the network sees.")
        ] = True,
        format: Annotated[
            Literal["jpeg", "png", "webp"] | None,
            Form(
                description="Format of the result. The default is that of the picture, or PNG if "
                "pictures of its format can only be read."
            ),
        ] = None,
    ) -> Response:
        """Colour a photograph, at its full size."""
        data = await image.read()
        await image.close()
        with failures_of_pictures():
            found = sniff(data[:START], "The picture")
            written = format.upper() if format else result_format(found)
        side = int(size) if size else None
        job = partial(colorize_file, data, written, side, saturation, adapt, limits.max_pixels)
        return Response(await in_worker(request, pool, job), media_type=_MEDIA_TYPES[written])

    @router.head("/colorize", include_in_schema=False)
    @router.get("/colorize", include_in_schema=False)
    async def only_by_post() -> Response:  # otherwise the page's files are searched for it
        raise HTTPException(405, headers={"Allow": "POST"})

    return router
