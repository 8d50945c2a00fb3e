"""The conditional GAN as a Keras model on TensorFlow: its training and its test step."""

from typing import Any

import keras
import tensorflow as tf

from keras_colorize.training.losses import adversarial_loss, discriminator_loss, l1_loss


@keras.saving.register_keras_serializable("keras_colorize")
class ColorizationGAN(keras.Model):
    """Trains a generator against a discriminator, with an L1 loss beside it (Gui et al.).

    `fit` takes batches of (`lightness_scaled` (B, H, W, 1), `ab_scaled` (B, H, W, 2)), both in
    [-1, 1]; ab and, for the discriminator, L are area-averaged to the generator's chroma
    resolution here. While `adversarial` is False, steps are L1 alone and the discriminator
    rests; call `make_train_function(force=True)` after changing it.

    Args:
        generator: from `build_generator`.
        discriminator: from `build_discriminator`.
        ema: decay of the moving average of all of the generator's weights, batch norm
            statistics included, kept in `ema_generator`; 0 = no average.

    Example:
        >>> gan = ColorizationGAN(build_generator(), build_discriminator())
        >>> gan.compile(keras.optimizers.Adam(3e-4, 0.5), keras.optimizers.Adam(3e-4, 0.5))
        >>> gan.fit(dataset, epochs=20, shuffle=False)
        >>> gan.best_generator.save("generator.keras")
    """

    def __init__(
        self, generator: keras.Model, discriminator: keras.Model, *, ema: float = 0.0, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if not 0.0 <= ema < 1.0:
            raise ValueError(f"ema must be in [0, 1), got {ema}.")
        self.generator = generator
        self.discriminator = discriminator
        self.ema = ema
        self.ema_generator: Any = None
        if ema:
            self.ema_generator = keras.models.clone_model(generator)
            self.ema_generator.set_weights(generator.get_weights())
            self.ema_generator.trainable = False
        self.adversarial = True
        self.chroma_stride = 256 // generator.compute_output_shape((1, 256, 256, 1))[1]
        self.trackers = {
            name: keras.metrics.Mean(name=name)
            for name in ("generator_loss", "discriminator_loss", "adversarial_loss", "l1_loss")
        }
        # The parts are built; without this, fit would look for a call method of the whole.
        self.built = True

    @property
    def best_generator(self) -> keras.Model:
        """The generator to evaluate and export: the average where there is one."""
        return self.ema_generator or self.generator

    @property
    def generator_optimizer(self) -> keras.optimizers.Optimizer:
        """Keras's own `optimizer` attribute: callbacks look for it there."""
        return self.optimizer

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """The losses' running means, reset by `fit` at each epoch."""
        return list(self.trackers.values())

    def compile(
        self,
        generator_optimizer: Any,
        discriminator_optimizer: Any,
        l1_weight: float = 100.0,
        label_smoothing: float = 0.0,
        jit_compile: bool = False,
        **kwargs: Any,
    ) -> None:
        """Sets the optimizers and the weights of the losses.

        Args:
            generator_optimizer: an optimizer of its own, not shared with the discriminator.
            discriminator_optimizer: likewise.
            l1_weight: lambda of equation 3.
            label_smoothing: see `discriminator_loss`.
            jit_compile: compile the step with XLA (on a CPU slower than without).
            **kwargs: `steps_per_execution`, `run_eagerly` and the like, as in `keras.Model`.

        Raises:
            ValueError: both optimizers are the same object.
        """
        super().compile(optimizer=generator_optimizer, jit_compile=jit_compile, **kwargs)
        self.discriminator_optimizer = keras.optimizers.get(discriminator_optimizer)
        if self.optimizer is self.discriminator_optimizer:
            raise ValueError("Generator and discriminator need an optimizer each, not one shared.")
        self.l1_weight = l1_weight
        self.label_smoothing = label_smoothing
        # A restored run finds their slots only if they exist by now; Keras would merely warn.
        self.optimizer.build(self.generator.trainable_variables)
        self.discriminator_optimizer.build(self.discriminator.trainable_variables)

    def _to_chroma_resolution(self, x: Any) -> Any:
        c = self.chroma_stride
        return x if c == 1 else tf.nn.avg_pool2d(x, c, c, "VALID")

    def _discriminator_step(self, lightness: Any, real_ab: Any, generated_ab: Any) -> Any:
        with tf.GradientTape() as tape:
            real_logits = self.discriminator([lightness, real_ab], training=True)
            generated_logits = self.discriminator([lightness, generated_ab], training=True)
            loss = discriminator_loss(real_logits, generated_logits, self.label_smoothing)
        variables = self.discriminator.trainable_variables
        self.discriminator_optimizer.apply(tape.gradient(loss, variables), variables)
        return loss

    def _judge(self, lightness: Any, generated_ab: Any) -> Any:
        """Logits with batch statistics, leaving the discriminator's moving ones alone."""
        critic = self.discriminator
        logits, _ = critic.stateless_call(
            critic.trainable_variables,
            critic.non_trainable_variables,
            [lightness, generated_ab],
            training=True,
        )
        return logits

    def train_step(self, data: Any) -> dict[str, Any]:
        """One step of the discriminator, then one of the generator, on the same generated ab.

        Args:
            data: (`lightness_scaled` (B, H, W, 1), `ab_scaled` (B, H, W, 2)).

        Returns:
            The losses' means over the epoch so far.
        """
        lightness, real_ab, _ = keras.utils.unpack_x_y_sample_weight(data)
        losses = {}
        with tf.GradientTape() as tape:
            generated_ab = self.generator(lightness, training=True)
            real_ab = self._to_chroma_resolution(real_ab)
            losses["l1_loss"] = l1_loss(real_ab, generated_ab)
            loss = self.l1_weight * losses["l1_loss"]
            if self.adversarial:
                small_lightness = self._to_chroma_resolution(lightness)
                with tape.stop_recording():
                    losses["discriminator_loss"] = self._discriminator_step(
                        small_lightness, real_ab, generated_ab
                    )
                losses["adversarial_loss"] = adversarial_loss(
                    self._judge(small_lightness, generated_ab)
                )
                loss = loss + losses["adversarial_loss"]
            losses["generator_loss"] = loss
        variables = self.generator.trainable_variables
        self.optimizer.apply(tape.gradient(loss, variables), variables)
        if self.ema_generator is not None:
            self._update_ema()
        for name, value in losses.items():
            self.trackers[name].update_state(value)
        return self.get_metrics_result()

    def _update_ema(self) -> None:
        # The average of few steps would remember the initial weights: the decay grows to ema.
        step = tf.cast(self.optimizer.iterations, "float32")
        decay = tf.minimum(self.ema, (1.0 + step) / (10.0 + step))
        for average, value in zip(
            self.ema_generator.variables, self.generator.variables, strict=True
        ):
            average.assign(average + (1.0 - decay) * (value - average))

    def test_step(self, data: Any) -> dict[str, Any]:
        """L1 loss of `best_generator` on a batch; changes no weight and no statistic."""
        lightness, real_ab, _ = keras.utils.unpack_x_y_sample_weight(data)
        generated_ab = self.best_generator(lightness, training=False)
        real_ab = self._to_chroma_resolution(real_ab)
        self.trackers["l1_loss"].update_state(l1_loss(real_ab, generated_ab))
        return {"l1_loss": self.trackers["l1_loss"].result()}

    def get_config(self) -> dict[str, Any]:
        """Configuration from which `from_config` builds the GAN again."""
        serialize = keras.saving.serialize_keras_object
        return {
            "generator": serialize(self.generator),
            "discriminator": serialize(self.discriminator),
            "ema": self.ema,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> "ColorizationGAN":
        """Builds the GAN of `get_config`."""
        deserialize = keras.saving.deserialize_keras_object
        return cls(
            deserialize(config["generator"]),
            deserialize(config["discriminator"]),
            ema=config["ema"],
        )

    def get_compile_config(self) -> dict[str, Any]:
        """What `compile` was given, for saving the whole GAN as one `.keras` file."""
        serialize = keras.saving.serialize_keras_object
        return {
            "generator_optimizer": serialize(self.optimizer),
            "discriminator_optimizer": serialize(self.discriminator_optimizer),
            "l1_weight": self.l1_weight,
            "label_smoothing": self.label_smoothing,
            "jit_compile": self.jit_compile,
        }

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compiles as `get_compile_config` says."""
        self.compile(**keras.saving.deserialize_keras_object(config))
