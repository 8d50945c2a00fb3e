"""How a whole GAN is saved as a `.keras` file and opened again."""

from typing import Any

import keras


class GANSerialization:
    """The configuration of a GAN, and the arguments of its `compile`, as Keras saves them."""

    generator: Any
    discriminator: Any
    discriminator_optimizer: Any
    ema: float
    optimizer: Any
    l1_weight: float
    color_loss: Any
    label_smoothing: float
    rematerialize: bool
    frozen_statistics: bool
    scales: dict[str, list[int]]
    jit_compile: Any
    compile: Any

    def get_config(self) -> dict[str, Any]:
        """Returns the configuration for `from_config`."""
        serialize = keras.saving.serialize_keras_object
        return {
            "generator": serialize(self.generator),
            "discriminator": self.discriminator and serialize(self.discriminator),
            "ema": self.ema,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """Builds a GAN from the result of `get_config`."""
        deserialize = keras.saving.deserialize_keras_object
        made: Any = cls  # the constructor is that of the GAN
        return made(
            deserialize(config["generator"]),
            config["discriminator"] and deserialize(config["discriminator"]),
            ema=config["ema"],
        )

    def get_compile_config(self) -> dict[str, Any]:
        """Returns the arguments of `compile`, so that the GAN can be saved as a `.keras` file."""
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
        """Compiles the GAN from the result of `get_compile_config`."""
        self.compile(**keras.saving.deserialize_keras_object(config))
