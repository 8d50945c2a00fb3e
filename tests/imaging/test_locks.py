"""One process writes to a folder; the system takes its lock away when it dies."""

import subprocess
import sys

import pytest

from keras_colorize.imaging import locks
from keras_colorize.imaging.locks import FolderInUseError, only_writer

HOLDING = """
import sys
from keras_colorize.imaging.locks import only_writer
with only_writer(sys.argv[1]):
    print("ready", flush=True)
    sys.stdin.read()
"""


def test_a_folder_in_use_is_a_sentence_until_its_writer_dies(tmp_path):
    command = [sys.executable, "-c", HOLDING, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"ready\n"
        with pytest.raises(FolderInUseError) as caught:
            with only_writer(tmp_path):
                pass
        assert str(caught.value) == (
            f"Another process is writing to {tmp_path}; wait for its end, or name another folder."
        )
        other.kill()
    with only_writer(tmp_path):
        pass


def test_it_ends_with_its_block(tmp_path):
    for _ in range(2):
        with pytest.raises(KeyError):
            with only_writer(tmp_path):
                raise KeyError
    assert list(tmp_path.iterdir()) == []


def test_a_lock_that_its_owner_removes_at_that_moment_is_none(tmp_path, monkeypatch):
    path, usual = tmp_path / locks.FOLDER_LOCK, locks.lock
    removed = []

    def lock(descriptor):
        if not removed:
            removed.append(path.unlink())
        return usual(descriptor)

    monkeypatch.setattr(locks, "lock", lock)
    with only_writer(tmp_path):
        with pytest.raises(FolderInUseError):
            with only_writer(tmp_path):
                pass


def test_where_there_are_no_locks_work_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(locks, "lock", lambda descriptor: None)
    with only_writer(tmp_path), only_writer(tmp_path):
        (tmp_path / "result").touch()
    assert (tmp_path / "result").is_file()
