"""The report of a run: what it shows, what it leaves out, and that it needs nothing else."""

import re
from html.parser import HTMLParser
from types import SimpleNamespace

import numpy as np
import pytest

from keras_colorize.evaluation.figures import draw_curves, grid
from keras_colorize.imaging.images import write_image
from keras_colorize.training import report
from keras_colorize.training.report import write_report
from keras_colorize.training.runs import Run


@pytest.fixture
def make_run(tmp_path):
    def make(epochs, **scores):
        configuration = {"preset": "tiny", "training": {"size": 64}, "photographs": 1234}
        run = Run(tmp_path / "a <b> & c", configuration)
        records = []
        for epoch in range(1, epochs + 1):
            values = {name: value(epoch) for name, value in scores.items()}
            losses = {"l1_loss": 1 / epoch, "discriminator_loss": None}
            records.append(
                {"epoch": epoch, "images": 1000 * epoch, **losses, "seconds": 60.0, **values}
            )
            ours = np.full((32, 32, 3), epoch, np.uint8)
            strip = grid([[0 * ours, ours, 0 * ours + 200]], 32)
            write_image(strip, run.folder / "samples" / f"epoch-{epoch:04d}.png")
        run.write_metrics(records)
        draw_curves(records, run.folder / "curves.png")
        return run

    return make


class Parsed(HTMLParser):
    """Tags, their attributes, and the text without the tags."""

    def __init__(self, page):
        super().__init__()
        self.opened, self.attributes, self.words, self.open = [], [], [], []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.opened.append(tag)
        self.attributes += attributes
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, text):
        self.words.append(text)


def test_a_long_run_is_trimmed_and_nothing_else_is_needed(make_run):
    run = make_run(60)
    write_report(run, None)
    page = (run.folder / "report.html").read_text()
    parsed = Parsed(page)
    text = " ".join(parsed.words)
    assert parsed.words.count("a <b> & c") == 1  # the heading; escaped
    assert not {"script", "link", "iframe", "b"} & set(parsed.opened)
    sources = [value for name, value in parsed.attributes if name in ("src", "href")]
    assert len(sources) == 6 + 1
    assert all(source.startswith("data:image/") for source in sources)
    assert "http" not in re.sub("http-equiv", "", page)
    captions = re.findall("<figcaption>(.+?)</figcaption>", page)
    assert captions == ["grey", "epoch 1", "epoch 21", "epoch 40", "epoch 60", "original"]
    shown = [int(epoch) for epoch in re.findall(r'<tr class=""><th scope="row">(\d+)<', page)]
    assert len(shown) == 12 and shown[0] == 1 and shown[-1] == 60
    assert "48 more epochs are in metrics.jsonl." in text
    assert "60,000" in text and "1:00:00" in text and "1,234 photographs" in text
    assert "discriminator" not in re.findall('<th scope="col">(.*?)</th>', page)
    assert "there was no validation" in text and "PSNR over grey" not in text


def test_the_best_epoch_is_shown_though_others_are_trimmed(make_run, monkeypatch):
    run = make_run(60, val_psnr=lambda k: 22.0 + (k == 2), val_psnr_gain=lambda k: 0.0 + (k == 2))
    val = run.folder.parent / "val"
    val.mkdir()
    write_image(np.full((300, 300, 3), 99, np.uint8), val / "only.png")
    monkeypatch.setattr(report, "Colorizer", lambda _: SimpleNamespace(predict_ab=None))
    write_report(run, val)
    page = (run.folder / "report.html").read_text()
    assert re.findall(r'<tr class="best"><th scope="row">(\d+)<', page) == ["2"]
    assert "+1.00 dB" in page
    # Its one photograph chose the generator; none is left to report on.
    assert f"There is no photograph in {val} for the part &#x27;report&#x27;." in page


def test_it_replaces_an_older_one(make_run):
    run = make_run(1)
    (run.folder / "report.html").write_text("older")
    write_report(run, None)
    assert "All epochs are shown." in (run.folder / "report.html").read_text()
    assert [path.name for path in run.folder.glob("*.tmp")] == []
