"""Batch norm as TensorFlow's one operation, where Keras 3 takes ten over the whole picture."""

from typing import Any

import keras
import tensorflow as tf


def fuse_batch_norm(network: Any) -> None:
    """Lets a network's batch norms use TensorFlow's fused operation.

    Files and copies know nothing of it: the layers stay Keras's.

    Args:
        network: channels last; its results stay the same but for rounding.
    """
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.call = _fused(layer)


def _fused(layer: Any) -> Any:
    usual = layer.call

    def call(inputs: Any, training: Any = None, mask: Any = None) -> Any:
        if not layer.trainable:
            return usual(inputs, training=training, mask=mask)
        statistics = [] if training else [layer.moving_mean, layer.moving_variance]
        given = [tf.convert_to_tensor(v, tf.float32) for v in statistics] or [tf.zeros(0)] * 2
        outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=tf.convert_to_tensor(layer.gamma, tf.float32),
            offset=tf.convert_to_tensor(layer.beta, tf.float32),
            mean=given[0],
            variance=given[1],
            epsilon=layer.epsilon,
            is_training=bool(training),
        )
        if not training:
            return outputs
        # The operation gives the variance of a sample; Keras takes the plain mean square.
        count = tf.cast(tf.size(inputs) // tf.size(mean), tf.float32)
        for moving, seen in (
            (layer.moving_mean, mean),
            (layer.moving_variance, variance * (count - 1.0) / count),
        ):
            moving.assign(moving * layer.momentum + seen * (1.0 - layer.momentum))
        return outputs

    return call
