"""The operators of a `.tflite` file: what each multiplies, and each as a file of its own."""

import copy
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

from keras_colorize.inference.litert_runtime import open_litert
from keras_colorize.inference.quiet import quiet_first_run
from keras_colorize.inference.weights import WeightsError

_IDENTIFIER = b"TFL3"
_LAYER = re.compile(r"(?:encoder|node)_\w+?(?=(?:_relu)?_?\d*/)|ab_scaled")
_MULTIPLYING = ("CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV", "FULLY_CONNECTED")
_KINDS = {code: name for name, code in vars(schema.BuiltinOperator).items() if name.isupper()}


@dataclass(frozen=True)
class Operator:
    """A step of a graph.

    Attributes:
        layer: the layer of the generator that it computes, or "" outside of the network.
        kind: such as `CONV_2D`.
        output: shape of its result.
        multiply_adds: of a convolution or a dense layer; 0 of others.
        is_integer: whether its weights are integers.
        model: a `.tflite` file of nothing else.
    """

    layer: str
    kind: str
    output: tuple[int, ...]
    multiply_adds: int
    is_integer: bool
    model: bytes

    def runner(self, threads: int) -> Callable[[], None]:
        """A call that computes it once, of random numbers."""
        interpreter = Interpreter(model_content=self.model, num_threads=threads)
        with quiet_first_run():
            interpreter.allocate_tensors()
        random = np.random.default_rng(0)
        for tensor in interpreter.get_input_details():
            values = random.uniform(0, 6, tensor["shape"])
            interpreter.set_tensor(tensor["index"], values.astype(tensor["dtype"]))
        run: Callable[[], None] = interpreter.invoke
        return run


def read_operators(path: Path, signature: str = "colorize") -> list[Operator]:
    """Reads the operators of a signature, in their order, without those that unpack constants.

    Raises:
        WeightsError: the file is damaged, or has no such signature.
    """
    open_litert(path, 1)  # which verifies the file
    model = schema.ModelT.InitFromPackedBuf(path.read_bytes(), 0)
    places = {s.signatureKey.decode(): s.subgraphIndex for s in model.signatureDefs}
    if signature not in places:
        raise WeightsError(f"{path} has no signature {signature}.")
    graph = model.subgraphs[places[signature]]
    steps = [_Step(model, graph, operator) for operator in graph.operators]
    return [step.operator() for step in steps if step.reads_data()]


class _Step:
    """One operator of a graph in flatbuffers' objects."""

    def __init__(self, model: Any, graph: Any, operator: Any) -> None:
        self._model, self._graph, self._its = model, graph, operator
        self._makers = {int(t): op for op in graph.operators for t in op.outputs}

    def reads_data(self) -> bool:
        return any(not self._is_constant(t) for t in self._its.inputs if t >= 0)

    def operator(self) -> Operator:
        kind = self._kind()
        output = self._graph.tensors[self._its.outputs[0]]
        weights = self._weights() if kind in _MULTIPLYING else None
        return Operator(
            layer=layer_of(output.name.decode()),
            kind=kind,
            output=tuple(map(int, output.shape)),
            multiply_adds=self._multiply_adds(kind, weights),
            is_integer=weights is not None and weights.type == schema.TensorType.INT8,
            model=self._alone(),
        )

    def _kind(self) -> str:
        code = self._model.operatorCodes[self._its.opcodeIndex]
        return _KINDS[max(code.builtinCode, code.deprecatedBuiltinCode)]

    def _weights(self) -> Any:
        """The tensor of the weights, as they are stored."""
        index = int(self._its.inputs[1])
        maker = self._makers.get(index)
        return self._graph.tensors[index if maker is None else maker.inputs[0]]

    def _multiply_adds(self, kind: str, weights: Any) -> int:
        if weights is None:
            return 0
        kernel = math.prod(map(int, weights.shape))
        if kind == "TRANSPOSE_CONV":  # each place of its input meets the whole kernel
            places = self._graph.tensors[self._its.inputs[2]].shape[:-1]
        else:
            places = self._graph.tensors[self._its.outputs[0]].shape[:-1]
        return kernel * math.prod(map(int, places))

    def _is_constant(self, tensor: int) -> bool:
        if maker := self._makers.get(int(tensor)):  # float16 weights are unpacked by an operator
            return all(self._is_constant(t) for t in maker.inputs)
        return self._model.buffers[self._graph.tensors[tensor].buffer].data is not None

    def _alone(self) -> bytes:
        unpacking = [
            self._makers[int(t)]
            for t in self._its.inputs
            if int(t) in self._makers and self._is_constant(t)
        ]
        operators = [copy.copy(operator) for operator in (*unpacking, self._its)]
        numbers: dict[int, int] = {}
        for operator in operators:
            for side in ("inputs", "outputs"):
                places = [int(t) for t in getattr(operator, side)]
                setattr(
                    operator,
                    side,
                    [t if t < 0 else numbers.setdefault(t, len(numbers)) for t in places],
                )
        graph = schema.SubGraphT()
        graph.tensors = [copy.copy(self._graph.tensors[t]) for t in numbers]
        graph.operators = operators
        graph.inputs = [
            numbers[int(t)] for t in self._its.inputs if t >= 0 and not self._is_constant(t)
        ]
        graph.outputs = operators[-1].outputs
        return _packed(self._model, graph)


def _packed(model: Any, graph: Any) -> bytes:
    """A file of one graph, whose tensors still have the places of the model's buffers."""
    alone = schema.ModelT()
    alone.version, alone.operatorCodes = model.version, model.operatorCodes
    alone.description, alone.subgraphs = model.description, [graph]
    alone.buffers = [schema.BufferT()]  # buffer 0 is empty by definition
    for tensor in graph.tensors:
        buffer = model.buffers[tensor.buffer]
        tensor.buffer = 0
        if buffer.data is not None:
            tensor.buffer = len(alone.buffers)
            alone.buffers.append(buffer)
    return pack(alone)


def layer_of(tensor: str) -> str:
    """The layer of the generator whose output a tensor's name tells, or ""."""
    name = _LAYER.search(tensor)
    return name[0] if name else ""


def pack(model: Any) -> bytes:
    """Writes a `ModelT` of TensorFlow Lite's schema as the bytes of a `.tflite` file."""
    builder = flatbuffers.Builder(1 << 20)
    builder.Finish(model.Pack(builder), _IDENTIFIER)
    return bytes(builder.Output())
