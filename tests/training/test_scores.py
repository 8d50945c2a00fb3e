"""What validation says of pictures, against the metrics of `keras-colorize evaluate`."""

import cv2
import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_colorize.evaluation.metrics import METRICS, Picture
from keras_colorize.imaging.color import (
    lab_to_rgb,
    rgb_to_lab,
    scale_ab,
    scale_lightness,
    unscale_ab,
)


@pytest.mark.parametrize("stride", [1, 2])
def test_evaluation_scores_pictures(make_gan, make_picture, stride):
    """As `keras-colorize evaluate` defines the scores, of ab enlarged bilinearly."""
    truths = [np.asarray(make_picture(seed, 64, 64)) for seed in range(5)]
    lab = np.stack([rgb_to_lab(truth) for truth in truths])
    lightness, ab = scale_lightness(lab[..., :1]), scale_ab(lab[..., 1:])
    gan = make_gan(stride)
    gan.compile(keras.optimizers.SGD(0.01), keras.optimizers.SGD(0.01))
    pairs = tf.data.Dataset.from_tensor_slices((lightness, ab)).batch(2)
    logs = gan.evaluate(pairs, verbose=0, return_dict=True)
    expected = {"psnr": [], "acc_2": []}
    generated = unscale_ab(np.array(gan.generator(lightness, training=False)))
    for truth, one, small in zip(truths, lab, generated, strict=True):
        large = cv2.resize(small, (64, 64), interpolation=cv2.INTER_LINEAR)
        picture = Picture(lab_to_rgb(one[..., 0], large))
        for name, values_ in expected.items():
            values_.append(METRICS[name](Picture(truth), picture))
    assert set(logs) == {"loss", "l1_loss", *expected}
    assert logs["psnr"] == pytest.approx(np.mean(expected["psnr"]), abs=1e-3)
    assert logs["acc_2"] == pytest.approx(np.mean(expected["acc_2"]), abs=1e-4)
    assert 5 < logs["psnr"] < 60 and 0 < logs["acc_2"] < 1


def test_sizes_that_a_graph_does_not_know(make_gan, batch):
    gan = make_gan()
    gan.compile(keras.optimizers.SGD(0.01), keras.optimizers.SGD(0.01))
    specs = tuple(tf.TensorSpec((None, None, None, channels)) for channels in (1, 2))
    found = tf.function(gan.test_step, input_signature=[specs])(batch)
    gan.reset_metrics()
    expected = gan.test_on_batch(*batch, return_dict=True)
    assert {name: float(value) for name, value in found.items()} == pytest.approx(
        {name: float(value) for name, value in expected.items()}
    )


def test_fit_validates_with_scores_that_training_does_not_show(make_gan, batch):
    gan = make_gan()
    gan.compile(keras.optimizers.SGD(0.01), keras.optimizers.SGD(0.01))
    dataset = tf.data.Dataset.from_tensors(batch)
    options = {"epochs": 2, "verbose": 0, "shuffle": False}
    history = gan.fit(dataset, validation_data=dataset, **options).history
    scores = {"val_loss", "val_l1_loss", "val_psnr", "val_acc_2"}
    assert scores == {name for name in history if name.startswith("val_")}
    assert not {"psnr", "acc_2"} & set(history)
    assert history["val_psnr"][0] != history["val_psnr"][1]
    assert gan.evaluate(dataset, verbose=0, return_dict=True)["psnr"] == pytest.approx(
        history["val_psnr"][1], rel=1e-6
    )
