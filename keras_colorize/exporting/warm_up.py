"""Warm-up requests: a server answers them while it starts, so that later requests are not slow."""

from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

WARM_UP_FILE = Path("assets.extra", "tf_serving_warmup_requests")  # where TensorFlow Serving looks
_SIZES = ((256, 256), (256, 384), (384, 256))  # square, and the 3 : 2 of most cameras


def write_warm_up(saved_model: Path, name: str) -> None:
    """Writes requests for every signature that takes pictures into the folder of a SavedModel.

    A server that loads the model under this name answers them first.
    """
    path = saved_model / WARM_UP_FILE
    path.parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for size in _SIZES:
            ramp = np.linspace(0, 255, size[0] * size[1]).reshape(size)
            rgb = np.repeat(ramp.astype(np.uint8)[..., None], 3, axis=2)
            requests = {
                "serving_default": ("lightness", ramp[None, ..., None].astype(np.float32) / 2.55),
                "colorize_rgb": ("rgb", rgb[None]),
                "colorize_bytes": ("image_bytes", [tf.io.encode_jpeg(rgb).numpy()]),
            }
            for signature, (argument, value) in requests.items():
                log = PredictionLog()
                request = log.predict_log.request
                request.model_spec.name = name
                request.model_spec.signature_name = signature
                request.inputs[argument].CopyFrom(tf.make_tensor_proto(value))
                writer.write(log.SerializeToString())
