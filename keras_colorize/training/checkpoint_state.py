"""What a checkpoint holds besides the weights."""

from typing import Any

from keras import ops


class CheckpointState:
    """The state of a model in training that Keras does not save with its weights.

    Attributes:
        trackers: The running means of the losses over the epoch so far, by name.
    """

    trackers: dict[str, Any]

    def running_means(self) -> dict[str, list[float]]:
        """The state of all running means."""
        # Adding 0.0 turns a variable that is on several devices into a single tensor.
        return {
            name: [float(variable + 0.0) for variable in mean.variables]
            for name, mean in self.trackers.items()
        }

    def set_running_means(self, means: dict[str, list[float]]) -> None:
        """Restores the state that `running_means` returned."""
        for name, state in means.items():
            for variable, value in zip(self.trackers[name].variables, state, strict=True):
                variable.assign(value)

    def random_states(self) -> list[list[int]]:
        """The states of dropout's random generators."""
        return [ops.convert_to_numpy(v.value).tolist() for v in self._random_variables()]

    def set_random_states(self, states: list[list[int]]) -> None:
        """Restores the states that `random_states` returned."""
        for variable, state in zip(self._random_variables(), states, strict=True):
            variable.assign(state)

    def _random_variables(self) -> list[Any]:
        return []
