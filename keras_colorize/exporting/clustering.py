"""A network whose kernels have few values, which learns with tensorflow-model-optimization.

That library supports only tf_keras, which is Keras 2. The network is therefore built again with
tf_keras, and the weights that it learns come back to Keras 3. No other module imports either.
"""

import os
import warnings
from pathlib import Path
from typing import Any, BinaryIO

import h5py
import keras
import numpy as np
import tensorflow as tf
from keras import ops

from keras_colorize.models.first_layer import FIRST_LAYER, fold_picture, unfold_kernel
from keras_colorize.models.generator import config_of
from keras_colorize.training.checkpoint_state import CheckpointState
from keras_colorize.training.losses import l1_loss

_before = os.environ.get("TF_USE_LEGACY_KERAS")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # both warn of their own age
    import tensorflow_model_optimization as tfmot
    import tf_keras
if _before is None:  # its import asks for Keras 2 in all processes that this one starts
    os.environ.pop("TF_USE_LEGACY_KERAS", None)

_LAST_LAYER = "ab_scaled"  # 64 weights that each pixel's colour depends on: not worth clustering
# Options of layers that both versions of Keras have and that a generator sets.
_OPTIONS = ("name", "filters", "kernel_size", "strides", "padding", "activation", "max_value")


class ClusteredNetwork(CheckpointState):
    """A network in which the weights of each kernel share a few values.

    See Han et al. 2016, section 3. The network learns from the colours of the photographs and from
    those of its float parent, with equal weights. `Run` of `keras_colorize.training.runs` can save
    and restore it.

    Args:
        equalized: network to start from, of `equalize`; it is not changed.
        parent: float network to learn from; it is not changed.
        clusters: number of values of each kernel, 2 or more.
        learning_rate: learning rate of Adam at the start; it falls linearly to 0.
        steps: number of steps of the whole fine-tuning.
    """

    def __init__(
        self,
        equalized: keras.Model,
        parent: keras.Model,
        *,
        clusters: int,
        learning_rate: float,
        steps: int,
    ) -> None:
        self.equalized, self.parent, self.clusters = equalized, parent, clusters
        self.chroma_stride = config_of(equalized).chroma_stride
        self.model = tf_keras.models.clone_model(
            to_tf_keras(fold_picture(equalized)), clone_function=self._clustered
        )
        self.learns = self.model.trainable_variables
        schedule = tf_keras.optimizers.schedules.PolynomialDecay(learning_rate, steps, 0.0)
        self.optimizer = tf_keras.optimizers.Adam(schedule)
        self.optimizer.build(self.learns)
        self.trackers = {name: keras.metrics.Mean(name=name) for name in ("l1_loss", "parent_loss")}
        self._step = tf.function(self._one_step, autograph=False, reduce_retracing=True)

    def _clustered(self, layer: Any) -> Any:
        if not layer.weights or layer.name == _LAST_LAYER:
            return layer
        init = tfmot.clustering.keras.CentroidInitialization.KMEANS_PLUS_PLUS
        return tfmot.clustering.keras.cluster_weights(
            layer, number_of_clusters=self.clusters, cluster_centroids_init=init
        )

    def __call__(self, lightness_scaled: Any, training: bool = False) -> Any:
        """Predicts `ab_scaled` from `lightness_scaled`, as the network does."""
        picture = lightness_scaled
        if self.chroma_stride > 1:
            picture = tf.nn.space_to_depth(picture, self.chroma_stride)
        return self.model(picture, training=training)

    def step(self, lightness_scaled: Any, ab_scaled: Any) -> dict[str, float]:
        """Learns from a batch, (B, H, W, 1) and (B, H, W, 2) in [-1, 1].

        Returns:
            Means of the epoch so far: `l1_loss` to the photographs, `parent_loss` to the parent.
        """
        self._step(lightness_scaled, ab_scaled)
        return {name: float(tracker.result()) for name, tracker in self.trackers.items()}

    def _one_step(self, lightness_scaled: Any, ab_scaled: Any) -> None:
        c = self.chroma_stride
        real_ab = ops.average_pool(ab_scaled, c, c, "valid") if c > 1 else ab_scaled
        parent_ab = self.parent(lightness_scaled, training=False)
        with tf.GradientTape() as tape:
            generated_ab = self(lightness_scaled, training=True)
            losses = {
                "l1_loss": l1_loss(real_ab, generated_ab),
                "parent_loss": l1_loss(parent_ab, generated_ab),
            }
            loss = losses["l1_loss"] + losses["parent_loss"]
        gradients = tape.gradient(loss, self.learns)
        self.optimizer.apply_gradients(zip(gradients, self.learns, strict=True))
        for name, value in losses.items():
            self.trackers[name].update_state(value)

    def learning_rate(self) -> float:
        """Returns the learning rate of the last step."""
        return float(self.optimizer.learning_rate)

    def result(self) -> keras.Model:
        """Returns the network of Keras 3 with the weights as they are now."""
        network = keras.models.clone_model(self.equalized)
        network.config = config_of(self.equalized)
        for layer in tfmot.clustering.keras.strip_clustering(self.model).layers:
            if layer.weights:
                kernel, bias = layer.get_weights()
                kernel = unfold_kernel(kernel) if layer.name == FIRST_LAYER else kernel
                network.get_layer(layer.name).set_weights([kernel, bias])
        return network

    def reset_means(self) -> None:
        """Starts an epoch."""
        for tracker in self.trackers.values():
            tracker.reset_state()

    def save_weights(self, to: Path | BinaryIO) -> None:
        """Saves all variables in their order, as their names do not tell them apart."""
        with h5py.File(to, "w") as file:
            for index, variable in enumerate(self._variables()):
                file[f"{index:04d}"] = variable.numpy()

    def load_weights(self, path: Path) -> None:
        """Restores what `save_weights` saved.

        Raises:
            OSError: the file is damaged.
            ValueError: the file belongs to another network.
        """
        with h5py.File(path) as file:
            values = [np.asarray(file[name]) for name in sorted(file)]
        variables = self._variables()
        if [value.shape for value in values] != [tuple(v.shape) for v in variables]:
            raise ValueError("It is of another network.")
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)

    def _variables(self) -> list[Any]:
        return [*self.model.weights, *self.optimizer.variables]


def to_tf_keras(network: keras.Model) -> Any:
    """Builds a network of convolutions, ReLUs and concatenations again with tf_keras."""
    made: dict[int, Any] = {}  # tensors of tf_keras by those of Keras 3
    for layer in network.layers:
        if isinstance(layer, keras.layers.InputLayer):
            tensor = tf_keras.Input(layer.batch_shape[1:], name=layer.name)
        else:
            config, given = layer.get_config(), layer.input
            options = {name: config[name] for name in _OPTIONS if name in config}
            copy = getattr(tf_keras.layers, type(layer).__name__)(**options)
            several = isinstance(given, list)
            tensor = copy([made[id(x)] for x in given] if several else made[id(given)])
            copy.set_weights(layer.get_weights())
        made[id(layer.output)] = tensor
    return tf_keras.Model(made[id(network.inputs[0])], made[id(network.outputs[0])])
