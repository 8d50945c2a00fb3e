"""TensorFlow Serving's gRPC interface: `PredictionService` and `ModelService` of one model."""

import threading
import time
from collections.abc import Callable
from concurrent import futures
from functools import partial
from typing import Any, TypeVar

import grpc
from google.protobuf.json_format import ParseDict
from tensorflow import make_tensor_proto
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from keras_colorize.serving.errors import ServingError
from keras_colorize.serving.limits import (
    GRPC_CONNECTIONS,
    GRPC_IDLE,
    GRPC_SPARE_THREADS,
    PATIENCE,
    SECONDS_TO_STOP,
    Limits,
)
from keras_colorize.serving.middleware import is_key
from keras_colorize.serving.observation import LOGGER, Metrics
from keras_colorize.serving.pool import WorkerPool
from keras_colorize.serving.proto_tensors import read_batch, read_input
from keras_colorize.serving.rest import (
    MODEL_NAME,
    MODEL_VERSION,
    STATUS,
    check_model,
    check_status,
    signature_defs,
)
from keras_colorize.serving.worker_process import WorkerProcess

Answer = TypeVar("Answer")


def start_grpc(
    pool: WorkerPool, limits: Limits, metrics: Metrics, address: str, api_key: str | None
) -> tuple[int, Callable[[], threading.Event]]:
    """Starts a server on its own threads.

    Args:
        pool: The workers.
        limits: Limits of each request.
        metrics: Counts the requests.
        address: HOST:PORT; port 0 takes any free port.
        api_key: The key that the metadata `authorization: Bearer KEY` must have; None asks for no
            key.

    Returns:
        The port, and a function that begins to stop the server and returns an event that is set
        when the accepted requests are answered.

    Raises:
        OSError: The server cannot listen there.
    """
    # Each request that waits holds a thread.
    threads = len(pool.workers) + limits.waiting + GRPC_SPARE_THREADS
    server = grpc.server(
        futures.ThreadPoolExecutor(threads, "grpc"),
        options=[
            ("grpc.max_receive_message_length", limits.max_bytes),
            ("grpc.max_send_message_length", -1),
            ("grpc.so_reuseport", 0),  # otherwise a second server would take half of the requests
            ("grpc.max_allowed_incoming_connections", GRPC_CONNECTIONS),
            ("grpc.server_handshake_timeout_ms", round(1000 * PATIENCE)),
            ("grpc.max_connection_idle_ms", round(1000 * GRPC_IDLE)),
        ],
        maximum_concurrent_rpcs=threads,
    )
    services = _Services(pool, limits, metrics, api_key)
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(services, server)
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(services, server)
    try:
        port = server.add_insecure_port(address)
    except RuntimeError as error:
        message = "gRPC cannot listen there, perhaps as another program does"
        raise OSError(0, message, address) from error
    server.start()
    return port, lambda: server.stop(SECONDS_TO_STOP)


class _Services(
    prediction_service_pb2_grpc.PredictionServiceServicer,
    model_service_pb2_grpc.ModelServiceServicer,
):
    """The methods of both services."""

    def __init__(
        self, pool: WorkerPool, limits: Limits, metrics: Metrics, api_key: str | None
    ) -> None:
        self._pool = pool
        self._limits = limits
        self._metrics = metrics
        self._key = api_key

    def Predict(self, request: Any, context: Any) -> Any:
        return self._answer("Predict", context, lambda: self._predict(request, context))

    def GetModelMetadata(self, request: Any, context: Any) -> Any:
        return self._answer("GetModelMetadata", context, lambda: _metadata(request))

    def GetModelStatus(self, request: Any, context: Any) -> Any:
        return self._answer("GetModelStatus", context, lambda: _status(request))

    def _answer(self, method: str, context: Any, work: Callable[[], Answer]) -> Answer:
        """Checks the key, does the work, turns errors into statuses, and logs the request."""
        started, status = time.perf_counter(), "OK"
        try:
            self._check_key(context)
            return work()
        except ServingError as error:
            status = error.code
            return context.abort(grpc.StatusCode[status], error.message)
        except Exception:
            status = "INTERNAL"
            LOGGER.exception("fault")
            return context.abort(grpc.StatusCode[status], "The server met a fault of its own.")
        finally:
            seconds = time.perf_counter() - started
            self._metrics.observe("grpc", method, status, seconds)
            fields = {
                "method": method,
                "status": status,
                "milliseconds": round(1000 * seconds, 1),
                "client": context.peer(),
            }
            LOGGER.info("request", extra={"fields": fields})

    def _check_key(self, context: Any) -> None:
        if self._key is None:
            return
        if not is_key(dict(context.invocation_metadata()).get("authorization", ""), self._key):
            message = "This needs the API key: send it as metadata, authorization: Bearer KEY."
            raise ServingError("UNAUTHENTICATED", message)

    def _predict(self, request: Any, context: Any) -> Any:
        check_model(*_spec(request))
        signature, tensor = read_input(request)
        limits = self._limits

        def work(worker: WorkerProcess, deadline: float) -> Any:
            # The worker's process cannot read the tensor, because it does not import TensorFlow.
            # To read it earlier would take memory: a small message can stand for a large tensor.
            batch = read_batch(tensor, signature, limits)
            job = partial(signature.run, batch, max_pixels=limits.max_pixels)
            made = worker.run(job, deadline)
            response = predict_pb2.PredictResponse()
            response.model_spec.name = MODEL_NAME
            response.model_spec.version.value = MODEL_VERSION
            response.model_spec.signature_name = signature.name
            response.outputs[signature.output.name].CopyFrom(make_tensor_proto(made))
            return response

        return self._in_worker(context, work)

    def _in_worker(self, context: Any, work: Callable[[WorkerProcess, float], Answer]) -> Answer:
        """Runs work with a worker, for as long as the server and the client allow."""
        left, of_client = self._limits.timeout, context.time_remaining()
        if of_client is not None:
            left = min(left, of_client)
        deadline = time.monotonic() + left
        future = self._pool.submit(lambda worker: work(worker, deadline))
        if not context.add_callback(future.cancel):  # it is called when the client leaves
            future.cancel()  # the client has left already
        try:
            return future.result(left)
        except TimeoutError:
            future.cancel()
            message = "The time for this request is over."
            raise ServingError("DEADLINE_EXCEEDED", message) from None
        except futures.CancelledError:
            raise ServingError("CANCELLED", "The client has left.") from None


def _status(request: Any) -> Any:
    check_status(*_spec(request))
    return ParseDict(STATUS, get_model_status_pb2.GetModelStatusResponse())


def _spec(request: Any) -> tuple[str, int | None, str | None]:
    if not request.HasField("model_spec"):
        raise ServingError("INVALID_ARGUMENT", "Missing ModelSpec")
    spec = request.model_spec
    version = spec.version.value if spec.HasField("version") else None
    return spec.name, version, spec.version_label or None


def _metadata(request: Any) -> Any:
    check_model(*_spec(request))
    if not request.metadata_field:
        message = "GetModelMetadataRequest must specify at least one metadata_field"
        raise ServingError("INVALID_ARGUMENT", message)
    for field in request.metadata_field:
        if field != "signature_def":
            raise ServingError("INVALID_ARGUMENT", f"Metadata field {field} is not supported")
    signatures = ParseDict(
        {"signature_def": signature_defs()}, get_model_metadata_pb2.SignatureDefMap()
    )
    response = get_model_metadata_pb2.GetModelMetadataResponse()
    response.model_spec.name = MODEL_NAME
    response.model_spec.version.value = MODEL_VERSION
    response.metadata["signature_def"].Pack(signatures)
    return response
