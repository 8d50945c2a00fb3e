"""The computation that a network needs."""

import math
from typing import Any

import keras


def multiply_adds(network: Any, *shapes: tuple[int, ...]) -> int:
    """Counts the multiply-adds of a forward pass.

    It counts convolutions, transposed convolutions and dense layers, each as often as it is used.
    Products with the zeros of padding are included.

    Args:
        network: A functional model that accepts inputs of any size.
        shapes: The shapes of its inputs, without the batch axis.

    Returns:
        The number of multiply-adds for one image.

    Examples:
        >>> multiply_adds(generator, (256, 256, 1))
        157819076608
    """
    total = 0

    def call(layer: Any, *inputs: Any, **options: Any) -> Any:
        nonlocal total
        outputs = layer(*inputs, **options)
        if hasattr(layer, "kernel"):
            # A transposed convolution applies its kernel to each position of its input. Other
            # layers apply it for each position of their output.
            transposed = "Transpose" in type(layer).__name__
            places = (inputs[0] if transposed else outputs).shape[1:-1]
            total += math.prod((*layer.kernel.shape, *places))
        return outputs

    tensors = [keras.Input(shape) for shape in shapes]
    keras.models.clone_model(
        network, input_tensors=tensors if tensors[1:] else tensors[0], call_function=call
    )
    return total
