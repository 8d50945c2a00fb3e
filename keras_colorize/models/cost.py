"""What a network costs to run."""

import math
from typing import Any

import keras


def multiply_adds(network: Any, *shapes: tuple[int, ...]) -> int:
    """Counts the multiplications, each with its addition, of a pass through a network.

    Those of convolutions, transposed convolutions and dense layers; where a layer is used twice,
    those of both times. Products with the zeros of padding count.

    Args:
        network: a functional model, of inputs of any size.
        shapes: of its inputs, without the axis of the batch.

    Returns:
        How many for one picture.

    Examples:
        >>> multiply_adds(generator, (256, 256, 1))
        157819076608
    """
    total = 0

    def call(layer: Any, *inputs: Any, **options: Any) -> Any:
        nonlocal total
        outputs = layer(*inputs, **options)
        if hasattr(layer, "kernel"):
            # Each place of a transposed convolution's input meets the whole kernel; elsewhere
            # each place of the output is a product with it.
            transposed = "Transpose" in type(layer).__name__
            places = (inputs[0] if transposed else outputs).shape[1:-1]
            total += math.prod((*layer.kernel.shape, *places))
        return outputs

    tensors = [keras.Input(shape) for shape in shapes]
    keras.models.clone_model(
        network, input_tensors=tensors if tensors[1:] else tensors[0], call_function=call
    )
    return total
