"""`benchmarks/serving.py` with tiny numbers: each part does its work and says what is wrong."""

import argparse
import os
import subprocess
import sys
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from random import Random
from typing import Any

import pytest
from PIL import Image

from keras_colorize.imaging.bounds import (
    MOST_PAGES,
    MOST_SCANS,
    BoundError,
    check_pages,
    check_scans,
)


@pytest.fixture
def benchmarks(repository: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = repository / "benchmarks"
    monkeypatch.syspath_prepend(folder)
    return folder


@pytest.fixture
def pictures(tmp_path: Path, make_picture: Any) -> Path:
    make_picture(0, 96, 72).save(tmp_path / "a.jpg")
    return tmp_path


def test_the_program(benchmarks: Path, pictures: Path, repository: Path) -> None:
    path = os.pathsep.join([str(repository), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [
            *(sys.executable, benchmarks / "serving.py", "--photographs", pictures),
            *("--only", "rate", "full", "--clients", "2", "--seconds", "0.5", "--rounds", "1"),
            *("--deadline", "120"),
        ],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": path},
    )
    assert done.returncode == 0, done.stderr
    assert "| clients | requests/s | bare pictures/s | ratio |" in done.stdout
    full = [line.split("|")[2:5] for line in done.stdout.splitlines() if line[:3] in ("| 1", "| 3")]
    assert len(full) == 2
    for coloured, refused, other in full:
        assert int(coloured) >= 9 and int(refused) == 48 - int(coloured) and int(other) == 0


def test_abuse_and_a_server_that_is_not_as_it_should_be(
    benchmarks: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import serving_abuse

    monkeypatch.setattr(serving_abuse, "USUAL", 4)
    monkeypatch.setattr(serving_abuse, "REST", 0.0)
    monkeypatch.setattr(serving_abuse, "GROWTH", 10.0)  # of so few requests it says nothing
    options = argparse.Namespace(malformed=80, seed=1, until=float("inf"))
    report = serving_abuse.measure_abuse(options, pictures)
    assert report.failures == []
    assert [row[1] for row in report.rows] == [8, *[6] * 12]
    monkeypatch.setattr(serving_abuse, "GROWTH", -0.99)
    options = argparse.Namespace(malformed=20, seed=1, until=0.0)
    failures = " ".join(serving_abuse.measure_abuse(options, pictures).failures)
    assert "Memory grew" in failures and "sufficed for 4 of 20" in failures


def test_what_counts_as_right(benchmarks: Path) -> None:
    from serving_abuse import GENERATED, is_right
    from serving_program import Answer

    word = b'{"error": "It is wrong."}'
    retry = {"retry-after": "1"}
    for kind, answer, right in (
        ("bombs", Answer(413, {}, word, 0), True),
        ("bombs", Answer(503, retry, word, 0), True),
        ("bombs", Answer(503, {}, word, 0), False),
        ("bombs", Answer(500, {}, word, 0), False),
        ("bombs", Answer(400, {}, b"It is wrong.", 0), False),
        ("bombs", Answer(400, {}, b'{"error": [1]}', 0), False),
        ("bombs", Answer(200, {}, b"", 0), False),
        (GENERATED, Answer(200, {}, b"", 0), True),
        ("bombs", Answer(0, {}, b"", 0), False),
    ):
        assert is_right(kind, answer) == right, answer


def test_slow_clients(benchmarks: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import serving_slow

    for name, kind in list(serving_slow.KINDS.items()):
        if kind.behave in (serving_slow.drip, serving_slow.silent):  # twenty seconds
            monkeypatch.delitem(serving_slow.KINDS, name)
        else:  # no time limits in tests
            monkeypatch.setitem(serving_slow.KINDS, name, replace(kind, within=600.0))
    monkeypatch.setattr(serving_slow, "SLOWER", 100.0)
    monkeypatch.setattr(serving_slow, "TIMEOUT", 10)  # enough for an answer on a busy machine
    report = serving_slow.measure_slow(argparse.Namespace(), pictures)
    assert report.failures == []
    answers = {row[0]: row[2] for row in report.rows}
    assert answers["the body a byte a second"] == "50 x 408"
    for kind in ("closes its side after the request", "reads its answer after 2 s"):
        assert answers[kind] == "8 x 200"
    assert len(answers) == 6


def test_the_same_seed_makes_the_same_requests(benchmarks: Path) -> None:
    from serving_malformed import KINDS

    for make in KINDS.values():
        one, other = ([make(random) for _ in range(5)] for random in (Random(3), Random(3)))
        assert one == other and len(set(one)) > 1


def test_the_slow_files_are_what_they_say(benchmarks: Path) -> None:
    from serving_files import jpeg, tiff

    for count, check, make in (
        (MOST_SCANS, check_scans, lambda scans: jpeg(scans, 16)),
        (MOST_PAGES, check_pages, tiff),
    ):
        check(BytesIO(make(count)))
        with pytest.raises(BoundError):
            check(BytesIO(make(count + 1)))
    for data in (jpeg(20, 16), tiff(3)):
        picture = Image.open(BytesIO(data))
        picture.load()  # they are whole pictures
    assert getattr(picture, "n_frames", 1) == 3
