"""Colours a photograph over gRPC; needs tensorflow-serving-api.

python colorize_grpc.py old.jpg new.png [HOST:PORT]

KERAS_COLORIZE_API_KEY is the key of the server, if it asks for one.
"""

import os
import sys
from pathlib import Path

import grpc
from tensorflow.core.framework.types_pb2 import DT_STRING
from tensorflow_serving.apis.predict_pb2 import PredictRequest
from tensorflow_serving.apis.prediction_service_pb2_grpc import PredictionServiceStub

UNLIMITED = [("grpc.max_receive_message_length", -1)]  # 4 MB otherwise


def colorize(photograph: bytes, server: str) -> bytes:
    """Gives the PNG of a JPEG or PNG; fails with the server's sentence."""
    request = PredictRequest()
    request.model_spec.name = "colorizer"
    request.model_spec.signature_name = "colorize_bytes"
    tensor = request.inputs["image_bytes"]
    tensor.dtype = DT_STRING
    tensor.tensor_shape.dim.add().size = 1
    tensor.string_val.append(photograph)
    key = os.environ.get("KERAS_COLORIZE_API_KEY")
    metadata = [("authorization", f"Bearer {key}")] if key else []
    with grpc.insecure_channel(server, UNLIMITED) as channel:
        try:
            answer = PredictionServiceStub(channel).Predict(request, timeout=60, metadata=metadata)
        except grpc.RpcError as error:
            sys.exit(f"{error.code().name}: {error.details()}")
    return answer.outputs["colorized_bytes"].string_val[0]


if __name__ == "__main__":
    source, destination, *server = sys.argv[1:]
    picture = colorize(Path(source).read_bytes(), *(server or ["127.0.0.1:8500"]))
    Path(destination).write_bytes(picture)
