"""The networks whose training step is timed: of the plain encoder, which alone PyTorch has here."""

from dataclasses import replace

from keras_colorize.config import PRESETS, GeneratorConfig, Preset

_QUALITY = PRESETS["quality"]
NETWORKS: dict[str, Preset] = {
    "paper": PRESETS["paper"],
    "half": replace(
        _QUALITY,
        name="half",
        generator=GeneratorConfig(widths=(32, 64, 128, 256, 256), chroma_stride=4),
        training=replace(_QUALITY.training, learning_rate=1.2e-3, ema=0.0),
    ),
    "tiny": PRESETS["tiny"],
}
