"""Weights as a Keras model: from packaged weights, a run, a file; and a GAN that colours."""

import keras
import numpy as np
import pytest

import keras_colorize
from keras_colorize import Colorizer, WeightsError, build_discriminator, build_generator, load


@pytest.fixture
def lightness():
    return np.random.default_rng(1).uniform(-1, 1, (1, 64, 64, 1)).astype(np.float32)


def test_a_file_opens_with_its_batch_norm_and_configuration(tmp_path, lightness):
    generator = build_generator("tiny")
    generator.save(tmp_path / "mine.keras")
    loaded = load(tmp_path / "mine.keras")
    assert loaded.config == generator.config
    assert loaded.batch_norm
    assert loaded.trainable_variables
    np.testing.assert_array_equal(
        loaded.predict(lightness, verbose=0), generator.predict(lightness, verbose=0)
    )


def test_the_packaged_weights_open_and_predict_as_the_packaged_file_does():
    lightness = np.random.default_rng(2).uniform(0, 100, (256, 256)).astype(np.float32)
    packaged = Colorizer("mobile").runtime.predict(lightness)
    model = load("mobile")
    assert model.config.encoder == "efficientnet_lite2"
    ab = Colorizer(model).runtime.predict(lightness)
    # The file computes with activations of 8 bits.
    assert np.abs(ab - packaged).mean() < 0.1 * np.abs(packaged).mean()


def test_what_is_no_generator_is_refused(tmp_path):
    (tmp_path / "mine.keras").write_bytes(b"no archive")
    with pytest.raises(WeightsError, match="is damaged, or no"):
        load(tmp_path / "mine.keras")
    with pytest.raises(WeightsError):
        load(tmp_path / "absent.tflite")


def test_the_lines_of_the_documentation(tmp_path, make_picture):
    for k in range(4):
        make_picture(k, 64, 64).save(tmp_path / f"{k}.png")
    photographs = keras.utils.image_dataset_from_directory(
        tmp_path, labels=None, image_size=(64, 64), batch_size=2, verbose=False
    )
    gan = keras_colorize.ColorizationGAN(
        build_generator(preset="tiny"), build_discriminator(preset="tiny")
    )
    gan.compile("adam", "adam")
    batches = photographs.map(keras_colorize.to_lab)
    stopping = keras.callbacks.EarlyStopping(patience=3)
    history = gan.fit(
        batches, validation_data=batches, callbacks=[stopping], shuffle=False, verbose=0
    ).history
    assert len(history["val_loss"]) == 1
    coloured = keras_colorize.Colorizer(gan, size=64).colorize(tmp_path / "0.png")
    gan.best_generator.save(tmp_path / "mine.keras")
    again = keras_colorize.Colorizer(tmp_path / "mine.keras", size=64)
    np.testing.assert_array_equal(coloured, again.colorize(tmp_path / "0.png"))
