"""The metrics by name: each with its arguments in their places."""

import pytest

from keras_colorize.evaluation import lab_metrics, rgb_metrics
from keras_colorize.evaluation.metrics import METRICS, Picture
from keras_colorize.imaging.color import rgb_to_lab


def test_each_name_is_its_metric(pair):
    real, generated = pair
    real_lab, generated_lab = map(rgb_to_lab, pair)
    real_ab, generated_ab = real_lab[..., 1:], generated_lab[..., 1:]
    edges = lab_metrics.chroma_edges(real_ab)
    expected = {
        "psnr": rgb_metrics.psnr(real, generated),
        "acc_1": lab_metrics.accuracy(real_lab, generated_lab, 1),
        "acc_2": lab_metrics.accuracy(real_lab, generated_lab, 2),
        "acc_5": lab_metrics.accuracy(real_lab, generated_lab, 5),
        "acc_rgb": rgb_metrics.accuracy_rgb(real, generated),
        "ssim": rgb_metrics.ssim(real, generated),
        "ciede2000": lab_metrics.ciede2000(real_lab, generated_lab),
        "auc": lab_metrics.auc(real_ab, generated_ab),
        "colorfulness": rgb_metrics.colorfulness(generated),
        "edge_psnr": rgb_metrics.edge_psnr(real, generated, edges),
    }
    assert len(set(expected.values())) == len(expected)
    found = {name: metric(Picture(real), Picture(generated)) for name, metric in METRICS.items()}
    assert found == pytest.approx(expected)
