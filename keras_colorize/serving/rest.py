"""TensorFlow Serving's REST interface: status, metadata and predict of one model.

Paths, answers and errors are those of its `model_servers/http_rest_api_handler.cc` and of
https://www.tensorflow.org/tfx/serving/api_rest.
"""

import json
import re
from functools import partial
from typing import Any

from fastapi import APIRouter, Request, Response

from keras_colorize.serving.errors import ServingError
from keras_colorize.serving.jobs import answer_predict
from keras_colorize.serving.limits import Limits
from keras_colorize.serving.pool import WorkerPool
from keras_colorize.serving.signatures import SIGNATURES, Tensor
from keras_colorize.serving.worker_call import in_worker

MODEL_NAME = "colorizer"
MODEL_VERSION = 1
METHOD_NAME = "tensorflow/serving/predict"

_WHICH = r"(?:/versions/(?P<version>\d+)|/labels/(?P<label>[^/:]+))?"
_POST = re.compile(
    rf"/v1/models/(?P<name>[^/:]+){_WHICH}:(?P<verb>classify|regress|predict)", re.IGNORECASE
)
_GET = re.compile(
    rf"/v1/models(?:/(?P<name>[^/:]+))?{_WHICH}(?:/(?P<part>metadata))?", re.IGNORECASE
)
_LARGEST_VERSION = 2**63 - 1


def serving_routes(pool: WorkerPool, limits: Limits) -> APIRouter:
    """Makes the routes under `/v1`."""
    router = APIRouter()

    async def answer(request: Request) -> Response:
        path, method = request.scope["path"], request.method
        if method == "POST" and (match := _POST.fullmatch(path)):
            body = await request.body()
            check_model(match["name"], _version(match["version"]), match["label"])
            if match["verb"].lower() != "predict":
                verb = match["verb"].lower()
                kind = "classification" if verb == "classify" else "regression"
                wanted = f"{kind} signature method_name to be tensorflow/serving/{verb}"
                raise ServingError("INVALID_ARGUMENT", f"Expected {wanted}. Was: {METHOD_NAME}")
            job = partial(answer_predict, body, limits.max_pixels)
            return _json(await in_worker(request, pool, job))
        if method == "GET" and (match := _GET.fullmatch(path)):
            if not match["name"]:
                raise ServingError("INVALID_ARGUMENT", "Missing model name in request.")
            version, label = _version(match["version"]), match["label"]
            if match["part"]:
                check_model(match["name"], version, label)
                return _json(json.dumps(_metadata(), indent=1).encode())
            check_status(match["name"], version, label)
            return _json(json.dumps(STATUS, indent=1).encode())
        raise ServingError("INVALID_ARGUMENT", f"Malformed request: {method} {path[:200]}")

    for path in ("/v1/models/{name}", "/v1/models/{name}/versions/{version}"):
        parameters = {"parameters": [_PARAMETERS[name] for name in re.findall(r"{(\w+)}", path)]}
        for suffix, summary, method, body in (
            ("", "Status of the model", "GET", {}),
            ("/metadata", "Signatures", "GET", {}),
            (":predict", "Colour pictures, pixels or lightness", "POST", _REQUEST_BODY),
        ):
            router.add_api_route(
                path + suffix,
                answer,
                methods=[method],
                summary=summary,
                openapi_extra=parameters | body,
            )
    everything = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]
    for path in ("/v1/{rest:path}", "/v1"):
        router.add_api_route(path, answer, methods=everything, include_in_schema=False)
    return router


def check_model(name: str, version: int | None, label: str | None) -> None:
    """Checks that a request is for the model that is served.

    Raises:
        ServingError: It is not.
    """
    if label:
        raise ServingError("INVALID_ARGUMENT", f"Unrecognized servable version label: {label}")
    if name != MODEL_NAME or version not in (None, MODEL_VERSION):
        wanted = f"Latest({name})" if version is None else f"Specific({name}, {version})"
        raise ServingError("NOT_FOUND", f"Servable not found for request: {wanted}")


def check_status(name: str, version: int | None, label: str | None) -> None:
    """Checks the same for a request of the status, whose errors are worded differently.

    Raises:
        ServingError: There is no such model or version.
    """
    if label:
        check_model(name, version, label)
    if version is not None and (name, version) != (MODEL_NAME, MODEL_VERSION):
        raise ServingError("NOT_FOUND", f"Could not find version {version} of model {name}")
    if name != MODEL_NAME:
        raise ServingError("NOT_FOUND", f"Could not find any versions of model {name}")


def tensor_name(signature: str, tensor: Tensor) -> str:
    """Names the tensor in the graph: those of inputs are the SavedModel's."""
    return f"{signature}_{tensor.name}:0"


def _version(digits: str | None) -> int | None:
    if digits is None:
        return None
    if len(digits) > 19 or int(digits) > _LARGEST_VERSION:
        message = f"Failed to convert version: {digits[:40]} to numeric."
        raise ServingError("INVALID_ARGUMENT", message)
    return int(digits)


STATUS: dict[str, Any] = {
    "model_version_status": [
        {
            "version": str(MODEL_VERSION),
            "state": "AVAILABLE",
            "status": {"error_code": "OK", "error_message": ""},
        }
    ]
}


def signature_defs() -> dict[str, Any]:
    """The signatures as JSON of TensorFlow's protocol buffer `SignatureDef`, by name."""
    return {
        signature.name: {
            "inputs": {signature.input.name: _tensor(signature.name, signature.input)},
            "outputs": {signature.output.name: _tensor(signature.name, signature.output)},
            "method_name": METHOD_NAME,
        }
        for signature in SIGNATURES.values()
    }


def _metadata() -> dict[str, Any]:
    return {
        "model_spec": {"name": MODEL_NAME, "signature_name": "", "version": str(MODEL_VERSION)},
        "metadata": {"signature_def": {"signature_def": signature_defs()}},
    }


def _tensor(signature: str, tensor: Tensor) -> dict[str, Any]:
    return {
        "dtype": tensor.dtype,
        "tensor_shape": {
            "dim": [{"size": str(length), "name": ""} for length in tensor.shape],
            "unknown_rank": False,
        },
        "name": tensor_name(signature, tensor),
    }


def _json(body: bytes) -> Response:
    return Response(body, media_type="application/json")


_PARAMETERS = {
    name: {"name": name, "in": "path", "required": True, "schema": schema}
    for name, schema in {
        "name": {"type": "string", "example": MODEL_NAME},
        "version": {"type": "integer"},
    }.items()
}
_SCHEMA = {
    "type": "object",
    "properties": {
        "signature_name": {"type": "string", "enum": list(SIGNATURES)},
        "instances": {"type": "array", "minItems": 1, "items": {}},
        "inputs": {},
    },
    "oneOf": [{"required": ["instances"]}, {"required": ["inputs"]}],
}
_REQUEST_BODY: dict[str, Any] = {
    "requestBody": {"required": True, "content": {"application/json": {"schema": _SCHEMA}}}
}
