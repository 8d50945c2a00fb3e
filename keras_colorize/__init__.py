"""Colour black and white photographs, and train the networks that do it.

Importing the package loads no framework: each public name is imported when it is first used
(PEP 562), so that colouring a photograph never waits for TensorFlow.

>>> from keras_colorize import Colorizer
>>> Colorizer().colorize("old.jpg").save("old-colorized.png")  # doctest: +SKIP
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keras_colorize.config import PRESETS, DiscriminatorConfig, GeneratorConfig
    from keras_colorize.data.tfdata import to_lab
    from keras_colorize.evaluation.scoring import score_folder
    from keras_colorize.imaging.hints import Hint, HintError
    from keras_colorize.imaging.images import ImageError, read_photograph
    from keras_colorize.inference.batch import colorize_files
    from keras_colorize.inference.colorizer import Colorizer
    from keras_colorize.inference.generators import load
    from keras_colorize.inference.painting import paint
    from keras_colorize.inference.runtime import WeightsError, load_runtime
    from keras_colorize.models.discriminator import build_discriminator
    from keras_colorize.models.generator import build_generator
    from keras_colorize.training.backends import ColorizationGAN

__version__ = "0.1.0"

__all__ = [
    "PRESETS",
    "ColorizationGAN",
    "Colorizer",
    "DiscriminatorConfig",
    "GeneratorConfig",
    "Hint",
    "HintError",
    "ImageError",
    "WeightsError",
    "__version__",
    "build_discriminator",
    "build_generator",
    "colorize_files",
    "load",
    "load_runtime",
    "paint",
    "read_photograph",
    "score_folder",
    "to_lab",
]

_MODULES = {
    "PRESETS": "config",
    "ColorizationGAN": "training.backends",
    "Colorizer": "inference.colorizer",
    "DiscriminatorConfig": "config",
    "GeneratorConfig": "config",
    "Hint": "imaging.hints",
    "HintError": "imaging.hints",
    "ImageError": "imaging.images",
    "WeightsError": "inference.runtime",
    "build_discriminator": "models.discriminator",
    "build_generator": "models.generator",
    "colorize_files": "inference.batch",
    "load": "inference.generators",
    "load_runtime": "inference.runtime",
    "paint": "inference.painting",
    "read_photograph": "imaging.images",
    "score_folder": "evaluation.scoring",
    "to_lab": "data.tfdata",
}


def __getattr__(name: str) -> object:
    """Import a public name on its first use."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, imported or not."""
    return sorted(set(globals()) | set(__all__))
