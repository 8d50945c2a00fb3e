"""`keras-colorize train --strategy multiworker` as two processes: stopped, and begun again."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

COMMAND = [sys.executable, str(Path(__file__).with_name("small_train.py")), "train"]
OPTIONS = (  # at the preset's rate Adam makes 2e-4 of the last bit within three steps
    "--preset tiny --epochs 2 --warm-up-epochs 1 --steps-per-epoch 3 --ema 0.9 --seed 5 "
    "--learning-rate 1e-4"
).split()


@pytest.fixture(params=["tensorflow", "jax"])
def backend(request):
    return request.param


@pytest.fixture
def train_in(photographs, val, environments, tmp_path):
    """Runs the command in one process or two; returns exit statuses and what they said."""
    folder = photographs.parent

    def run(backend, name, count, strategy, stop=None):
        processes = []
        for k, environment in enumerate(environments(backend, count)):
            environment["JAX_COMPILATION_CACHE_DIR"] = str(tmp_path / "compiled")
            if stop is not None and k == count - 1:  # only one of them is asked to end
                environment["STOP_AT"] = str(stop)
            arguments = [photographs, "--val", val, "--run", tmp_path / name, *OPTIONS]
            processes.append(
                subprocess.Popen(
                    [*COMMAND, *map(str, arguments), "--strategy", strategy],
                    env=environment,
                    cwd=folder,
                    stderr=subprocess.PIPE,
                    text=True,
                )
            )
        said = [process.communicate()[1] for process in processes]
        return [process.returncode for process in processes], said

    return run


def test_two_processes_stop_together_and_go_on(backend, train_in, tmp_path, metrics):
    codes, said = train_in(backend, "run", 2, "multiworker", stop=2)
    assert codes == [0, 0], said
    for words in said:
        assert "3 steps an epoch, 6 in all, on 2 devices of 2 processes" in words
        assert words.splitlines()[-1] == "Stopped. The same command goes on from there."
    run = tmp_path / "run"
    assert sorted(path.name for path in (run / "checkpoints").iterdir()) == [
        "epoch-0001-step-0000002.weights.h5",
        "epoch-0001.weights.h5",
    ]
    codes, said = train_in(backend, "run", 2, "multiworker")
    assert codes == [0, 0], said
    assert said[0].splitlines()[-1] == f"Done. The generator is {run / 'best.keras'}"
    assert said[1].splitlines()[-1] == "Done. The first process has the run folder."
    assert "epoch 1: " not in said[0]
    assert (run / "report.html").is_file()
    assert [line["images"] for line in metrics(run)] == [12, 24]
    assert len(list((run / "samples").iterdir())) == 2
    if backend == "jax":  # its batch norm is the whole batch's: one process gets the same
        codes, said = train_in(backend, "alone", 1, "auto")
        assert codes == [0], said
        # But for rounding, which Adam and batch norm of so small a network enlarge step by step.
        for ours, theirs, error in zip(
            metrics(run), metrics(tmp_path / "alone"), (1e-5, 1e-3), strict=True
        ):
            for name in ("l1_loss", "generator_loss"):
                assert ours[name] == pytest.approx(theirs[name], rel=error)
