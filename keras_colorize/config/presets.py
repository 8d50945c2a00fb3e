"""The presets, each a network and the recipe that trains it."""

from dataclasses import asdict, dataclass, field
from typing import Any

from keras_colorize.config.networks import BaselineConfig, DiscriminatorConfig, GeneratorConfig
from keras_colorize.config.training import TrainingConfig


@dataclass(frozen=True)
class Preset:
    """A network and the recipe that trains it.

    Attributes:
        name: The name, as given to `--preset`.
        reproduces: The purpose of the preset.
        command: The command that trains it.
        measured: Its score, if it was measured.
        generator: The network that predicts ab.
        discriminator: The discriminator, or None for a method without one.
        training: The recipe.
    """

    name: str
    reproduces: str
    command: str
    measured: str
    generator: GeneratorConfig | BaselineConfig = field(default_factory=GeneratorConfig)
    discriminator: DiscriminatorConfig | None = field(default_factory=DiscriminatorConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)

    def __post_init__(self) -> None:
        encoder = getattr(self.generator, "encoder", "plain")
        if encoder == "plain" and self.training.encoder_weights is not None:
            raise ValueError("encoder_weights need an encoder that is not plain.")

    def describe(self) -> dict[str, Any]:
        """Returns the three configurations as plain data, for `config.json` of a run folder."""
        return {
            "generator": asdict(self.generator),
            "discriminator": self.discriminator and asdict(self.discriminator),
            "training": asdict(self.training),
        }


PRESETS: dict[str, Preset] = {
    preset.name: preset
    for preset in (
        Preset(
            name="paper",
            reproduces="Gui, Gu and Shi's network and recipe, for Places365 or ILSVRC2012",
            command="keras-colorize train FOLDER --preset paper --run runs/paper",
            measured="4 passes over 7,700 photographs, 0.4 dB below grey: see docs/results.md",
        ),
        Preset(
            name="mobile",
            reproduces="the packaged weights: an encoder that knows ImageNet, ab at a quarter of L",
            command="keras-colorize train FOLDER --preset mobile --run runs/mobile",
            measured="1.6 dB of PSNR over grey, with another recipe: see weights/README.md",
            generator=GeneratorConfig(
                widths=(48, 80, 160, 224, 224),
                chroma_stride=4,
                encoder="efficientnet_lite2",
                convolutions=2,
            ),
            discriminator=DiscriminatorConfig(widths=(32, 64, 64, 128), strides=(2, 1, 1, 1)),
            training=TrainingConfig(
                size=128,
                grow=((2, 192),),
                crop=(0.65, 1.0),
                aging=0.3,
                epochs=9,
                learning_rate=1e-3,
                schedule="cosine",
                beta_1=0.9,
                warm_up_epochs=9,
                ema=0.998,
                encoder_weights="imagenet",
                frozen_encoder_epochs=2,
                encoder_rate_ratio=1.2,
            ),
        ),
        Preset(
            name="quality",
            reproduces="the paper's widths at the resolution of mobile: ab at a quarter of L",
            command="keras-colorize train FOLDER --preset quality --run runs/quality",
            measured="1.4 dB of PSNR over grey: on 7,700 photographs no better than half as wide",
            generator=GeneratorConfig(chroma_stride=4),
            discriminator=DiscriminatorConfig(widths=(32, 64, 64, 128), strides=(2, 1, 1, 1)),
            training=TrainingConfig(
                batch_size=32,
                learning_rate=6e-4,
                schedule="linear",
                beta_1=0.9,
                discriminator_rate_ratio=0.2,
                warm_up_epochs=20,
                ema=0.999,
            ),
        ),
        Preset(
            name="tiny",
            reproduces="nothing: the smallest network of the family, for tests and first tries",
            command="keras-colorize train FOLDER --preset tiny --run runs/tiny",
            measured="not meant to colour well",
            generator=GeneratorConfig(widths=(4, 8, 8, 8, 8), chroma_stride=2),
            discriminator=DiscriminatorConfig(widths=(4, 8, 8), strides=(2, 2, 1)),
            training=TrainingConfig(size=64, batch_size=4, epochs=2, learning_rate=1e-3),
        ),
    )
}


def preset_named(name: str) -> Preset:
    """Returns the preset with a name.

    Raises:
        ValueError: There is no preset with this name.
    """
    if name not in PRESETS:
        raise ValueError(f"There is no preset {name!r}; the presets are {', '.join(PRESETS)}.")
    return PRESETS[name]
