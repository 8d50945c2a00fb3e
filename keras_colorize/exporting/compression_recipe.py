"""What a compression is to do."""

from dataclasses import dataclass
from typing import Literal, get_args

Method = Literal["qat", "prune", "cluster"]
METHODS: tuple[Method, ...] = get_args(Method)


@dataclass(frozen=True)
class CompressionRecipe:
    """A method, and how its network is fine-tuned.

    Attributes:
        method: `qat`: computes in 8 bits while it learns (quantization-aware training); `prune`:
            small weights become 0; `cluster`: the weights of a kernel share a few values.
        sparsity: share of zeros that `prune` ends with.
        clusters: values of a kernel for `cluster`.
        size: side of the square crops in pixels.
        batch_size: photographs a step.
        epochs: how many.
        steps_per_epoch: steps an epoch; None = one pass over the photographs.
        learning_rate: of Adam, at the start; it falls linearly to 0.
        seed: of order and crops.
    """

    method: Method
    sparsity: float = 0.5
    clusters: int = 16
    size: int = 192
    batch_size: int = 16
    epochs: int = 2
    steps_per_epoch: int | None = None
    learning_rate: float = 1e-4
    seed: int = 0
