"""`export/tf_serving`: its configuration holds against TensorFlow Serving's protocol buffers."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import (
    descriptor_pb2,
    descriptor_pool,
    message_factory,
    text_format,
    wrappers_pb2,
)
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

from keras_colorize.serving.rest import MODEL_NAME

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "export" / "tf_serving"


def test_models_config_serves_the_exported_model() -> None:
    config = text_format.Parse((FOLDER / "models.config").read_text(), ModelServerConfig())
    (model,) = config.model_config_list.config
    assert (model.name, model.base_path) == (MODEL_NAME, f"/models/{MODEL_NAME}")
    assert model.model_platform == "tensorflow"
    assert model.model_version_policy.latest.num_versions == 1


def test_monitoring_config_turns_prometheus_on() -> None:
    """Its message is in no other package than ovmsclient, which wants a process of its own."""
    code = """
import sys
from google.protobuf import text_format

from ovmsclient.tfs_compat.protos.tensorflow_serving.config import monitoring_config_pb2
config = text_format.Parse(open(sys.argv[1]).read(), monitoring_config_pb2.MonitoringConfig())
print(config.prometheus_config.enable, config.prometheus_config.path)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, FOLDER / "monitoring.config"], capture_output=True, text=True
    )
    assert done.stdout == "True /monitoring/prometheus/metrics\n", done.stderr


def batching_parameters() -> Any:
    """The message, which is in no package; its fields as in `session_bundle_config.proto`."""
    file = descriptor_pb2.FileDescriptorProto(
        name="batching.proto",
        package="tensorflow.serving",
        syntax="proto3",
        dependency=["google/protobuf/wrappers.proto"],
    )
    message = file.message_type.add(name="BatchingParameters")
    kinds = descriptor_pb2.FieldDescriptorProto
    for number, name in enumerate(
        ("max_batch_size", "batch_timeout_micros", "max_enqueued_batches", "num_batch_threads"), 1
    ):
        message.field.add(
            name=name,
            number=number,
            label=kinds.LABEL_OPTIONAL,
            type=kinds.TYPE_MESSAGE,
            type_name=".google.protobuf.Int64Value",
        )
    message.field.add(
        name="allowed_batch_sizes", number=6, label=kinds.LABEL_REPEATED, type=kinds.TYPE_INT64
    )
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(wrappers_pb2.DESCRIPTOR.serialized_pb)
    pool.Add(file)
    described = pool.FindMessageTypeByName("tensorflow.serving.BatchingParameters")
    return message_factory.GetMessageClass(described)()


def test_batching_config_keeps_the_rules() -> None:
    config = text_format.Parse((FOLDER / "batching.config").read_text(), batching_parameters())
    sizes = list(config.allowed_batch_sizes)
    assert sizes == sorted(sizes) and sizes[-1] == config.max_batch_size.value == 4
    assert config.num_batch_threads.value >= 1
    with pytest.raises(text_format.ParseError):
        text_format.Parse("max_batch_sise { value: 4 }", batching_parameters())


def test_compose_mounts_what_the_flags_name() -> None:
    text = (FOLDER / "compose.yaml").read_text()
    for name in ("models.config", "monitoring.config"):
        assert f"config_file=/config/{name}" in text and (FOLDER / name).exists()
    assert ":/models:ro" in text and ".:/config:ro" in text
    ports = [line.split('"')[1] for line in text.splitlines() if '- "' in line]
    assert ports == ["127.0.0.1:8500:8500", "127.0.0.1:8501:8501"]
    assert "batching" not in "".join(line for line in text.splitlines() if "--" in line)


def test_the_readme_names_every_file() -> None:
    text = (FOLDER / "README.md").read_text()
    assert [name for name in os.listdir(FOLDER) if name not in text] == ["README.md"]
