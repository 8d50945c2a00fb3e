"""Training on two devices and in two processes, against training on one."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from keras_colorize.training.backends import open_devices
from keras_colorize.training.distribution import DeviceError, Devices

STEP = Path(__file__).with_name("devices_step.py")


@pytest.fixture(scope="module")
def found(make_gan, environments, tmp_path_factory):
    """What each process prints of steps on two devices."""
    folder = tmp_path_factory.mktemp("devices")
    gan = make_gan()
    gan.generator.save(folder / "generator.keras")
    gan.discriminator.save(folder / "discriminator.keras")

    def run(backend, strategy, *cases):
        command = [sys.executable, "-W", "error::UserWarning", str(STEP), strategy, str(folder)]
        processes = [
            subprocess.Popen(
                [*command, *cases],
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for environment in environments(backend, 1 if strategy == "mirrored" else 2)
        ]
        outputs = [process.communicate() for process in processes]
        for process, (_, errors) in zip(processes, outputs, strict=True):
            assert process.returncode == 0, errors
        return [json.loads(printed.splitlines()[-1]) for printed, _ in outputs]

    return run


def same_as_one_device(facts):
    assert len(facts["logs"]) == 3
    for ours, theirs in zip(facts["logs"], facts["logs of one"], strict=True):
        assert ours == pytest.approx(theirs, rel=1e-5)
    assert {"gradient_norm_0", "discriminator_loss"} <= facts["logs"][0].keys()
    assert facts["strongest"] > 0.1
    assert facts["gradients"] < 1e-5
    for name, (total, count) in facts["means of one"].items():
        assert facts["means"][name] == pytest.approx([total, count], rel=1e-5)
        assert count == 3
    assert facts["means read back"] == facts["means"]
    assert facts["weights read back"] == facts["weights read on one"] == 0


@pytest.mark.parametrize(
    ("backend", "cases"),
    # Batch norm that learns is the whole batch's on JAX alone.
    [("tensorflow", ["scaled", "accumulated"]), ("jax", ["free"])],
)
def test_two_replicas_of_8_are_one_of_16(found, backend, cases):
    [facts] = found(backend, "mirrored", *cases)
    assert facts["devices"] == [2, 0, 1]
    for case in cases:
        same_as_one_device(facts[case])
    assert facts["predicted"] < 1e-5


# JAX in two processes compiles as long as all else here; its step on two devices is tested above.
@pytest.mark.parametrize("backend", ["tensorflow", pytest.param("jax", marks=pytest.mark.slow)])
def test_two_processes_with_8_are_one_with_16(found, backend):
    for process, facts in enumerate(found(backend, "multiworker", "frozen")):
        assert facts["devices"][1:] == [process, 2]
        same_as_one_device(facts["frozen"])
        assert facts["predicted"] < 1e-5
        assert facts["of first"] == 255
        assert facts["highest"] == 1


def test_one_device_is_used_as_it_is():
    with open_devices("auto") as devices:
        assert type(devices) is Devices
        batches = object()
        assert devices.feed(batches) is batches
        assert devices.said == ""


def test_devices_that_are_not_there_are_a_sentence(monkeypatch):
    with pytest.raises(DeviceError, match=r"^TensorFlow sees one device here; --strategy mirrored"):
        with open_devices("mirrored"):
            pass
    for value, sentence in (
        ("{}", "needs TF_CONFIG to name two workers or more"),
        ('{"cluster": {"worker": ["a:1"]}}', "needs TF_CONFIG to name two workers or more"),
        ("{", "TF_CONFIG cannot be used: "),
    ):
        monkeypatch.setenv("TF_CONFIG", value)
        with pytest.raises(DeviceError, match=sentence):
            with open_devices("multiworker"):
                pass


def test_on_jax_too(environments):
    script = """
from keras_colorize.training.backends import open_devices
for strategy in ("multiworker", "mirrored"):
    try:
        with open_devices(strategy):
            pass
    except ValueError as error:
        print(error)
"""
    [environment] = environments("jax", 1)
    environment["XLA_FLAGS"] = ""
    result = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True
    )
    assert result.stdout.splitlines() == [
        "--strategy multiworker cannot reach the other processes (coordinator_address should be "
        "defined); docs/devices.md has an example.",
        "JAX sees one device here; --strategy mirrored needs several.",
    ], result.stderr


def test_a_batch_that_cannot_be_divided_is_a_sentence():
    devices = Devices()
    devices.check(5)
    devices.replicas = 4
    devices.check(8)
    with pytest.raises(DeviceError, match=r"^A batch of 6 photographs cannot be divided over 4 "):
        devices.check(6)
