import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from keras_colorize.imaging.color import scale_lightness, unscale_ab
from keras_colorize.inference.runtime import (
    KerasRuntime,
    LiteRTRuntime,
    WeightsError,
    load_runtime,
)


@pytest.fixture(scope="module")
def lightness() -> np.ndarray:
    y, x = np.mgrid[:256, :256].astype(np.float32)
    return 50 + 40 * np.sin(x / 20) * np.cos(y / 30)


def test_litert_reads_what_it_is_from_the_file(packaged: Path) -> None:
    runtime = load_runtime(None)
    assert isinstance(runtime, LiteRTRuntime)
    assert runtime.name == packaged.stem
    assert {(256, 256), (256, 384), (384, 256), (512, 512)} == set(runtime.sizes or ())
    assert runtime.size_multiple == 16 * runtime.chroma_stride


def test_litert_predicts_in_every_size(packaged: Path) -> None:
    runtime = LiteRTRuntime(packaged, threads=1)
    stride = runtime.chroma_stride
    for height, width in runtime.sizes or ():
        ab = runtime.predict(np.full((height, width), 60, np.float32))
        assert ab.shape == (height // stride, width // stride, 2)
        assert ab.dtype == np.float32
        assert np.isfinite(ab).all() and np.abs(ab).max() <= 110


def test_litert_gives_the_golden_ab(packaged: Path) -> None:
    with np.load(packaged.with_suffix(".golden.npz")) as golden:
        ab = LiteRTRuntime(packaged).predict(golden["lightness"])
        assert np.abs(ab - golden["ab"]).mean() < 0.5
        assert np.abs(golden["ab"]).max() > 1  # it says something


def test_litert_refuses_other_sizes(packaged: Path) -> None:
    with pytest.raises(ValueError, match=r"not \(64, 64\)"):
        LiteRTRuntime(packaged).predict(np.zeros((64, 64), np.float32))


@pytest.mark.parametrize("content", [b"", b"not a network" * 100])
def test_a_damaged_tflite_is_one_sentence(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "broken.tflite"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match="broken.tflite is damaged, or no .tflite file"):
        load_runtime(path)


def test_a_runtime_is_shared_between_threads(packaged: Path, lightness: np.ndarray) -> None:
    runtime = LiteRTRuntime(packaged, threads=1)
    inputs = [lightness, 100 - lightness, lightness[::-1], lightness.T]
    expected = [runtime.predict(one) for one in inputs]
    results: list[Any] = [None] * len(inputs)

    def work(index: int) -> None:
        results[index] = [runtime.predict(inputs[index]) for _ in range(3)]

    threads = [threading.Thread(target=work, args=(index,)) for index in range(len(inputs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for result, one in zip(results, expected, strict=True):
        assert all(np.array_equal(ab, one) for ab in result)


def test_litert_leaves_the_terminal_alone_and_gives_it_back(packaged: Path) -> None:
    code = f"""
import os, numpy as np
from keras_colorize.inference.runtime import LiteRTRuntime
for _ in range(2):
    LiteRTRuntime({str(packaged)!r}).predict(np.zeros((256, 256), np.float32))
os.write(2, b"mine")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "mine")


def test_litert_runs_without_a_standard_error(packaged: Path) -> None:
    code = f"""
import os, numpy as np
os.close(2)
from keras_colorize.inference.runtime import LiteRTRuntime
print(LiteRTRuntime({str(packaged)!r}).predict(np.zeros((256, 256), np.float32)).shape[2])
"""
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert (done.returncode, done.stdout) == (0, "2\n")


def test_keras_speaks_lab_units(tiny_generator: Any, lightness: np.ndarray) -> None:
    runtime = KerasRuntime(tiny_generator)
    assert (runtime.sizes, runtime.size_multiple, runtime.chroma_stride) == (None, 32, 2)
    crop = lightness[:64, :96]
    ab = runtime.predict(crop)
    batch = scale_lightness(crop)[None, ..., None]
    expected = unscale_ab(np.asarray(tiny_generator(batch, training=False)))[0]
    assert ab.shape == (32, 48, 2)
    np.testing.assert_allclose(ab, expected, atol=1e-4)


def test_keras_from_a_run_folder(
    tiny_generator: Any, lightness: np.ndarray, tmp_path: Path
) -> None:
    tiny_generator.save(tmp_path / "best.keras")
    crop = lightness[:64, :64]
    loaded = load_runtime(tmp_path)
    assert loaded.name == "best"
    np.testing.assert_allclose(
        loaded.predict(crop), KerasRuntime(tiny_generator).predict(crop), atol=1e-4
    )


def test_what_is_no_generator_is_refused(tmp_path: Path) -> None:
    import keras

    other = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    with pytest.raises(WeightsError, match="not a generator"):
        KerasRuntime(other)
    (tmp_path / "broken.keras").write_bytes(b"PK not really")
    with pytest.raises(WeightsError, match="broken.keras is damaged"):
        load_runtime(tmp_path / "broken.keras")


@pytest.mark.parametrize("share", [0.02, 0.5, 0.9999])
def test_a_keras_file_with_a_flipped_byte_is_one_sentence(
    tiny_generator: Any, tmp_path: Path, share: float
) -> None:
    path = tmp_path / "flipped.keras"
    tiny_generator.save(path)
    data = bytearray(path.read_bytes())
    data[int(len(data) * share)] ^= 255
    path.write_bytes(data)
    with pytest.raises(WeightsError, match="flipped.keras is damaged, or no .keras file"):
        load_runtime(path)
