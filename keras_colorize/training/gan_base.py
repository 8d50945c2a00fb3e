"""The part of the conditional GAN that is the same on all backends."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from keras_colorize.evaluation.keras_metrics import PSNR, Accuracy
from keras_colorize.imaging.color import unscale_ab, unscale_lightness
from keras_colorize.models.networks import chroma_stride_of
from keras_colorize.training import optimizers  # noqa: F401  for saved GANs
from keras_colorize.training.checkpoint_state import CheckpointState
from keras_colorize.training.gan_serialization import GANSerialization
from keras_colorize.training.gradients import FiniteMean, variables_by_scale, without_encoder
from keras_colorize.training.losses import adversarial_loss, l1_loss
from keras_colorize.training.rematerialization import rematerialized


class BackendError(ValueError):
    """The Keras backend is not one that can train the GAN. The message is one sentence."""


class BaseGAN(CheckpointState, GANSerialization, keras.Model):
    """A generator and its discriminator, with an optimizer for each (Gui et al.).

    `fit` takes batches of (`lightness_scaled` (B, H, W, 1), `ab_scaled` (B, H, W, 2)), both in
    [-1, 1]. The GAN averages ab, and L for the discriminator, to the resolution at which the
    generator predicts ab.

    Without a discriminator, the generator is trained with the colour loss alone. If the generator
    has a layer `ab_logits` before `ab_scaled`, the colour loss is computed from these logits
    (Zhang et al. 2016).

    Set `adversarial` to False to train without the discriminator for a while, and
    `frozen_encoder` to True to keep a pretrained encoder fixed. Call
    `make_train_function(force=True)` after changing either.

    `evaluate`, and `fit` with validation data, report `l1_loss`, `psnr` and `acc_2` of
    `best_generator` at the size of the batches. They also report `l1_loss` as `loss`, so that
    `EarlyStopping` and `ModelCheckpoint` find their default, `val_loss`.

    `optimizer` is the optimizer of the generator. A callback that changes the learning rate, such
    as `ReduceLROnPlateau`, therefore changes that of the generator alone.

    The subclasses in `gan_tensorflow` and `gan_jax` add `train_step` and `test_step`. They save
    the same files, so a run can begin on one backend and continue on the other.

    Args:
        generator: A model from `build_generator`, or a baseline's.
        discriminator: A model from `build_discriminator`, or None.
        ema: Decay of the moving average of the generator's weights and batch norm statistics,
            which `ema_generator` holds. It must be in [0, 1); 0 means no average.

    Raises:
        ValueError: `ema` is out of range.
    """

    recompute = staticmethod(keras.remat)  # used by `rematerialized`
    resize = staticmethod(ops.image.resize)  # used by `to_lab`; bilinear

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
        # What is trained: the generator, with `ab_logits` as another output if it has them.
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
        # All parts are built already. Without this, `fit` would try to build the GAN from `call`.
        self.built = True

    def call(self, lightness_scaled: Any, training: bool = False) -> Any:
        """Predicts ab with `best_generator`, so that `predict` works on the whole GAN."""
        return self.best_generator(lightness_scaled, training=training)

    @property
    def best_generator(self) -> keras.Model:
        """The generator to evaluate and export: `ema_generator` if there is one."""
        return self.ema_generator or self.generator

    @property
    def generator_optimizer(self) -> keras.optimizers.Optimizer:
        """The optimizer of the generator. It is `optimizer`, where Keras callbacks look for it."""
        return self.optimizer

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """Running means of losses, gradient norms and scores. `fit` resets them at each epoch."""
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
        """Sets the optimizers and the losses.

        Args:
            generator_optimizer: The optimizer of the generator. If both optimizers have
                `gradient_accumulation_steps`, each training step is one batch of an accumulation.
            discriminator_optimizer: The optimizer of the discriminator, which must be another
                object. None without a discriminator.
            l1_weight: Weight of the colour loss relative to the adversarial loss (lambda of
                equation 3).
            color_loss: A function of real ab and generated ab, both at the resolution of the
                generator's output. If the generator has `ab_logits`, it gets these instead of
                generated ab.
            label_smoothing: See `discriminator_loss`.
            rematerialize: Whether to save memory as `rematerialized` does. The results stay the
                same.
            frozen_statistics: Whether the generator's batch norm layers use their stored
                statistics instead of those of each batch, and keep them. Dropout is then off.
            gradient_norms: Whether `fit` also reports the L2 norm of the gradient at each scale of
                the generator, as `gradient_norm_0` to `gradient_norm_4`.
            **kwargs: Other arguments of `keras.Model.compile`, such as `jit_compile`.

        Raises:
            ValueError: Both optimizers are the same object, or one is missing.
            TypeError: Losses or metrics of Keras were given. The GAN has its own.
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
            raise ValueError("A discriminator and its optimizer need each other; one is missing.")
        if self.optimizer is self.discriminator_optimizer:
            raise ValueError("Generator and discriminator need separate optimizers.")
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
        # Their variables must exist before a checkpoint is restored; otherwise Keras only warns.
        self.optimizer.build(self.generator.trainable_variables)
        if self.discriminator is not None:
            self.discriminator_optimizer.build(self.discriminator.trainable_variables)

    def to_chroma_resolution(self, x: Any) -> Any:
        """Averages (B, H, W, n) over squares of c x c pixels."""
        c = self.chroma_stride
        return x if c == 1 else ops.average_pool(x, c, c, "valid")

    def to_lab(self, lightness: Any, ab: Any) -> Any:
        """Joins scaled L (B, H, W, 1) and ab, enlarged bilinearly, to Lab (B, H, W, 3)."""
        ab = self.resize(ab, ops.shape(lightness)[1:3])
        return ops.concatenate([unscale_lightness(lightness), unscale_ab(ab)], axis=-1)

    def _generate(self, weights: Any, others: Any, lightness: Any) -> tuple[Any, Any]:
        training = not self.frozen_statistics
        return self.learner.stateless_call(weights, others, lightness, training=training)

    def colors(self, outputs: Any) -> tuple[Any, Any]:
        """Splits the learner's outputs into the argument of the colour loss and ab."""
        return tuple(outputs) if isinstance(outputs, list) else (outputs, outputs)

    def generator_losses(
        self, real_ab: Any, colors: Any, generated_ab: Any, logits: Any = None
    ) -> dict[str, Any]:
        """Computes the generator's loss (equation 3 of Gui et al.).

        Args:
            real_ab: (B, h, w, 2), scaled to [-1, 1], at the resolution of `generated_ab`.
            colors: The argument of the colour loss, as `colors` returns it.
            generated_ab: (B, h, w, 2), scaled to [-1, 1].
            logits: The discriminator's logits of `generated_ab`; None while it is not trained.

        Returns:
            `generator_loss` and its parts as scalars, by name.
        """
        losses = {"l1_loss": l1_loss(real_ab, generated_ab)}
        loss = self.l1_weight * self.color_loss(real_ab, colors)
        if logits is not None:
            losses["adversarial_loss"] = adversarial_loss(logits)
            loss = loss + losses["adversarial_loss"]
        return losses | {"generator_loss": loss}

    def with_rest(self, weights: list[Any]) -> list[Any]:
        """Returns the learner's weights, without gradients for the encoder while it is frozen."""
        variables = self.learner.trainable_variables
        return without_encoder(weights, variables) if self.frozen_encoder else weights

    def iterations(self) -> Any:
        """Number of updates of the generator's weights so far, as a float32 scalar."""
        return ops.cast(self.optimizer.iterations, "float32")

    def ema_decay(self, before: Any, after: Any) -> Any:
        """Computes the decay of the weight average for a training step.

        The decay is smaller in the first steps, so that the average soon forgets the initial
        weights.

        Args:
            before: `iterations` before the step.
            after: `iterations` after the step. If both are the same, as within an accumulation or
                after an overflow in float16, the average does not change.

        Returns:
            A scalar tensor in [0, 1].
        """
        decay = ops.minimum(self.ema, (1.0 + after) / (10.0 + after))
        return ops.where(after > before, decay, 1.0)

    def _random_variables(self) -> list[Any]:
        saved = {id(variable) for variable in self.generator.weights}
        return [v for v in self.generator.variables if id(v) not in saved]
