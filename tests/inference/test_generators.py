"""Weights of any kind as a folded Keras generator."""

import numpy as np
import pytest

from keras_colorize.config import AGGREGATIONS, BaselineConfig, GeneratorConfig
from keras_colorize.inference.generators import load_generator
from keras_colorize.inference.runtime import KerasRuntime, LiteRTRuntime, WeightsError
from keras_colorize.inference.tflite_facts import facts_of_file
from keras_colorize.inference.tflite_weights import folded_generator
from keras_colorize.models.baselines.zhang2016 import build_zhang2016, with_annealed_mean
from keras_colorize.models.generator import build_generator, config_of


def has_batch_norm(generator):
    return any("BatchNormalization" in type(layer).__name__ for layer in generator.layers)


def test_a_runs_batch_norm_is_folded(tiny_generator, tmp_path):
    tiny_generator.save(tmp_path / "best.keras")
    loaded = load_generator(tmp_path)
    assert has_batch_norm(tiny_generator) and not has_batch_norm(loaded)
    lightness = np.random.default_rng(0).uniform(0, 100, (64, 96)).astype(np.float32)
    ab, expected = (KerasRuntime(g).predict(lightness) for g in (loaded, tiny_generator))
    assert np.abs(expected).max() > 1
    np.testing.assert_allclose(ab, expected, atol=1e-3)


def test_the_packaged_network_is_read_from_its_tflite(packaged):
    loaded = load_generator()
    assert not has_batch_norm(loaded)
    with np.load(packaged.with_suffix(".golden.npz")) as golden:
        ab = KerasRuntime(loaded).predict(golden["lightness"])
        assert np.abs(ab - golden["ab"]).mean() < 0.5
    assert config_of(loaded).chroma_stride == LiteRTRuntime(packaged).chroma_stride


@pytest.mark.parametrize(
    ("aggregation", "stride"), list(zip(AGGREGATIONS, (1, 2, 4, 2), strict=True))
)
def test_the_shapes_of_constants_tell_the_network(aggregation, stride):
    config = GeneratorConfig((4, 8, 12, 16, 20), stride, aggregation)
    constants = {}
    for layer in build_generator(config, batch_norm=False).layers:
        if weights := layer.get_weights():
            transposed = "Transpose" in type(layer).__name__
            axes = (2, 0, 1, 3) if transposed else (3, 0, 1, 2)
            constants[f"generator/{layer.name}/convolution"] = weights[0].transpose(axes)
            constants[f"generator/{layer.name}/BiasAdd"] = weights[1]
    assert config_of(folded_generator(constants)) == config


def test_a_baseline_is_refused_in_one_sentence(tmp_path):
    baseline = with_annealed_mean(build_zhang2016(BaselineConfig("zhang2016", 0.02).width))
    baseline.save(tmp_path / "best.keras")
    with pytest.raises(WeightsError, match="best.keras holds no generator of this package"):
        load_generator(tmp_path)


def test_a_saved_model_is_refused(tmp_path):
    (tmp_path / "saved_model.pb").touch()
    with pytest.raises(WeightsError, match="name the run, or the .keras or .tflite file"):
        load_generator(tmp_path)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.99])
def test_a_tflite_file_that_is_cut_is_a_sentence(packaged, tmp_path, share):
    path = tmp_path / "cut.tflite"
    whole = packaged.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    for read in (load_generator, facts_of_file):
        with pytest.raises(WeightsError, match=r"cut\.tflite is damaged, or no \.tflite file\.$"):
            read(path)
