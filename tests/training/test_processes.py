"""What processes that train together agree on: two of them, as threads that only exchange sums."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from keras_colorize.training.distribution import DeviceError, Devices
from keras_colorize.training.runs import Run, RunError

CONFIGURATION = {"preset": "tiny", "photographs": 9, "training": {"grow": ((1, 2),)}}


class Processes:
    """Two processes of two devices each."""

    def __init__(self):
        self.said = [None, None]
        self.meet = threading.Barrier(2, timeout=30)

    def __call__(self, work):
        """Returns what `work` returns, or raises, in each of them."""

        def outcome(process):
            try:
                return work(Process(self, process))
            except Exception as error:
                return error

        with ThreadPoolExecutor(2) as pool:
            return list(pool.map(outcome, range(2)))


class Process(Devices):
    replicas = 4
    processes = 2

    def __init__(self, all_of_them, process):
        self.all_of_them = all_of_them
        self.process = process

    def total(self, values):
        assert values.dtype == np.float32
        self.all_of_them.said[self.process] = values
        self.all_of_them.meet.wait(600)
        total = sum(self.all_of_them.said)
        self.all_of_them.meet.wait(600)
        return total


@pytest.fixture
def processes():
    return Processes()


def test_the_highest_wish_is_everyones(processes):
    assert processes(lambda it: it.highest([2, 1][it.process], 4)) == [2, 2]
    assert processes(lambda it: it.highest(0, 4)) == [0, 0]


@pytest.mark.parametrize("size", [0, 1, 5000])
def test_bytes_of_the_first(processes, size, monkeypatch):
    monkeypatch.setattr("keras_colorize.training.distribution._CHUNK", 999)
    content = np.random.default_rng(1).bytes(size)
    mine = [content, b"something else"]
    assert processes(lambda it: it.of_first(mine[it.process])) == [content, content]


def test_a_failure_ends_all_of_them(processes):
    def work(devices):
        with devices.together():
            if devices.process == 1:
                raise ValueError("The disk is full.")

    first, second = processes(work)
    assert isinstance(first, DeviceError)
    assert str(first) == "Another process cannot train; its own message says why."
    assert str(second) == "The disk is full."


def test_the_others_go_on_from_copies_that_do_not_stay(processes, tmp_path):
    folder = tmp_path / "run"
    before = Run(folder, CONFIGURATION)
    before.write_metrics([{"epoch": 1}])
    (folder / "checkpoints/epoch-0001.weights.h5").write_bytes(b"\0\1weights")
    places = {}

    def work(devices):
        with devices.run(folder, CONFIGURATION) as run:
            found = run.metrics(), {k: p.read_bytes() for k, p in run.checkpoints().items()}
            run.write_metrics([{"epoch": 2 + devices.process}])
            places[devices.process] = run.folder
            devices.highest(0, 2)  # nobody leaves before all were here
            return found

    assert processes(work) == [([{"epoch": 1}], {(1, 0): b"\0\1weights"})] * 2
    assert places[0] == folder and not places[1].exists()
    assert (folder / "metrics.jsonl").read_text() == '{"epoch": 2}\n'


def test_a_new_run_is_made_once(processes, tmp_path):
    def work(devices):
        with devices.run(tmp_path / "run", CONFIGURATION) as run:
            return run.metrics()

    assert processes(work) == [[], []]
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_all_of_them_have_the_same_photographs_and_options(processes, tmp_path):
    def work(devices):
        mine = {**CONFIGURATION, "photographs": 9 + devices.process}
        with devices.run(tmp_path / "run", mine):
            raise AssertionError

    first, second = processes(work)
    assert str(first) == "Another process cannot train; its own message says why."
    assert str(second) == (
        "This process was started on other photographs or with other options than the first one "
        "(different: photographs)."
    )


def test_a_folder_of_another_run_ends_all_of_them(processes, tmp_path):
    Run(tmp_path, {**CONFIGURATION, "preset": "mobile"})

    def work(devices):
        with devices.run(tmp_path, CONFIGURATION):
            raise AssertionError

    first, second = processes(work)
    assert isinstance(first, RunError) and isinstance(second, DeviceError)
