"""Lab in the input pipeline: with tensorflow-io where it is installed, and the same without it."""

import subprocess
import sys
import warnings
from importlib.util import find_spec

import numpy as np
import pytest
import tensorflow as tf
from skimage.color import rgb2lab

from keras_colorize.data import tf_lab
from keras_colorize.data.tf_lab import plain_rgb_to_lab

WITHOUT = """
import sys
sys.modules["tensorflow_io"] = None
from keras_colorize.data import tf_lab, tfdata
assert tf_lab.rgb_to_lab is tf_lab.plain_rgb_to_lab
print(tf_lab.CONVERSION, tfdata.to_lab([[[[255, 255, 255]]]])[0].numpy().item())
"""


@pytest.fixture(scope="module")
def colours():
    """A grid over all of RGB, and the 4096 darkest colours, float32 (N, 1, 3) in [0, 1]."""
    grid = np.stack(np.meshgrid(*[np.arange(0, 256, 5)] * 3), axis=-1).reshape(-1, 1, 3)
    dark = np.stack(np.meshgrid(*[np.arange(16)] * 3), axis=-1).reshape(-1, 1, 3)
    return np.concatenate([grid, dark]).astype(np.float32) / 255


@pytest.mark.skipif(find_spec("tensorflow_io") is None, reason="no tensorflow-io for this Python")
def test_plain_operations_are_tensorflow_ios(colours):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"tensorflow_io\.")
        from tensorflow_io import experimental
    ours, theirs = plain_rgb_to_lab(colours), experimental.color.rgb_to_lab(colours)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-4)
    assert tf_lab.rgb_to_lab is experimental.color.rgb_to_lab
    assert tf_lab.CONVERSION == "tensorflow-io"


def test_plain_operations_are_scikit_images(colours):
    compiled = tf.function(plain_rgb_to_lab, jit_compile=True)
    np.testing.assert_allclose(compiled(tf.constant(colours)), rgb2lab(colours), atol=1e-3)


def test_without_tensorflow_io_the_pipeline_converts_by_itself():
    done = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    conversion, lightness = done.stdout.rsplit(maxsplit=1)
    assert conversion == "plain TensorFlow operations"
    assert float(lightness) == pytest.approx(1, abs=1e-6)
