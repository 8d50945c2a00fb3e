"""How much of a file XNNPACK takes over."""

import numpy as np
import pytest
import tensorflow as tf

from keras_colorize.exporting.delegation import Delegation, delegation_of


def test_a_single_file_is_one_partition(single_file, tmp_path):
    (tmp_path / "a.tflite").write_bytes(single_file)
    found = delegation_of(tmp_path / "a.tflite")
    assert found.partitions == 1
    assert found.delegated == found.nodes > 60


@pytest.mark.filterwarnings("ignore:.*tf.lite.Interpreter is deprecated")
def test_what_xnnpack_does_not_know_splits_it(tmp_path):
    kernel = tf.constant(np.random.default_rng(0).normal(size=(3, 3, 2, 2)).astype(np.float32))

    @tf.function(input_signature=[tf.TensorSpec((1, 8, 8, 2), tf.float32)])
    def network(x):
        x = tf.nn.relu(tf.nn.conv2d(x, kernel, 1, "SAME"))
        x = tf.math.cumsum(x, axis=1)
        return tf.nn.relu(tf.nn.conv2d(x, kernel, 1, "SAME"))

    concrete = network.get_concrete_function()
    model = tf.lite.TFLiteConverter.from_concrete_functions([concrete]).convert()
    (tmp_path / "a.tflite").write_bytes(model)
    assert delegation_of(tmp_path / "a.tflite") == Delegation(nodes=3, delegated=2, partitions=2)
