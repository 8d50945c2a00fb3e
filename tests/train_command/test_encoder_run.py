"""A whole run with a pretrained encoder, and the same gone on with after the epoch of its rest."""

import shutil
from dataclasses import replace

import keras
import numpy as np
import pytest

from keras_colorize.config import PRESETS, GeneratorConfig
from keras_colorize.models import efficientnet_lite
from keras_colorize.models.efficientnet_lite import is_in_encoder
from keras_colorize.training import fine_tuning
from keras_colorize.training.runs import Run

OPTIONS = (
    "--preset tiny --encoder efficientnet_lite0 --freeze-encoder 1 --epochs 2 --warm-up-epochs 2 "
    "--images-per-epoch 8 --size 64 --seed 5 --ema 0"
).split()


@pytest.fixture
def runs(photographs, train, tmp_path, monkeypatch):
    """A run's folder, that of one gone on with after an epoch, and the generator of that epoch."""
    network = GeneratorConfig((2, 3, 4, 4, 4), 2, "unet", convolutions=1)
    monkeypatch.setitem(PRESETS, "tiny", replace(PRESETS["tiny"], generator=network))
    monkeypatch.setitem(efficientnet_lite._SCALING, "efficientnet_lite0", (0.25, 0.34))
    # The weights do not fit so small an encoder: random ones do.
    monkeypatch.setattr(fine_tuning, "load_imagenet_weights", lambda generator: None)
    save = Run.save_checkpoint
    early = tmp_path / "early"

    def save_and_copy(self, gan, epochs, steps=0):
        save(self, gan, epochs, steps)
        if epochs == 1 and not early.exists():
            shutil.copytree(self.folder, early)

    monkeypatch.setattr(Run, "save_checkpoint", save_and_copy)
    result = train(photographs, "--run", tmp_path / "run", *OPTIONS)
    assert result.exit_code == 0, result.output
    first = keras.saving.load_model(early / "generator.keras")
    result = train(photographs, "--run", early, *OPTIONS)
    assert result.exit_code == 0, result.output
    return tmp_path / "run", early, first


@pytest.mark.slow
def test_a_run_gone_on_with_after_the_rest_ends_the_same(runs, metrics):
    unbroken, resumed, first = runs
    assert metrics(resumed) == metrics(unbroken)
    assert "gradient_norm_4" in metrics(unbroken)[0]
    ours, theirs = (keras.saving.load_model(run / "generator.keras") for run in runs[:2])
    moved = set()
    for a, b, before in zip(ours.weights, theirs.weights, first.weights, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
        if not np.array_equal(a.numpy(), before.numpy()):
            moved.add(a.path)
    inside = {path for path in moved if is_in_encoder(path)}
    assert len(inside) > 30 and moved > inside
    assert not [path for path in inside if "_depthwise/" in path]
