"""gRPC: the services of TensorFlow Serving, asked through its own stubs."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import grpc
import numpy as np
import pytest
from google.protobuf.json_format import MessageToDict
from tensorflow import make_ndarray, make_tensor_proto
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    predict_pb2,
)
from tensorflow_serving.apis.model_service_pb2_grpc import ModelServiceStub
from tensorflow_serving.apis.prediction_service_pb2_grpc import PredictionServiceStub

from keras_colorize.serving.grpc_service import start_grpc
from keras_colorize.serving.limits import Limits
from keras_colorize.serving.observation import Metrics
from keras_colorize.serving.pool import WorkerPool


class Asked:
    """A gRPC server of this process and its stubs."""

    def __init__(self, stack: ExitStack, worker: Any, limits: Limits, key: str | None) -> None:
        self.pool = WorkerPool([worker], limits.waiting)
        self.metrics = Metrics(self.pool)
        port, self.stop = start_grpc(self.pool, limits, self.metrics, "127.0.0.1:0", key)
        channel = stack.enter_context(grpc.insecure_channel(f"127.0.0.1:{port}"))
        self.prediction = PredictionServiceStub(channel)
        self.model = ModelServiceStub(channel)


@pytest.fixture(scope="module")
def ask(make_worker: Any) -> Iterator[Callable[..., Asked]]:
    with ExitStack() as stack:

        def start(runtime: Any, limits: Limits | None = None, key: str | None = None) -> Asked:
            asked = Asked(stack, make_worker(runtime), limits or Limits(), key)
            stack.callback(lambda: asked.stop().wait())
            return asked

        yield start


@pytest.fixture(scope="module")
def served(ask: Callable[..., Asked], runtime: Any) -> Asked:
    return ask(runtime)


def request(signature: str, name: str, value: Any, **spec: Any) -> Any:
    made = predict_pb2.PredictRequest()
    made.model_spec.name = spec.get("model", "colorizer")
    made.model_spec.signature_name = signature
    if "version" in spec:
        made.model_spec.version.value = spec["version"]
    if "label" in spec:
        made.model_spec.version_label = spec["label"]
    made.inputs[name].CopyFrom(make_tensor_proto(value))
    return made


def failure(call: Callable[..., Any], *arguments: Any, **options: Any) -> tuple[str, str]:
    with pytest.raises(grpc.RpcError) as error:
        call(*arguments, **options)
    return error.value.code().name, error.value.details()


def test_every_signature_gives_what_rest_gives(
    served: Asked, client: Any, tiny: bytes, make_picture: Any
) -> None:
    random = np.random.default_rng(1)
    pixels = np.asarray(make_picture(1))[None]
    lightness = random.uniform(0, 100, (2, 30, 50, 1)).astype(np.float32)
    for signature, name, value in (
        ("", "lightness", lightness),
        ("network", "lightness", random.uniform(0, 100, (1, 256, 256, 1)).astype(np.float32)),
        ("colorize_rgb", "rgb", pixels),
        ("colorize_bytes", "image_bytes", [tiny, tiny]),
    ):
        answer = served.prediction.Predict(request(signature, name, value))
        assert answer.model_spec.signature_name == (signature or "serving_default")
        assert (answer.model_spec.name, answer.model_spec.version.value) == ("colorizer", 1)
        ((_, output),) = answer.outputs.items()
        made = make_ndarray(output)
        if signature == "colorize_bytes":
            assert len(made) == 2 and made[0] == made[1] and made[0].startswith(b"\x89PNG")
            continue
        body = {"signature_name": signature, "inputs": value.tolist()}
        rest = client.post("/v1/models/colorizer:predict", json=body).json()["outputs"]
        assert np.array_equal(made, np.array(rest).astype(made.dtype))


def test_metadata_and_status_are_those_of_rest(served: Asked, client: Any) -> None:
    ask = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
    ask.model_spec.name = "colorizer"
    answer = served.prediction.GetModelMetadata(ask)
    signatures = get_model_metadata_pb2.SignatureDefMap()
    assert answer.metadata["signature_def"].Unpack(signatures)
    options = {"preserving_proto_field_name": True, "always_print_fields_with_no_presence": True}
    found = MessageToDict(signatures, **options)
    for definition in found["signature_def"].values():
        definition.pop("defaults", None)  # a field of newer protos, empty here
    rest = client.get("/v1/models/colorizer/metadata").json()
    assert found == rest["metadata"]["signature_def"]
    assert answer.model_spec.version.value == 1
    status = get_model_status_pb2.GetModelStatusRequest()
    status.model_spec.name = "colorizer"
    found = MessageToDict(served.model.GetModelStatus(status), **options)
    assert found == client.get("/v1/models/colorizer").json()


def test_wrong_requests(served: Asked, tiny: bytes) -> None:
    predict = served.prediction.Predict
    lightness = np.zeros((1, 2, 2, 1), np.float32)
    good = ("serving_default", "lightness", lightness)
    both = request(*good)
    both.inputs["rgb"].CopyFrom(make_tensor_proto(1.0))
    filtered = request(*good)
    filtered.output_filter.append("rgb")
    short = request(*good)
    short.inputs["lightness"].tensor_content = b"123"
    negative = request(*good)
    negative.inputs["lightness"].tensor_shape.dim[0].size = -1
    repeated = request("colorize_bytes", "image_bytes", [tiny])
    repeated.inputs["image_bytes"].tensor_shape.dim[0].size = 10**12
    for wrong, code, part in (
        (predict_pb2.PredictRequest(), "INVALID_ARGUMENT", "Missing ModelSpec"),
        (request(*good, model="half"), "NOT_FOUND", "request: Latest(half)"),
        (request(*good, version=2), "NOT_FOUND", "request: Specific(colorizer, 2)"),
        (request(*good, label="x"), "INVALID_ARGUMENT", "version label: x"),
        (request("x", *good[1:]), "FAILED_PRECONDITION", 'signature key "x" not found'),
        (request("", "rgb", lightness), "INVALID_ARGUMENT", "it takes lightness"),
        (both, "INVALID_ARGUMENT", "2!=1"),
        (filtered, "INVALID_ARGUMENT", "output tensor alias not found"),
        (request("", "lightness", lightness.astype(float)), "INVALID_ARGUMENT", "DT_FLOAT"),
        (request("", "lightness", lightness[0]), "INVALID_ARGUMENT", "has shape [2,2,1]"),
        (short, "INVALID_ARGUMENT", "tensor parsing error: lightness"),
        (negative, "INVALID_ARGUMENT", "tensor parsing error: lightness"),
        (repeated, "INVALID_ARGUMENT", "tensor parsing error: image_bytes"),
        (request("colorize_bytes", "image_bytes", [b"x"]), "INVALID_ARGUMENT", "not a JPEG"),
    ):
        assert (found := failure(predict, wrong))[0] == code, found
        assert part in found[1]


def test_a_small_message_for_a_huge_tensor_is_refused(served: Asked) -> None:
    bomb = request("", "lightness", np.zeros((1, 1, 1, 1), np.float32))
    for axis in (1, 2):
        bomb.inputs["lightness"].tensor_shape.dim[axis].size = 100_000
    code, words = failure(served.prediction.Predict, bomb)
    assert (code, "larger than the limit" in words) == ("RESOURCE_EXHAUSTED", True)


def test_what_is_not_there(served: Asked) -> None:
    ask = get_model_metadata_pb2.GetModelMetadataRequest()
    ask.model_spec.name = "colorizer"
    metadata = served.prediction.GetModelMetadata
    assert failure(metadata, ask)[0] == "INVALID_ARGUMENT"
    ask.metadata_field.append("other")
    assert "other is not supported" in failure(metadata, ask)[1]
    status = get_model_status_pb2.GetModelStatusRequest()
    status.model_spec.name = "colorizer"
    status.model_spec.version.value = 3
    code, words = failure(served.model.GetModelStatus, status)
    assert (code, words) == ("NOT_FOUND", "Could not find version 3 of model colorizer")
    classify = classification_pb2.ClassificationRequest()
    assert failure(served.prediction.Classify, classify)[0] == "UNIMPLEMENTED"


def test_the_key(ask: Callable[..., Asked], make_grey: Any, tiny: bytes) -> None:
    predict = ask(make_grey(), key="key").prediction.Predict
    good = request("colorize_bytes", "image_bytes", [tiny])
    for metadata in ((), (("authorization", "Bearer kex"),)):
        assert failure(predict, good, metadata=metadata)[0] == "UNAUTHENTICATED"
    for scheme in ("Bearer", "bearer"):
        assert predict(good, metadata=(("authorization", f"{scheme} key"),)).outputs


def test_limits(ask: Callable[..., Asked], make_grey: Any, tiny: bytes) -> None:
    go, begun = threading.Event(), threading.Event()

    def wait() -> None:
        begun.set()
        go.wait(600)

    asked = ask(make_grey(wait), Limits(max_bytes=10_000, waiting=1))
    predict = asked.prediction.Predict
    good = request("colorize_bytes", "image_bytes", [tiny])
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(predict, good)
        begun.wait(600)
        assert failure(predict, good, timeout=0.2)[0] == "DEADLINE_EXCEEDED"
        gone = predict.future(good)
        while asked.pool.waiting < 1:  # the one whose time was over has left it
            pass
        gone.cancel()
        while asked.pool.waiting > 0:
            pass
        waits = predict.future(good)
        while asked.pool.waiting < 1:
            pass
        code, words = failure(predict, good)
        assert (code, "busy" in words) == ("UNAVAILABLE", True)
        go.set()
        assert first.result().outputs and waits.result().outputs
    large = request("colorize_bytes", "image_bytes", [b"x" * 20_000])
    assert failure(predict, large)[0] == "RESOURCE_EXHAUSTED"
    counted = asked.metrics.registry.get_sample_value(
        "colorize_requests_total", {"interface": "grpc", "route": "Predict", "status": "OK"}
    )
    assert counted == 2


def test_a_port_that_is_taken_is_an_os_error() -> None:
    pool = WorkerPool([], 1)
    metrics = Metrics(pool)
    port, stop = start_grpc(pool, Limits(), metrics, "127.0.0.1:0", None)
    with pytest.raises(OSError, match="cannot listen"):
        start_grpc(pool, Limits(), metrics, f"127.0.0.1:{port}", None)
    stop().wait()
    pool.close()
