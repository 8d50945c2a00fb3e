"""The drawings in docs/images/networks show the networks that the package builds."""

import re
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

from keras_colorize import build_discriminator, build_generator
from keras_colorize.config import AGGREGATIONS, GeneratorConfig
from keras_colorize.models.generator import node_inputs


@pytest.fixture
def drawing(repository: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(repository / "docs")
    monkeypatch.delitem(sys.modules, "draw_networks", raising=False)
    return import_module("draw_networks")


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
def test_generator(drawing: ModuleType, repository: Path, aggregation: str) -> None:
    config = GeneratorConfig((1, 1, 1, 1, 1), aggregation=aggregation)
    graph = drawing.read_graph(build_generator(config))
    joined = {(skip, node) for node, skips in node_inputs(config).items() for skip in skips}
    ups = {((i + 1, j - 1), (i, j)) for i, j in node_inputs(config)}
    downs = {((i, 0), (i + 1, 0)) for i in range(4)}
    assert set(graph.edges) == joined | ups | downs
    assert {edge for edge, kind in graph.edges.items() if kind == "up"} == ups

    svg = (repository / "docs" / "images" / "networks" / f"{aggregation}.svg").read_text()
    names = {drawing.edge_name(*edge) for edge in graph.edges}
    assert set(re.findall(r'<g id="(X\d\d-X\d\d)">', svg)) == names
    for (i, j), (side, _) in graph.nodes.items():
        assert f">X({i},{j})<" in svg
        assert f">{side}² x {GeneratorConfig().widths[i]}<" in svg


def test_discriminator(repository: Path) -> None:
    svg = (repository / "docs" / "images" / "networks" / "discriminator.svg").read_text()
    network = build_discriminator()
    for layer in network.layers:
        if hasattr(layer, "kernel"):
            assert re.search(rf">{layer.name}<.*?² x {layer.filters}<", svg, re.DOTALL)
    assert f"{network.count_params() / 1e6:.2f} million parameters" in svg
