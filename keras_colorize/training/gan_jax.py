"""The conditional GAN on JAX, with steps that are pure functions of the variables' values."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import jax
import keras

from keras_colorize.training.gan_base import BaseGAN
from keras_colorize.training.gradients import gradient_norms
from keras_colorize.training.losses import discriminator_loss, l1_loss

Values = dict[int, Any]  # maps the id of a Keras variable to its value


def _take(values: Values, variables: Iterable[Any]) -> list[Any]:
    return [values[id(variable)] for variable in variables]


def _put(values: Values, variables: Iterable[Any], new: Iterable[Any]) -> None:
    values.update((id(v), value) for v, value in zip(variables, new, strict=True))


def recompute(f: Callable[..., Any]) -> Callable[..., Any]:
    """Recomputes a function for its gradient, as `jax.checkpoint` does, and also on a CPU.

    On a CPU, XLA removes the barriers of `jax.checkpoint` and computes both passes at once. Here
    the second pass cannot start early, because its inputs depend on the gradient.

    Args:
        f: A function that maps float arrays to a list of float arrays.

    Returns:
        A function with the same arguments and results.
    """

    def backward(arguments: Any, gradients: Any) -> Any:
        zero = 0.0 * gradients[0].ravel()[0]
        late = [x + zero.astype(x.dtype) for x in arguments]
        return jax.vjp(f, *late)[1](gradients)

    recomputed = jax.custom_vjp(f)
    recomputed.defvjp(lambda *arguments: (f(*arguments), arguments), backward)
    return recomputed


@keras.saving.register_keras_serializable("keras_colorize")
class ColorizationGAN(BaseGAN):
    """Trains a generator with a discriminator and an L1 loss (Gui et al.).

    `BaseGAN` describes the arguments, `compile` and `fit`. The steps compute the same as on
    TensorFlow. A step gets the values of all variables and returns new ones, so that XLA can
    compile it as a whole and reuse the memory of the old values.

    Examples:
        >>> gan = ColorizationGAN(build_generator(), build_discriminator())
        >>> gan.compile(keras.optimizers.Adam(3e-4, 0.5), keras.optimizers.Adam(3e-4, 0.5))
        >>> gan.fit(batches, epochs=20, shuffle=False)
        >>> gan.best_generator.save("generator.keras")
    """

    recompute = staticmethod(recompute)

    @property
    def non_trainable_variables(self) -> list[Any]:
        """Includes the discriminator's optimizer, because Keras passes the state of only one."""
        optimizer = getattr(self, "discriminator_optimizer", None)
        return [*super().non_trainable_variables, *(optimizer.variables if optimizer else ())]

    def _lists(self) -> tuple[Sequence[Any], ...]:
        """The variables, in the order in which Keras passes their values."""
        return (
            self.trainable_variables,
            self.non_trainable_variables,
            self.optimizer.variables,
            self.metrics_variables,
        )

    def train_step(self, state: Any, data: Any) -> tuple[dict[str, Any], Any]:
        """Updates the discriminator and then the generator, on the same generated ab.

        Args:
            state: Lists of the values of trainable variables, non-trainable variables, the
                generator's optimizer and metrics.
            data: (`lightness_scaled` (B, H, W, 1), `ab_scaled` (B, H, W, 2)).

        Returns:
            The means of losses and gradient norms over the epoch so far, and the new state.
        """
        lists = self._lists()
        values: Values = {}
        for variables, some in zip(lists, state, strict=True):
            _put(values, variables, some)
        lightness, real_ab, _ = keras.utils.unpack_x_y_sample_weight(data)
        real_ab = self.to_chroma_resolution(real_ab)
        learner = self.learner

        def generate(weights: Any) -> tuple[Any, Any]:
            statistics = _take(values, learner.non_trainable_variables)
            return self.generate(self.with_rest(weights), statistics, lightness)

        weights = _take(values, learner.trainable_variables)
        outputs, backward, statistics = jax.vjp(generate, weights, has_aux=True)
        _put(values, learner.non_trainable_variables, statistics)
        generated_ab = self.colors(outputs)[1]

        losses: dict[str, Any] = {}
        small_lightness = self.to_chroma_resolution(lightness)
        if self.adversarial:
            losses["discriminator_loss"] = self._discriminator_step(
                values, small_lightness, real_ab, generated_ab
            )

        def generator_loss(outputs: Any) -> tuple[Any, dict[str, Any]]:
            colors, ab = self.colors(outputs)
            logits = self._judge(values, small_lightness, ab)[0] if self.adversarial else None
            parts = self.generator_losses(real_ab, colors, ab, logits)
            return self._scaled(values, self.optimizer, parts["generator_loss"]), parts

        gradient, parts = jax.grad(generator_loss, has_aux=True)(outputs)
        gradients = backward(gradient)[0]
        norms = gradient_norms(gradients, self.scales, self._scaled(values, self.optimizer, 1.0))
        with self._reading(values, self.optimizer):
            before = self.iterations()
        self._apply(values, self.optimizer, learner, gradients)
        if self.ema_generator is not None:
            self._update_ema(values, before)
        logs = self._track(values, losses | parts | norms)
        return logs, tuple(_take(values, variables) for variables in lists)

    def _discriminator_step(
        self, values: Values, lightness: Any, real_ab: Any, generated_ab: Any
    ) -> Any:
        discriminator, optimizer = self.discriminator, self.discriminator_optimizer

        def loss_of(weights: Any) -> tuple[Any, Any]:
            seen = dict(values)
            _put(seen, discriminator.trainable_variables, weights)
            real_logits, statistics = self._judge(seen, lightness, real_ab)
            _put(seen, discriminator.non_trainable_variables, statistics)
            generated_logits, statistics = self._judge(seen, lightness, generated_ab)
            loss = discriminator_loss(real_logits, generated_logits, self.label_smoothing)
            return self._scaled(values, optimizer, loss), (loss, statistics)

        weights = _take(values, discriminator.trainable_variables)
        gradients, (loss, statistics) = jax.grad(loss_of, has_aux=True)(weights)
        _put(values, discriminator.non_trainable_variables, statistics)
        self._apply(values, optimizer, discriminator, gradients)
        return loss

    def _judge(self, values: Values, lightness: Any, ab: Any) -> tuple[Any, Any]:
        """Returns the discriminator's logits and its new moving statistics."""
        discriminator = self.discriminator
        weights = _take(values, discriminator.trainable_variables)
        statistics = _take(values, discriminator.non_trainable_variables)
        return discriminator.stateless_call(weights, statistics, [lightness, ab], training=True)

    def _scaled(self, values: Values, optimizer: Any, loss: Any) -> Any:
        with self._reading(values, optimizer):
            return optimizer.scale_loss(loss)

    def _reading(self, values: Values, optimizer: Any) -> Any:
        return keras.StatelessScope(state_mapping=[(v, values[id(v)]) for v in optimizer.variables])

    def _apply(self, values: Values, optimizer: Any, network: Any, gradients: Any) -> None:
        variables = network.trainable_variables
        weights, slots = optimizer.stateless_apply(
            _take(values, optimizer.variables), gradients, _take(values, variables)
        )
        _put(values, variables, weights)
        _put(values, optimizer.variables, slots)

    def _update_ema(self, values: Values, before: Any) -> None:
        with self._reading(values, self.optimizer):
            decay = self.ema_decay(before, self.iterations())
        averages, sources = self.ema_generator.weights, self.generator.weights
        pairs = zip(_take(values, averages), _take(values, sources), strict=True)
        _put(values, averages, [old + (1.0 - decay) * (new - old) for old, new in pairs])

    def _track(self, values: Values, losses: dict[str, Any]) -> dict[str, Any]:
        for name, value in losses.items():
            tracker = self.trackers[name]
            before = _take(values, tracker.variables)
            _put(values, tracker.variables, tracker.stateless_update_state(before, value))
        return {
            name: tracker.stateless_result(_take(values, tracker.variables))
            for name, tracker in self.trackers.items()
        }

    def test_step(self, state: Any, data: Any) -> tuple[dict[str, Any], Any]:
        """Measures the L1 loss and the scores of `best_generator` without changing it."""
        trainable, others, _, metrics = self._lists()
        values: Values = {}
        for variables, some in zip((trainable, others, metrics), state, strict=True):
            _put(values, variables, some)
        lightness, real_ab, _ = keras.utils.unpack_x_y_sample_weight(data)
        network = self.best_generator
        generated_ab, _ = network.stateless_call(
            _take(values, network.trainable_variables),
            _take(values, network.non_trainable_variables),
            lightness,
            training=False,
        )
        loss = l1_loss(self.to_chroma_resolution(real_ab), generated_ab)
        tracked = self._track(values, {"l1_loss": loss})["l1_loss"]
        logs = {"loss": tracked, "l1_loss": tracked}
        real, generated = (self.to_lab(lightness, ab) for ab in (real_ab, generated_ab))
        for name, score in self.scores.items():
            before = _take(values, score.variables)
            after = score.stateless_update_state(before, real, generated)
            _put(values, score.variables, after)
            logs[name] = score.stateless_result(after)
        return logs, (*state[:2], _take(values, metrics))
