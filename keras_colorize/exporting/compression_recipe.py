"""What a compression is to do."""

from dataclasses import dataclass
from typing import Literal, get_args

Method = Literal["qat", "prune", "cluster"]
METHODS: tuple[Method, ...] = get_args(Method)
# What a method takes away decides how far the weights have to go. A network that only has to learn
# rounding is thrown off by the steps that one with half of its weights needs.
LEARNING_RATES: dict[Method, float] = {"qat": 1e-5, "prune": 1e-4, "cluster": 3e-5}


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
        learning_rate: of Adam, at the start; it falls linearly to 0. None = that of the method in
            `LEARNING_RATES`.
        seed: of order and crops.
    """

    method: Method
    sparsity: float = 0.5
    clusters: int = 16
    size: int = 192
    batch_size: int = 16
    epochs: int = 2
    steps_per_epoch: int | None = None
    learning_rate: float | None = None
    seed: int = 0

    @property
    def rate(self) -> float:
        """The learning rate, whoever chose it."""
        return self.learning_rate or LEARNING_RATES[self.method]
