"""How much of a TFLite file the XNNPACK delegate takes over."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keras_colorize.inference.litert_runtime import open_litert
from keras_colorize.inference.quiet import quiet_first_run


@dataclass(frozen=True)
class Delegation:
    """What became of the graph of a file's first signature.

    Attributes:
        nodes: number of nodes of the graph.
        delegated: number of nodes that run in XNNPACK.
        partitions: number of connected parts that these form. Between two of them LiteRT's own
            kernels work.
    """

    nodes: int
    delegated: int
    partitions: int


def delegation_of(path: Path) -> Delegation:
    """Loads a `.tflite` file as `LiteRTRuntime` does and looks at its graph.

    Raises:
        WeightsError: the file is no such model.
    """
    interpreter = open_litert(path, 1)
    with quiet_first_run():
        interpreter.allocate_tensors()
    # LiteRT has no public call that tells what a delegate replaced.
    operations = interpreter._get_ops_details()
    partitions = [op for op in operations if op["op_name"] == "DELEGATE"]
    nodes = [op for op in operations if op["op_name"] != "DELEGATE"]
    makers = {int(tensor): node for node in nodes for tensor in node["outputs"]}
    delegated: set[int] = set().union(*(_inside(partition, makers) for partition in partitions))
    return Delegation(len(nodes), len(delegated), len(partitions))


def _inside(partition: Any, makers: dict[int, Any]) -> set[int]:
    """Returns the nodes between a delegate's inputs and its outputs."""
    given = {int(tensor) for tensor in partition["inputs"]}
    found: set[int] = set()
    wanted = [int(tensor) for tensor in partition["outputs"]]
    while wanted:
        tensor = wanted.pop()
        maker = makers.get(tensor)
        if tensor not in given and maker is not None and maker["index"] not in found:
            found.add(maker["index"])
            wanted += [int(tensor) for tensor in maker["inputs"]]
    return found
