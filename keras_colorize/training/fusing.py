"""Batch norm as TensorFlow's one operation, where Keras 3 takes ten over the whole picture."""

from typing import Any

import keras
import tensorflow as tf


def fuse_batch_norm(network: Any) -> None:
    """Lets a network's batch norms use TensorFlow's fused operation in training.

    Files, copies and inference know nothing of it: the layers stay Keras's.

    Args:
        network: channels last; its results stay the same but for rounding.
    """
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.call = _fused(layer)


def _fused(layer: Any) -> Any:
    usual = layer.call

    def call(inputs: Any, training: Any = None, mask: Any = None) -> Any:
        if not training or not layer.trainable:
            return usual(inputs, training=training, mask=mask)
        outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=tf.convert_to_tensor(layer.gamma, tf.float32),
            offset=tf.convert_to_tensor(layer.beta, tf.float32),
            mean=tf.zeros(0),
            variance=tf.zeros(0),
            epsilon=layer.epsilon,
            is_training=True,
        )
        # The operation gives the variance of a sample; Keras takes the plain mean square.
        count = tf.cast(tf.size(inputs) // tf.size(mean), tf.float32)
        for moving, seen in (
            (layer.moving_mean, mean),
            (layer.moving_variance, variance * (count - 1.0) / count),
        ):
            moving.assign(moving * layer.momentum + seen * (1.0 - layer.momentum))
        return outputs

    return call
