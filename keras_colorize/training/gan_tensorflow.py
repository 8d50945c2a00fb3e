"""The conditional GAN on TensorFlow: its training and its test step."""

import functools
from typing import Any

import keras
import tensorflow as tf

from keras_colorize.training.fused_batch_norm import fuse_batch_norm
from keras_colorize.training.gan_base import BaseGAN
from keras_colorize.training.gradients import gradient_norms
from keras_colorize.training.losses import discriminator_loss, l1_loss

_ZERO = tf.UnconnectedGradients.ZERO  # of an encoder that rests


@keras.saving.register_keras_serializable("keras_colorize")
class ColorizationGAN(BaseGAN):
    """Trains a generator against a discriminator, with an L1 loss beside it (Gui et al.).

    See `BaseGAN` for the arguments, and for what `compile` and `fit` take. Built and compiled under
    a `tf.distribute` strategy, its step on n replicas is that of one on the whole batch, but for
    batch norm, which each replica computes of its own part.

    Examples:
        >>> gan = ColorizationGAN(build_generator(), build_discriminator())
        >>> gan.compile(keras.optimizers.Adam(3e-4, 0.5), keras.optimizers.Adam(3e-4, 0.5))
        >>> gan.fit(dataset, epochs=20, shuffle=False)
        >>> gan.best_generator.save("generator.keras")
    """

    resize = staticmethod(tf.image.resize)  # to a size, too, that the graph does not know

    def __init__(self, *networks: keras.Model, **options: Any) -> None:
        super().__init__(*networks, **options)
        # The step is a strategy's affair; what a network predicts by itself, one device computes.
        for network in filter(None, (self.generator, self.discriminator, self.ema_generator)):
            network._distribute_strategy = None
            fuse_batch_norm(network)

    def compile(self, *arguments: Any, jit_compile: bool = False, **kwargs: Any) -> None:
        """As `BaseGAN.compile`; without XLA, which on a CPU is slower, unless asked for."""
        super().compile(*arguments, jit_compile=jit_compile, **kwargs)
        for optimizer in filter(None, (self.optimizer, self.discriminator_optimizer)):
            inner: Any = getattr(optimizer, "inner_optimizer", optimizer)
            # The step sums over the replicas: the norms, and whether all is finite, are of the sum.
            # So each replica moves its copies; Keras would sum again, and not while accumulating.
            inner._backend_update_step = functools.partial(_update, inner)
            inner._backend_increment_gradient_accumulators = _accumulate

    def _maybe_symbolic_build(self, *_arguments: Any, **_options: Any) -> None:
        """Does nothing: all parts are built. Keras would draw a batch, which workers cannot."""

    def train_step(self, data: Any) -> dict[str, Any]:
        """One step of the discriminator, then one of the generator, on the same generated ab.

        Args:
            data: (`lightness_scaled` (B, H, W, 1), `ab_scaled` (B, H, W, 2)).

        Returns:
            The means of losses and gradient norms over the epoch so far.
        """
        lightness, real_ab, _ = keras.utils.unpack_x_y_sample_weight(data)
        losses: dict[str, Any] = {}
        with tf.GradientTape() as tape:
            colors, generated_ab = self.colors(self._generated(lightness))
            real_ab = self.to_chroma_resolution(real_ab)
            logits = None
            if self.adversarial:
                small_lightness = self.to_chroma_resolution(lightness)
                with tape.stop_recording():
                    losses["discriminator_loss"] = self._discriminator_step(
                        small_lightness, real_ab, generated_ab
                    )
                logits = self._judge(small_lightness, generated_ab)
            losses |= self.generator_losses(real_ab, colors, generated_ab, logits)
            scaled_loss = self.optimizer.scale_loss(losses["generator_loss"]) / _replicas()
        variables = self.learner.trainable_variables
        gradients = _sum_over_replicas(
            tape.gradient(scaled_loss, [v.value for v in variables], unconnected_gradients=_ZERO)
        )
        norms = gradient_norms(gradients, self.scales, self.optimizer.scale_loss(1.0))
        before = self.iterations()
        self.optimizer.apply(gradients, variables)
        if self.ema_generator is not None:
            self._update_ema(before)
        return self._track(losses | norms, self.trackers)

    def _generated(self, lightness: Any) -> Any:
        """The learner's outputs of a training pass, which may move batch norm's statistics."""
        weights = [tf.convert_to_tensor(v.value) for v in self.learner.trainable_variables]
        statistics = self.learner.non_trainable_variables
        outputs, new = self.generate(
            self.with_rest(weights), [tf.convert_to_tensor(v.value) for v in statistics], lightness
        )
        for variable, value in zip(statistics, new, strict=True):
            variable.assign(value)
        return outputs

    def _discriminator_step(self, lightness: Any, real_ab: Any, generated_ab: Any) -> Any:
        optimizer = self.discriminator_optimizer
        with tf.GradientTape() as tape:
            real_logits = self.discriminator([lightness, real_ab], training=True)
            generated_logits = self.discriminator([lightness, generated_ab], training=True)
            loss = discriminator_loss(real_logits, generated_logits, self.label_smoothing)
            scaled_loss = optimizer.scale_loss(loss) / _replicas()
        variables = self.discriminator.trainable_variables
        optimizer.apply(_sum_over_replicas(tape.gradient(scaled_loss, variables)), variables)
        return loss

    def _judge(self, lightness: Any, generated_ab: Any) -> Any:
        """Logits with batch statistics, leaving the discriminator's moving ones alone."""
        logits, _ = self.discriminator.stateless_call(
            self.discriminator.trainable_variables,
            self.discriminator.non_trainable_variables,
            [lightness, generated_ab],
            training=True,
        )
        return logits

    def _update_ema(self, before: Any) -> None:
        decay = self.ema_decay(before, self.iterations())
        # Weights: the state of random numbers is a variable too, and has no average.
        for average, value in zip(self.ema_generator.weights, self.generator.weights, strict=True):
            average.assign(average + (1.0 - decay) * (value - average))

    def test_step(self, data: Any) -> dict[str, Any]:
        """L1 loss and `scores` of `best_generator`; changes no weight and no statistic."""
        lightness, real_ab, _ = keras.utils.unpack_x_y_sample_weight(data)
        generated_ab = self.best_generator(lightness, training=False)
        loss = l1_loss(self.to_chroma_resolution(real_ab), generated_ab)
        real, generated = (self.to_lab(lightness, ab) for ab in (real_ab, generated_ab))
        for score in self.scores.values():
            score.update_state(real, generated)
        shown = {"loss": self.trackers["l1_loss"], "l1_loss": self.trackers["l1_loss"]}
        return self._track({"l1_loss": loss}, shown | self.scores)

    def _track(self, losses: dict[str, Any], shown: dict[str, Any]) -> dict[str, Any]:
        """Counts a replica's losses in; returns its means shown: `fit` takes the mean of those."""
        for name, value in losses.items():
            self.trackers[name].update_state(value, 1.0 / _replicas())  # it is a sum over replicas
        logs = {name: metric.result() for name, metric in shown.items()}
        if isinstance(tf.distribute.get_strategy(), tf.distribute.MultiWorkerMirroredStrategy):
            return {name: value[None] for name, value in logs.items()}  # `fit` there wants an axis
        return logs


def _replicas() -> int:
    count: int = tf.distribute.get_strategy().num_replicas_in_sync
    return count


def _sum_over_replicas(gradients: list[Any]) -> list[Any]:
    """The gradients of the whole batch's loss, of which each replica has the share of its part."""
    if _replicas() == 1:
        return gradients
    context = tf.distribute.get_replica_context()
    summed: list[Any] = context.all_reduce(tf.distribute.ReduceOp.SUM, gradients)
    return summed


def _update(optimizer: Any, gradients: list[Any], variables: list[Any], rate: Any) -> None:
    for gradient, variable in zip(gradients, variables, strict=True):
        optimizer.update_step(gradient, variable, rate)


def _accumulate(gradients: list[Any], accumulators: list[Any]) -> None:
    for gradient, accumulator in zip(gradients, accumulators, strict=True):
        accumulator.assign(accumulator + gradient)
