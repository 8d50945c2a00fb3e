"""What the conditional GAN is on every backend: its networks, optimizers and settings."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from keras_colorize.evaluation.keras_metrics import PSNR, Accuracy
from keras_colorize.imaging.color import unscale_ab, unscale_lightness
from keras_colorize.models.networks import chroma_stride_of
from keras_colorize.training import optimizers  # noqa: F401  the file of a whole GAN names them
from keras_colorize.training.gradients import FiniteMean, variables_by_scale, without_encoder
from keras_colorize.training.losses import adversarial_loss, l1_loss
from keras_colorize.training.rematerialization import rematerialized


class BackendError(ValueError):
    """Keras runs on a backend that cannot train this; the message is one sentence."""


class BaseGAN(keras.Model):
    """A generator, its discriminator and an optimizer for each (Gui et al.).

    Without a discriminator, the generator learns from a loss between real and generated colour
    alone. One that ends in a distribution over colours, in a layer `ab_logits` before `ab_scaled`
    (Zhang et al. 2016), learns by that.

    The subclasses of `gan_tensorflow` and `gan_jax` add `train_step` and `test_step`. Both
    save the same files: a run may begin on one backend and go on with the other.

    `fit` takes batches of (`lightness_scaled` (B, H, W, 1), `ab_scaled` (B, H, W, 2)), both in
    [-1, 1]; ab and, for the discriminator, L are area-averaged to the generator's chroma
    resolution here. While `adversarial` is False, steps are L1 alone and the discriminator
    rests; while `frozen_encoder` is True, a pretrained encoder does. Call
    `make_train_function(force=True)` after changing either.

    On validation data, and in `evaluate`, the logs hold `l1_loss`, the same value as `loss` (so
    that `EarlyStopping` and `ModelCheckpoint` find their default, `val_loss`), and `psnr` and
    `acc_2` of `best_generator`'s pictures at the batch's own size.

    `optimizer` is the generator's, so a callback that changes the learning rate, such as
    `ReduceLROnPlateau`, changes the generator's alone. Give the discriminator's optimizer a
    schedule of its own if its rate must change, too.

    Args:
        generator: from `build_generator`, or a baseline's.
        discriminator: from `build_discriminator`, or None.
        ema: decay of the moving average of all of the generator's weights, batch norm
            statistics included, kept in `ema_generator`; 0 = no average.
    """

    recompute = staticmethod(keras.remat)  # of `rematerialized`
    resize = staticmethod(ops.image.resize)  # of `to_lab`, bilinear

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model | None = None,
        *,
        ema: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not 0.0 <= ema < 1.0:
            raise ValueError(f"ema must be in [0, 1), got {ema}.")
        self.generator = generator
        # What is trained: the generator itself, or with its logits beside ab.
        self.learner = generator
        if any(layer.name == "ab_logits" for layer in generator.layers):
            logits = generator.get_layer("ab_logits").output
            self.learner = keras.Model(generator.input, [logits, generator.output])
        self.discriminator: Any = discriminator
        self.ema = ema
        self.ema_generator: Any = None
        if ema:
            self.ema_generator = type(generator).from_config(generator.get_config())
            self.ema_generator.set_weights(generator.get_weights())
            self.ema_generator.trainable = False
        self.adversarial = discriminator is not None
        self.frozen_encoder = False
        self.chroma_stride = chroma_stride_of(generator)
        self.trackers = {
            name: keras.metrics.Mean(name=name)
            for name in ("generator_loss", "discriminator_loss", "adversarial_loss", "l1_loss")
        }
        self.scales: dict[str, list[int]] = {}  # whose gradient norms are measured
        self.scores = {metric.name: metric for metric in (PSNR(), Accuracy(2))}
        # The parts are built; without this, fit would look for a call method of the whole.
        self.built = True

    def call(self, lightness_scaled: Any, training: bool = False) -> Any:
        """Predicts as `best_generator` does, so that `predict` works on the whole GAN, too."""
        return self.best_generator(lightness_scaled, training=training)

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
        """Running means of losses, gradient norms and scores, reset by `fit` at each epoch."""
        return [*self.trackers.values(), *self.scores.values()]

    def compile(
        self,
        generator_optimizer: Any,
        discriminator_optimizer: Any = None,
        l1_weight: float = 100.0,
        color_loss: Callable[[Any, Any], Any] = l1_loss,
        label_smoothing: float = 0.0,
        rematerialize: bool = False,
        frozen_statistics: bool = False,
        gradient_norms: bool = False,
        **kwargs: Any,
    ) -> None:
        """Sets the optimizers and the weights of the losses.

        Args:
            generator_optimizer: an optimizer of its own, not shared with the discriminator. With
                `gradient_accumulation_steps`, in both, a step is one batch of an accumulation.
            discriminator_optimizer: likewise; None without a discriminator.
            l1_weight: lambda of equation 3, of the colour loss beside the adversarial one.
            color_loss: of real ab at the chroma resolution and generated ab, or the logits where
                there are some.
            label_smoothing: see `discriminator_loss`.
            rematerialize: whether to save memory as `rematerialized` does; same results.
            frozen_statistics: whether the generator's batch norms keep the statistics that they
                have, and use those instead of a batch's; dropout then drops nothing.
            gradient_norms: whether `fit` also logs the L2 norm of the gradient at each scale of
                the generator, as `gradient_norm_0` to `gradient_norm_4`.
            **kwargs: `jit_compile`, `steps_per_execution` and the like, as in `keras.Model`.

        Raises:
            ValueError: both optimizers are the same object, or one is missing.
            TypeError: losses or metrics are given: the GAN has its own.
        """
        for name in ("optimizer", "loss", "loss_weights", "metrics", "weighted_metrics"):
            if kwargs.get(name) is not None:
                raise TypeError(
                    f"compile takes no {name}: the GAN has losses and metrics of its own, and "
                    "takes an optimizer for each network, l1_weight and color_loss."
                )
        super().compile(optimizer=generator_optimizer, **kwargs)
        self.discriminator_optimizer = keras.optimizers.get(discriminator_optimizer)
        if (self.discriminator is None) != (self.discriminator_optimizer is None):
            raise ValueError("A discriminator and its optimizer need each other.")
        if self.optimizer is self.discriminator_optimizer:
            raise ValueError("Generator and discriminator need an optimizer each, not one shared.")
        self.l1_weight = l1_weight
        self.color_loss = color_loss
        self.label_smoothing = label_smoothing
        self.rematerialize = rematerialize
        self.frozen_statistics = frozen_statistics
        self.scales = variables_by_scale(self.generator) if gradient_norms else {}
        norms = {name: FiniteMean(name=name) for name in self.scales}
        self.trackers = {k: v for k, v in self.trackers.items() if "norm" not in k} | norms
        self.generate = self._generate
        if rematerialize:
            training = not frozen_statistics
            self.generate = rematerialized(self.learner, self.recompute, training=training)
        # A restored run finds their slots only if they exist by now; Keras would merely warn.
        self.optimizer.build(self.generator.trainable_variables)
        if self.discriminator is not None:
            self.discriminator_optimizer.build(self.discriminator.trainable_variables)

    def to_chroma_resolution(self, x: Any) -> Any:
        """Averages (B, H, W, n) over squares of c x c pixels."""
        c = self.chroma_stride
        return x if c == 1 else ops.average_pool(x, c, c, "valid")

    def to_lab(self, lightness: Any, ab: Any) -> Any:
        """Scaled L (B, H, W, 1) and ab, enlarged bilinearly, as Lab (B, H, W, 3): for `scores`."""
        ab = self.resize(ab, ops.shape(lightness)[1:3])
        return ops.concatenate([unscale_lightness(lightness), unscale_ab(ab)], axis=-1)

    def _generate(self, weights: Any, others: Any, lightness: Any) -> tuple[Any, Any]:
        training = not self.frozen_statistics
        return self.learner.stateless_call(weights, others, lightness, training=training)

    def colors(self, outputs: Any) -> tuple[Any, Any]:
        """Takes what the learner gives apart: what the colour loss is of, and ab."""
        return tuple(outputs) if isinstance(outputs, list) else (outputs, outputs)

    def generator_losses(
        self, real_ab: Any, colors: Any, generated_ab: Any, logits: Any = None
    ) -> dict[str, Any]:
        """Computes the generator's loss and its parts, by name (equation 3 of Gui et al.).

        `colors` is what the colour loss is of. `logits` are the discriminator's on generated ab,
        None while it rests. Both ab are scaled, at the chroma resolution.
        """
        losses = {"l1_loss": l1_loss(real_ab, generated_ab)}
        loss = self.l1_weight * self.color_loss(real_ab, colors)
        if logits is not None:
            losses["adversarial_loss"] = adversarial_loss(logits)
            loss = loss + losses["adversarial_loss"]
        return losses | {"generator_loss": loss}

    def with_rest(self, weights: list[Any]) -> list[Any]:
        """Values of the learner's trainable variables, without gradient where the encoder rests."""
        variables = self.learner.trainable_variables
        return without_encoder(weights, variables) if self.frozen_encoder else weights

    def iterations(self) -> Any:
        """How often the generator's weights have moved, as a float32 scalar."""
        return ops.cast(self.optimizer.iterations, "float32")

    def ema_decay(self, before: Any, after: Any) -> Any:
        """Decay of the average after a step; it moves when the weights do.

        The average of few steps would remember the initial weights: it begins with less.

        Args:
            before: `iterations` before the step.
            after: and after it; the same within an accumulation, and if float16 overflowed.

        Returns:
            A scalar tensor in [0, 1].
        """
        decay = ops.minimum(self.ema, (1.0 + after) / (10.0 + after))
        return ops.where(after > before, decay, 1.0)

    def running_means(self) -> dict[str, list[float]]:
        """The state of the trackers' means over the epoch so far."""
        # The sum makes a number of a variable that is on several devices.
        return {
            name: [float(variable + 0.0) for variable in mean.variables]
            for name, mean in self.trackers.items()
        }

    def set_running_means(self, means: dict[str, list[float]]) -> None:
        """Goes on with means that `running_means` returned."""
        for name, state in means.items():
            for variable, value in zip(self.trackers[name].variables, state, strict=True):
                variable.assign(value)

    def random_states(self) -> list[list[int]]:
        """Where dropout's random numbers are; Keras saves the weights without them."""
        return [ops.convert_to_numpy(v.value).tolist() for v in self._random_variables()]

    def set_random_states(self, states: list[list[int]]) -> None:
        """Goes on with states that `random_states` returned."""
        for variable, state in zip(self._random_variables(), states, strict=True):
            variable.assign(state)

    def _random_variables(self) -> list[Any]:
        saved = {id(variable) for variable in self.generator.weights}
        return [v for v in self.generator.variables if id(v) not in saved]

    def get_config(self) -> dict[str, Any]:
        """Configuration from which `from_config` builds the GAN again."""
        serialize = keras.saving.serialize_keras_object
        return {
            "generator": serialize(self.generator),
            "discriminator": self.discriminator and serialize(self.discriminator),
            "ema": self.ema,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> "BaseGAN":
        """Builds the GAN of `get_config`."""
        deserialize = keras.saving.deserialize_keras_object
        return cls(
            deserialize(config["generator"]),
            config["discriminator"] and deserialize(config["discriminator"]),
            ema=config["ema"],
        )

    def get_compile_config(self) -> dict[str, Any]:
        """What `compile` was given, for saving the whole GAN as one `.keras` file."""
        serialize = keras.saving.serialize_keras_object
        return {
            "generator_optimizer": serialize(self.optimizer),
            "discriminator_optimizer": serialize(self.discriminator_optimizer),
            "l1_weight": self.l1_weight,
            "color_loss": serialize(self.color_loss),
            "label_smoothing": self.label_smoothing,
            "rematerialize": self.rematerialize,
            "frozen_statistics": self.frozen_statistics,
            "gradient_norms": bool(self.scales),
            "jit_compile": self.jit_compile,
        }

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compiles as `get_compile_config` says."""
        self.compile(**keras.saving.deserialize_keras_object(config))
