"""The generator: an improved deep layer aggregation network (section 3.1 of Gui et al.)."""

from importlib import import_module
from typing import Any

from keras_colorize.config import Aggregation, GeneratorConfig
from keras_colorize.models.blocks import conv_block, downsample, upsample

DEPTH = 4  # downsamplings; scales are 0 to DEPTH


def node_inputs(config: GeneratorConfig) -> dict[tuple[int, int], list[tuple[int, int]]]:
    """Which nodes each decoder node X(i, j) concatenates after the upsampled one.

    Args:
        config: its `aggregation` decides.

    Returns:
        For each decoder node (scale i, step j >= 1), in building order: the earlier nodes of
        the same scale that it takes, nearest first. The upsampled node is X(i + 1, j - 1), for
        `unet` X(i + 1, DEPTH - i - 1).
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
                # The paper's long connection: the last node of a scale also takes the first
                # upsampling's result.
                if config.aggregation == "improved_dla" and i + j == DEPTH and j > 2:
                    steps.append(1)
            inputs[i, j] = [(i, step) for step in steps]
    return inputs


def build_generator(
    config: GeneratorConfig | None = None, *, batch_norm: bool = True, keras: Any = None
) -> Any:
    """Builds the network that predicts ab from L.

    Args:
        config: widths, chroma stride c and aggregation; default: the paper's.
        batch_norm: False builds the same graph with biases instead of batch norm, to receive
            folded weights (`keras_colorize.models.folding`).
        keras: the Keras module to build with; default: Keras 3.

    Returns:
        A functional model from `lightness_scaled`, (B, H, W, 1) in [-1, 1], to `ab_scaled`,
        (B, H/c, W/c, 2) in [-1, 1]. H and W are any multiples of 16 c.

    Examples:
        >>> generator = build_generator(PRESETS["tiny"].generator)
        >>> generator.predict(np.zeros((1, 64, 96, 1))).shape
        (1, 32, 48, 2)
    """
    keras = keras or import_module("keras")
    config = config or GeneratorConfig()
    widths = config.widths
    lightness = keras.Input((None, None, 1), name="lightness_scaled")

    nodes: dict[tuple[int, int], Any] = {}
    x = lightness
    for i in range(DEPTH + 1):
        fold = 1
        if i == 0:
            fold = config.chroma_stride
        else:
            name = f"encoder_{i}_down"
            x = downsample(keras, x, widths[i], batch_norm=batch_norm, name=name)
        x = conv_block(keras, x, widths[i], batch_norm=batch_norm, name=f"encoder_{i}", fold=fold)
        nodes[i, 0] = x

    for (i, j), skips in node_inputs(config).items():
        name = f"node_{i}_{j}"
        below = nodes[i + 1, j - 1]
        up = upsample(keras, below, widths[i], batch_norm=batch_norm, name=f"{name}_up")
        x = keras.layers.Concatenate(name=f"{name}_concat")([up, *(nodes[s] for s in skips)])
        nodes[i, j] = conv_block(keras, x, widths[i], batch_norm=batch_norm, name=name)

    # float32 whatever the precision policy: ab's last bits matter more than the layer's cost.
    ab = keras.layers.Conv2D(2, 1, activation="tanh", dtype="float32", name="ab_scaled")(
        nodes[0, DEPTH]
    )
    return keras.Model(lightness, ab, name="generator")


def config_of(generator: Any) -> GeneratorConfig:
    """Reads a built generator's configuration off its layers.

    Args:
        generator: a model of `build_generator`, or one loaded from a `.keras` file.

    Returns:
        The configuration that builds it.

    Raises:
        ValueError: the model is not such a generator.
    """
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
    """Tells the aggregation from what a generator is made of.

    Args:
        joined: how many nodes its last one concatenates.
        has_inner_nodes: whether there are nodes between encoder and decoder, such as X(0, 1).

    Returns:
        One of the names that `GeneratorConfig.aggregation` takes.

    Raises:
        ValueError: no aggregation has that many.
    """
    if not has_inner_nodes:
        return "unet"
    known: dict[int, Aggregation] = {2: "dla", 3: "improved_dla", DEPTH + 1: "unet++"}
    if joined not in known:
        raise ValueError(f"No generator joins {joined} nodes in its last one.")
    return known[joined]
