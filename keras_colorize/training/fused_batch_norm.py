"""Batch norm as one fused TensorFlow operation. Keras 3 uses ten operations instead."""

from typing import Any

import keras
import tensorflow as tf


def fuse_batch_norm(network: Any) -> None:
    """Makes the batch norm layers of a network use TensorFlow's fused operation.

    The results stay the same up to rounding. Saved files and copies of the network have the usual
    Keras layers.

    Args:
        network: A network in the format `channels_last`, which is changed in place.
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
        # The operation returns the unbiased variance; Keras uses the biased one.
        count = tf.cast(tf.size(inputs) // tf.size(mean), tf.float32)
        for moving, seen in (
            (layer.moving_mean, mean),
            (layer.moving_variance, variance * (count - 1.0) / count),
        ):
            moving.assign(moving * layer.momentum + seen * (1.0 - layer.momentum))
        return outputs

    return call
