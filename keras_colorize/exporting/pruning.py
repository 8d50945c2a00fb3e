"""Networks whose small weights become 0 while they learn."""

from typing import Any

import keras

from keras_colorize.exporting.compression import LAST, Compression, Floats, tfmot, weights_of

_RAMP = 2 / 3  # of the steps; zeros become more up to there, and the rest learns with all of them
_MASKS = 20  # times that the zeros are chosen anew


class Pruning(Compression):
    """Sets the smallest weights of each kernel to 0, more and more (Zhu and Gupta 2017)."""

    def __init__(self, equalized: keras.Model, sparsity: float, steps: int) -> None:
        """Builds.

        Args:
            equalized: as in `Compression`.
            sparsity: share of zeros at the end, in [0, 1).
            steps: of the whole fine-tuning.
        """
        often = max(1, round(_RAMP * steps / _MASKS))
        last = often * max(1, int(_RAMP * steps) // often)
        self.schedule = tfmot.sparsity.keras.PolynomialDecay(
            initial_sparsity=0.0,
            final_sparsity=sparsity,
            begin_step=0,
            end_step=last,
            frequency=often,
        )
        super().__init__(equalized)

    def wrapped(self, layer: Any) -> Any:
        """Prunes the kernel of a layer."""
        if not layer.weights or layer.name == LAST:
            return layer
        return tfmot.sparsity.keras.prune_low_magnitude(layer, pruning_schedule=self.schedule)

    def begin(self) -> None:
        """Counts steps from 0."""
        self.steps = tfmot.sparsity.keras.UpdatePruningStep()
        self.steps.set_model(self.model)
        self.steps.on_train_begin()

    def end_epoch(self) -> None:
        """Sets to 0 what the last step moved."""
        self.steps.on_epoch_end(0)

    def kernels(self) -> dict[str, list[Floats]]:
        """As of `Compression`: with their zeros."""
        return weights_of(tfmot.sparsity.keras.strip_pruning(self.model))
