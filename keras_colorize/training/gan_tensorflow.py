"""The conditional GAN on TensorFlow."""

import functools
from typing import Any

import keras
import tensorflow as tf

from keras_colorize.training.fused_batch_norm import fuse_batch_norm
from keras_colorize.training.gan_base import BaseGAN
from keras_colorize.training.gradients import gradient_norms
from keras_colorize.training.losses import discriminator_loss, l1_loss

_ZERO = tf.UnconnectedGradients.ZERO  # the gradient of a frozen encoder


@keras.saving.register_keras_serializable("keras_colorize")
class ColorizationGAN(BaseGAN):
    """Trains a generator with a discriminator and an L1 loss (Gui et al.).

    `BaseGAN` describes the arguments, `compile` and `fit`. Build and compile the GAN in the scope
    of a `tf.distribute` strategy to train on several replicas. A step then has the same result as
    on one device, except that each replica computes batch norm on its own part of the batch.

    Examples:
        >>> gan = ColorizationGAN(build_generator(), build_discriminator())
        >>> gan.compile(keras.optimizers.Adam(3e-4, 0.5), keras.optimizers.Adam(3e-4, 0.5))
        >>> gan.fit(dataset, epochs=20, shuffle=False)
        >>> gan.best_generator.save("generator.keras")
    """

    resize = staticmethod(tf.image.resize)  # also accepts a size that is a tensor

    def __init__(self, *networks: keras.Model, **options: Any) -> None:
        super().__init__(*networks, **options)
        # Only the steps of the GAN are distributed. A network on its own predicts on one device.
        for network in filter(None, (self.generator, self.discriminator, self.ema_generator)):
            network._distribute_strategy = None
            fuse_batch_norm(network)

    def compile(self, *arguments: Any, jit_compile: bool = False, **kwargs: Any) -> None:
        """Compiles as `BaseGAN.compile` does, but without XLA by default: it is slower on a CPU."""
        super().compile(*arguments, jit_compile=jit_compile, **kwargs)
        for optimizer in filter(None, (self.optimizer, self.discriminator_optimizer)):
            inner: Any = getattr(optimizer, "inner_optimizer", optimizer)
            # The step sums the gradients over the replicas itself, because the norms and the check
            # for overflow need the sum. Keras would sum them again, but not while accumulating, so
            # its updates are replaced by ones that only change a replica's own copies.
            inner._backend_update_step = functools.partial(_update, inner)
            inner._backend_increment_gradient_accumulators = _accumulate

    def _maybe_symbolic_build(self, *_arguments: Any, **_options: Any) -> None:
        """Does nothing: all parts are built. Keras would fetch a batch, which workers cannot do."""

    def train_step(self, data: Any) -> dict[str, Any]:
        """Updates the discriminator and then the generator, on the same generated ab.

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
        """Returns the learner's outputs in training, and updates batch norm's moving statistics."""
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
        """Returns the discriminator's logits without changing its moving statistics."""
        logits, _ = self.discriminator.stateless_call(
            self.discriminator.trainable_variables,
            self.discriminator.non_trainable_variables,
            [lightness, generated_ab],
            training=True,
        )
        return logits

    def _update_ema(self, before: Any) -> None:
        decay = self.ema_decay(before, self.iterations())
        # `weights` leaves out the states of random generators, which have no average.
        for average, value in zip(self.ema_generator.weights, self.generator.weights, strict=True):
            average.assign(average + (1.0 - decay) * (value - average))

    def test_step(self, data: Any) -> dict[str, Any]:
        """Measures the L1 loss and the scores of `best_generator` without changing it."""
        lightness, real_ab, _ = keras.utils.unpack_x_y_sample_weight(data)
        generated_ab = self.best_generator(lightness, training=False)
        loss = l1_loss(self.to_chroma_resolution(real_ab), generated_ab)
        real, generated = (self.to_lab(lightness, ab) for ab in (real_ab, generated_ab))
        for score in self.scores.values():
            score.update_state(real, generated)
        shown = {"loss": self.trackers["l1_loss"], "l1_loss": self.trackers["l1_loss"]}
        return self._track({"l1_loss": loss}, shown | self.scores)

    def _track(self, losses: dict[str, Any], shown: dict[str, Any]) -> dict[str, Any]:
        """Adds a replica's losses to the means, and returns those in `shown`."""
        for name, value in losses.items():
            self.trackers[name].update_state(value, 1.0 / _replicas())  # Keras sums over replicas
        logs = {name: metric.result() for name, metric in shown.items()}
        if isinstance(tf.distribute.get_strategy(), tf.distribute.MultiWorkerMirroredStrategy):
            return {name: value[None] for name, value in logs.items()}  # `fit` needs an axis
        return logs


def _replicas() -> int:
    count: int = tf.distribute.get_strategy().num_replicas_in_sync
    return count


def _sum_over_replicas(gradients: list[Any]) -> list[Any]:
    """Sums the gradients of all replicas, each of which has those of its part of the batch."""
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
