"""The photographs in a TFRecord file, read without TensorFlow."""

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format

# What of `tf.train.Example` holds bytes; a map is a list of entries on the wire. The format and its
# numbers: tensorflow/core/example/{example,feature}.proto.
_EXAMPLE = """
name: "example.proto" package: "shards" syntax: "proto3"
message_type { name: "Example"
  field { name: "features" number: 1 type_name: "Features" label: LABEL_OPTIONAL } }
message_type { name: "Features"
  field { name: "feature" number: 1 type_name: "Entry" label: LABEL_REPEATED } }
message_type { name: "Entry"
  field { name: "key" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL }
  field { name: "value" number: 2 type_name: "Feature" label: LABEL_OPTIONAL } }
message_type { name: "Feature"
  field { name: "bytes_list" number: 1 type_name: "BytesList" label: LABEL_OPTIONAL } }
message_type { name: "BytesList"
  field { name: "value" number: 1 type: TYPE_BYTES label: LABEL_REPEATED } }
"""
_LENGTH, _CHECKSUM = 8, 4  # bytes of each; a record is length, checksum, data, checksum


def images_in(contents: bytes) -> list[bytes]:
    """Returns the feature `image` of each record of a shard, in order.

    The file's contents are known to be sound: the records' checksums are not looked at.
    """
    images = []
    start = 0
    while start < len(contents):
        data = start + _LENGTH + _CHECKSUM
        end = data + int.from_bytes(contents[start : start + _LENGTH], "little")
        example = _Example.FromString(contents[data:end])
        features = {entry.key: entry.value for entry in example.features.feature}
        images.append(features["image"].bytes_list.value[0])
        start = end + _CHECKSUM
    return images


def _message_class() -> Any:
    pool = descriptor_pool.DescriptorPool()  # one of our own: TensorFlow may be loaded, too
    pool.Add(text_format.Parse(_EXAMPLE, descriptor_pb2.FileDescriptorProto()))
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("shards.Example"))


_Example = _message_class()
