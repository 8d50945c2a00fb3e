"""Times and rates: what they are of, and that they take turns."""

import numpy as np
import pytest

from keras_colorize.inference import matrix_products
from keras_colorize.inference.benchmarking import Benchmark, benchmark, layer_times
from keras_colorize.inference.fitting import SizeError
from keras_colorize.inference.flops import Flops
from keras_colorize.inference.latency import medians
from keras_colorize.inference.matrix_products import COLUMNS, INNER, ROWS, MatrixProduct
from keras_colorize.inference.weights import WeightsError


def test_calls_take_turns():
    seen = []
    calls = [lambda: seen.append("a"), lambda: seen.append("b")]
    assert all(time >= 0 for time in medians(calls, 3))
    assert seen == ["a", "b"] * 4  # the first of them is not timed


def test_median_is_of_each_call(monkeypatch):
    clock = iter([0.0, 0.001, 1.0, 1.009, 2.0, 2.002, 3.0, 3.004, 4.0, 4.003, 5.0, 5.005])
    monkeypatch.setattr("time.perf_counter", lambda: next(clock))
    np.testing.assert_allclose(medians([lambda: None, lambda: None], 3), [2, 5])


@pytest.mark.parametrize("is_integer", [False, True])
def test_matrix_product_is_one(is_integer):
    product = MatrixProduct(1, is_integer=is_integer)
    given, weights, _, made = product._interpreter.get_tensor_details()[:4]
    random = np.random.default_rng(0)
    left = random.integers(-9, 10, (ROWS, INNER)).astype(given["dtype"])
    product._interpreter.set_tensor(given["index"], left)
    product()
    result = product._interpreter.get_tensor(made["index"]).astype(np.float64)
    right = product._interpreter.get_tensor(weights["index"]).astype(np.float64)
    expected = left.astype(np.float64) @ right.T
    if is_integer:  # scales: 0.5 of each factor, 1 of the product, which is cut off at 8 bits
        expected = np.clip(expected / 4, -128, 127)
    np.testing.assert_allclose(result, expected, atol=0.51 if is_integer else 1e-3)
    assert matrix_products.OPERATIONS == 2 * ROWS * INNER * COLUMNS


def test_rate_and_share():
    one = Benchmark("mobile", "LiteRT", 1, 256, 20.0, Flops(2_000_000_000), 400.0)
    assert one.rate == pytest.approx(200.0)  # 4e9 operations in 0.02 s
    assert one.share == pytest.approx(0.5)


def test_the_packaged_network_is_timed_in_a_process_of_its_own(packaged):
    found = benchmark(packaged, 1, repeats=2)
    assert (found.name, found.runtime, found.threads, found.side) == ("mobile", "LiteRT", 1, 256)
    assert found.flops.multiply_adds == 3_410_967_552
    assert found.milliseconds > 0 and found.matrix_rate > 0


def test_mistakes_come_back_as_what_they_are(packaged, tmp_path):
    with pytest.raises(SizeError):
        benchmark(packaged, 1, size=100)
    with pytest.raises(WeightsError, match="There are no weights"):
        benchmark(tmp_path / "no.tflite", 1)


def test_layers_are_timed(packaged):
    found = layer_times(packaged, 1, 256, repeats=1)
    names = [one.operator.layer for one in found if one.operator.multiply_adds]
    assert names[0] == "encoder_0_conv_1" and names[-1] == "ab_scaled"
    assert sum(one.operator.multiply_adds for one in found) == 3_410_967_552
    assert all(one.milliseconds > 0 for one in found)
    assert "model" not in found[0].facts()
