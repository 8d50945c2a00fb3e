"""The generator, an improved deep layer aggregation network (section 3.1 of Gui et al.)."""

from dataclasses import asdict
from typing import Any

import keras

from keras_colorize.config import Aggregation, GeneratorConfig, preset_named
from keras_colorize.models.blocks import conv_block, downsample, project, upsample
from keras_colorize.models.efficientnet_lite import encode, features_at
from keras_colorize.models.precision import building_at

DEPTH = 4  # number of downsamplings; the scales are 0 to DEPTH


def node_inputs(config: GeneratorConfig) -> dict[tuple[int, int], list[tuple[int, int]]]:
    """Lists the nodes that each decoder node X(i, j) concatenates with the upsampled one.

    Args:
        config: The configuration. Only its `aggregation` matters.

    Returns:
        For each decoder node (scale i, step j >= 1), in building order, the earlier nodes of the
        same scale that it uses, nearest first. The upsampled node is not listed. It is
        X(i + 1, j - 1), which for `unet` is X(i + 1, DEPTH - i - 1).
    """
    inputs: dict[tuple[int, int], list[tuple[int, int]]] = {}
    if config.aggregation == "unet":
        return {(i, DEPTH - i): [(i, 0)] for i in reversed(range(DEPTH))}
    for j in range(1, DEPTH + 1):
        for i in range(DEPTH - j + 1):
            if config.aggregation == "unet++":
                steps = list(reversed(range(j)))
            else:
                steps = [j - 1]
                # The paper's long connection: the last node of a scale also uses X(i, 1), which
                # the first upsampling to this scale leads to.
                if config.aggregation == "improved_dla" and i + j == DEPTH and j > 2:
                    steps.append(1)
            inputs[i, j] = [(i, step) for step in steps]
    return inputs


def build_generator(
    preset: GeneratorConfig | str | None = None, *, batch_norm: bool = True
) -> "Generator":
    """Builds the network that predicts ab from L.

    Args:
        preset: The name of a preset, or a configuration. The default is the paper's network.
        batch_norm: False builds the network with biases instead of batch norm, for folded weights
            (`keras_colorize.models.folding`).

    Returns:
        A functional model from `lightness_scaled`, (B, H, W, 1) in [-1, 1], to `ab_scaled`,
        (B, H/c, W/c, 2) in [-1, 1], where c is the configuration's `chroma_stride`. H and W must be
        multiples of 16 c.

    Raises:
        ValueError: There is no preset of this name.
        TypeError: `preset` has another type.

    Examples:
        >>> generator = build_generator("tiny")
        >>> generator.predict(np.zeros((1, 64, 96, 1))).shape
        (1, 32, 48, 2)
    """
    wanted: Any = preset_named(preset).generator if isinstance(preset, str) else preset
    config = GeneratorConfig() if wanted is None else wanted
    if not isinstance(config, GeneratorConfig):
        raise TypeError(
            f"A generator is built from a GeneratorConfig or a preset's name, not {config!r}."
        )
    return Generator(config, batch_norm=batch_norm)


@keras.saving.register_keras_serializable("keras_colorize")
class Generator(keras.Model):
    """The generator with its configuration, which is saved with it. See `build_generator`.

    It can be trained by itself: `generator.compile("adam", "mae").fit(...)` takes batches of
    (`lightness_scaled` (B, H, W, 1), `ab_scaled` (B, H, W, 2)), as `to_lab` makes them. Losses and
    metrics compare with ab averaged to the generator's own resolution.

    Args:
        config: The configuration, also available as the attribute `config`.
        batch_norm: Whether convolutions have batch norm instead of biases.
        **options: Options of `keras.Model`, such as `name`.
    """

    def __init__(self, config: GeneratorConfig, *, batch_norm: bool = True, **options: Any) -> None:
        super().__init__(*_graph(config, batch_norm), **{"name": "generator", **options})
        self.config = config
        self.batch_norm = batch_norm
        self.precision = keras.config.dtype_policy().name

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, *rest: Any, **options: Any
    ) -> Any:
        """Computes the loss against ab at the generator's resolution; see Keras."""
        return super().compute_loss(x, self._at_own_resolution(y), y_pred, *rest, **options)

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Updates the metrics with ab at the generator's resolution; see Keras."""
        return super().compute_metrics(x, self._at_own_resolution(y), y_pred, sample_weight)

    def _at_own_resolution(self, ab: Any) -> Any:
        c = self.config.chroma_stride
        return ab if c == 1 or ab is None else keras.ops.average_pool(ab, c, c, "valid")

    def get_config(self) -> dict[str, Any]:
        """Returns the configuration for `from_config`.

        It includes the precision and the names of the layers that are not trainable, so that a
        saved GAN continues its training unchanged.
        """
        resting = [x.name for x in self.layers if x.variables and not x.trainable]
        return {
            "config": asdict(self.config),
            "batch_norm": self.batch_norm,
            "name": self.name,
            "precision": self.precision,
            "resting": resting if self.trainable else [],
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> "Generator":
        """Builds a generator from the result of `get_config`."""
        with building_at(config.get("precision", keras.config.dtype_policy())):
            generator = cls(
                GeneratorConfig.from_fields(config["config"]),
                batch_norm=config["batch_norm"],
                name=config["name"],
            )
        for name in config.get("resting", ()):
            generator.get_layer(name).trainable = False
        return generator


def _graph(config: GeneratorConfig, batch_norm: bool) -> tuple[Any, Any]:
    """The input and the output of the network."""
    widths, convolutions = config.widths, config.convolutions
    lightness = keras.Input((None, None, 1), name="lightness_scaled")
    if config.encoder == "plain":
        nodes = _plain_nodes(lightness, config, batch_norm)
    else:
        nodes = _encoded_nodes(lightness, config, batch_norm)

    for (i, j), skips in node_inputs(config).items():
        name = f"node_{i}_{j}"
        below = nodes[i + 1, j - 1]
        up = upsample(below, widths[i], batch_norm=batch_norm, name=f"{name}_up")
        x = keras.layers.Concatenate(name=f"{name}_concat")([up, *(nodes[s] for s in skips)])
        nodes[i, j] = conv_block(
            x, widths[i], batch_norm=batch_norm, name=name, convolutions=convolutions
        )

    # Always float32: the layer is cheap, and the precision of ab matters.
    ab = keras.layers.Conv2D(2, 1, activation="tanh", dtype="float32", name="ab_scaled")(
        nodes[0, DEPTH]
    )
    return lightness, ab


def _plain_nodes(x: Any, config: GeneratorConfig, batch_norm: bool) -> dict[tuple[int, int], Any]:
    """The nodes X(i, 0) as the paper has them."""
    nodes = {}
    for i, width in enumerate(config.widths):
        if i:
            x = downsample(x, width, batch_norm=batch_norm, name=f"encoder_{i}_down")
        nodes[i, 0] = x = conv_block(
            x,
            width,
            batch_norm=batch_norm,
            name=f"encoder_{i}",
            fold=1 if i else config.chroma_stride,
            convolutions=config.convolutions,
        )
    return nodes


def _encoded_nodes(
    lightness: Any, config: GeneratorConfig, batch_norm: bool
) -> dict[tuple[int, int], Any]:
    """Returns the nodes X(i, 0) of an EfficientNet-Lite encoder.

    A 1x1 convolution changes the features of each scale to its width. Scale 0 also uses L itself,
    folded by c. If the encoder has no stage for the last scale, that node is a downsampling step
    and a block.
    """
    outputs = encode(lightness, config.encoder, config.chroma_stride)
    nodes: dict[tuple[int, int], Any] = {}
    for i, width in enumerate(config.widths):
        taken = features_at(outputs, config.chroma_stride.bit_length() - 1 + i)
        if i == 0:
            fold = conv_block(
                lightness,
                max(1, width // 2),
                batch_norm=batch_norm,
                name="encoder_0",
                fold=config.chroma_stride,
                convolutions=1,
            )
            taken = [fold, *taken]
        if taken:
            x = taken[0]
            if len(taken) > 1:
                x = keras.layers.Concatenate(name=f"encoder_{i}_concat")(taken)
            x = project(x, width, batch_norm=batch_norm, name=f"encoder_{i}_lateral")
        else:
            x = downsample(nodes[i - 1, 0], width, batch_norm=batch_norm, name=f"encoder_{i}_down")
            x = conv_block(
                x,
                width,
                batch_norm=batch_norm,
                name=f"encoder_{i}",
                convolutions=config.convolutions,
            )
        nodes[i, 0] = x
    return nodes


def config_of(generator: Any) -> GeneratorConfig:
    """Returns the configuration of a generator.

    Args:
        generator: A `Generator`, or a model from an older `.keras` file without a configuration.
            In the second case, the configuration is derived from the names of the layers.

    Returns:
        The configuration.

    Raises:
        ValueError: The model is not a generator.
    """
    if isinstance(config := getattr(generator, "config", None), GeneratorConfig):
        return config
    layers = {layer.name: layer for layer in generator.layers}
    try:
        widths = tuple(layers[f"encoder_{i}_conv_1"].filters for i in range(DEPTH + 1))
        stride = layers["encoder_0_conv_1"].strides[0]
        joined = len(layers[f"node_0_{DEPTH}_concat"].input)
    except KeyError as missing:
        raise ValueError(f"The model has no layer {missing}: it is not a generator.") from missing
    aggregation = aggregation_of(joined, has_inner_nodes="node_0_1_concat" in layers)
    return GeneratorConfig(widths, stride, aggregation)


def aggregation_of(joined: int, *, has_inner_nodes: bool) -> Aggregation:
    """Derives the aggregation from the structure of a generator.

    Args:
        joined: Number of tensors that the last node concatenates.
        has_inner_nodes: Whether there are nodes between encoder and decoder, such as X(0, 1).

    Returns:
        A value of `GeneratorConfig.aggregation`.

    Raises:
        ValueError: No aggregation has this structure.
    """
    if not has_inner_nodes:
        return "unet"
    known: dict[int, Aggregation] = {2: "dla", 3: "improved_dla", DEPTH + 1: "unet++"}
    if joined not in known:
        raise ValueError(f"No generator joins {joined} nodes in its last one.")
    return known[joined]
