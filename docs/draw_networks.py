"""Draws the networks of docs/how-it-works.md.

    python docs/draw_networks.py

What is drawn is read off the Keras graphs that the package builds. The SVG files go to
docs/images/networks/.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import matplotlib
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import FancyArrowPatch

from keras_colorize import build_discriminator, build_generator
from keras_colorize.config import AGGREGATIONS, DiscriminatorConfig, GeneratorConfig
from keras_colorize.models.cost import multiply_adds

FOLDER = Path(__file__).parent / "images" / "networks"
SIZE = 256  # side of the picture whose shapes are written into the drawings
Node = tuple[int, int]
STYLES = {
    "down": ("#4f7a94", "convolution 4x4, stride 2"),
    "up": ("#c0692b", "transposed convolution 4x4, stride 2"),
    "skip": ("#8a8a8a", "joined as it is"),
    "long": ("#b3263e", "joined as it is, past other nodes"),
}


@dataclass(frozen=True)
class Graph:
    """What is drawn of a generator.

    Attributes:
        nodes: (side, channels) of the output of each block X(i, j).
        edges: kind of each connection, by the blocks that it leads from and to.
        parameters: how many.
        multiply_adds: of one picture of `SIZE`.
    """

    nodes: dict[Node, tuple[int, int]]
    edges: dict[tuple[Node, Node], str]
    parameters: int
    multiply_adds: int


def read_graph(generator: Any) -> Graph:
    """Reads the blocks and their connections off a generator's layers."""
    last = {}
    pairs = []
    for layer in generator.layers:
        node = node_of(layer.name)
        if node is None:
            continue
        last[node] = layer.output
        for source in keras.tree.flatten(layer.input):
            before = node_of(source._keras_history.operation.name)
            if before is not None and before != node:
                pairs.append((before, node))
    shapes = keras.Model(generator.input, last).compute_output_shape((1, SIZE, SIZE, 1))
    nodes = {node: (shape[1], shape[3]) for node, shape in shapes.items()}
    edges = {(before, node): kind_of(before, node, nodes) for before, node in pairs}
    return Graph(nodes, edges, generator.count_params(), multiply_adds(generator, (SIZE, SIZE, 1)))


def node_of(layer: str) -> Node | None:
    """Says which block X(i, j) a layer belongs to, by its name."""
    encoder = re.match(r"encoder_(\d)_", layer)
    decoder = re.match(r"node_(\d)_(\d)_", layer)
    if encoder:
        return int(encoder[1]), 0
    return (int(decoder[1]), int(decoder[2])) if decoder else None


def kind_of(before: Node, node: Node, nodes: Collection[Node]) -> str:
    """Says what kind of connection leads from one block to another."""
    if before[0] != node[0]:
        return "down" if before[0] < node[0] else "up"
    passes = any(i == node[0] and before[1] < j < node[1] for i, j in nodes)
    return "long" if passes else "skip"


def draw_generator(graph: Graph, path: Path) -> None:
    """Draws a generator: scales from top to bottom, steps from left to right."""
    figure = Figure(figsize=(9, 6.3))
    axes = empty_axes(figure, (-1.1, 5.1), (-4.4, 1.0))
    kinds = {kind: None for kind in STYLES if kind in graph.edges.values()}
    for (before, node), kind in graph.edges.items():
        start, end = ((j, -i) for i, j in (before, node))
        arrow(axes, start, end, STYLES[kind][0], bent=kind == "long", name=edge_name(before, node))
    for (i, j), (side, channels) in graph.nodes.items():
        box(axes, (j, -i), f"X({i},{j})\n{side}² x {channels}", "#eef3f6" if j == 0 else "#faf1e8")
    end = max(j for i, j in graph.nodes if i == 0)
    box(axes, (-0.8, 0), f"L\n{SIZE}²", "white")
    arrow(axes, (-0.8, 0), (0, 0), "black")
    box(axes, (end + 0.8, 0), f"ab\n{SIZE}² x 2", "white")
    arrow(axes, (end, 0), (end + 0.8, 0), "black")
    figure.legend(
        [Line2D([], [], color=STYLES[kind][0], lw=2) for kind in kinds],
        [STYLES[kind][1] for kind in kinds],
        loc="lower right",
        frameon=False,
        bbox_to_anchor=(0.98, 0.06),
    )
    axes.text(
        5.0,
        -3.05,
        f"{graph.parameters / 1e6:.1f} million parameters\n"
        f"{graph.multiply_adds / 1e9:.0f} GMAC for {SIZE} x {SIZE}",
        ha="right",
        va="center",
    )
    save(figure, path)


def draw_discriminator(config: DiscriminatorConfig, path: Path) -> None:
    """Draws a discriminator: its convolutions in a row."""
    discriminator = build_discriminator(config)
    layers = [layer for layer in discriminator.layers if isinstance(layer, keras.layers.Conv2D)]
    followers = [type(layer).__name__ for layer in discriminator.layers]
    outputs = {layer.name: layer.output for layer in layers}
    sizes = ((1, SIZE, SIZE, 1), (1, SIZE, SIZE, 2))
    shapes = keras.Model(discriminator.input, outputs).compute_output_shape(sizes)
    figure = Figure(figsize=(9, 2.1))
    axes = empty_axes(figure, (-0.55, len(layers) + 0.5), (-0.75, 0.6))
    box(axes, (0, 0), f"L, ab\n{SIZE}² x 3", "white")
    for k, layer in enumerate(layers, 1):
        arrow(axes, (k - 1, 0), (k, 0), "#4f7a94")
        shape = shapes[layer.name]
        box(axes, (k, 0), f"{layer.name}\n{shape[1]}² x {shape[3]}", "#eef3f6")
        kernel, stride = layer.kernel_size[0], layer.strides[0]
        after = followers[discriminator.layers.index(layer) + 1 :][:2] if k < len(layers) else []
        note = "\n".join([f"{kernel}x{kernel}, stride {stride}", *after])
        axes.text(k, -0.32, note, ha="center", va="top", fontsize=8)
    axes.text(
        len(layers) + 0.5,
        0.42,
        f"{discriminator.count_params() / 1e6:.2f} million parameters; "
        f"each logit sees {config.receptive_field} x {config.receptive_field}",
        ha="right",
    )
    save(figure, path)


def edge_name(before: Node, node: Node) -> str:
    """Names a connection; its arrow in the SVG file has this id."""
    return "X{}{}-X{}{}".format(*before, *node)


def empty_axes(figure: Figure, x: tuple[float, float], y: tuple[float, float]) -> Any:
    """Adds axes that fill a figure and show nothing of themselves."""
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=x, ylim=y)
    axes.set_axis_off()
    return axes


def box(axes: Any, place: tuple[float, float], text: str, color: str) -> None:
    """Draws a box with text in it."""
    style = {"boxstyle": "round,pad=0.45", "facecolor": color, "edgecolor": "#555555"}
    axes.text(*place, text, ha="center", va="center", fontsize=9, bbox=style)


def arrow(
    axes: Any,
    start: tuple[float, float],
    end: tuple[float, float],
    color: str,
    *,
    bent: bool = False,
    name: str | None = None,
) -> None:
    """Draws an arrow between the boxes at two places, in an arc above them if bent."""
    rise = -0.32 if bent else 0
    shrink = 22 if start[0] == end[0] else 30  # points from the middle of a box to beyond its edge
    axes.add_patch(
        FancyArrowPatch(
            start,
            end,
            connectionstyle=f"arc3,rad={rise}",
            arrowstyle="-|>",
            mutation_scale=12,
            shrinkA=shrink,
            shrinkB=shrink,
            color=color,
            lw=1.6,
            gid=name,
        )
    )


def save(figure: Figure, path: Path) -> None:
    """Writes an SVG file, the same for the same drawing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with matplotlib.rc_context({"svg.hashsalt": "networks", "svg.fonttype": "none"}):
        figure.savefig(path, format="svg", metadata={"Date": None})


def main() -> None:
    """Draws the generator of each aggregation, and the discriminator, of the paper's widths."""
    for aggregation in AGGREGATIONS:
        generator = build_generator(GeneratorConfig(aggregation=aggregation))
        draw_generator(read_graph(generator), FOLDER / f"{aggregation}.svg")
    draw_discriminator(DiscriminatorConfig(), FOLDER / "discriminator.svg")


if __name__ == "__main__":
    main()
