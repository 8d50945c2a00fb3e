"""What a killed process left goes; what is in use, new, or somebody else's stays."""

import os
import subprocess
import sys
import time

import pytest

from keras_colorize.imaging import files, temporaries

KILLED = """
import os, sys
from pathlib import Path
from keras_colorize.imaging import files, temporaries
with getattr(files, sys.argv[1])(sys.argv[2], overwrite=True) as made:
    if isinstance(made, Path):
        (made / "a" if sys.argv[1] == "atomic_folder" else made).write_text("half")
    else:
        made.write(b"half")
    if len(sys.argv) > 3:
        print("ready", flush=True)
        sys.stdin.read()
    os._exit(9)
"""
MAKERS = ["atomic_file", "atomic_path", "atomic_folder"]


def age(folder, seconds=2 * temporaries.OLD):
    then = time.time() - seconds
    for path in [*folder.rglob("*"), folder]:
        os.utime(path, (then, then))


def write(path):
    temporaries._due.clear()  # on a busy machine the smallest folder takes long
    with files.atomic_file(path, overwrite=True) as stream:
        stream.write(b"new")


@pytest.mark.parametrize("maker", MAKERS)
def test_the_next_run_in_a_folder_removes_what_a_kill_left(tmp_path, maker):
    subprocess.run([sys.executable, "-c", KILLED, maker, str(tmp_path / "made")])
    (left,) = os.listdir(tmp_path)
    assert left.startswith(".keras-colorize-")
    write(tmp_path / "a")
    assert set(os.listdir(tmp_path)) == {left, "a"}  # not yet: it may be in use elsewhere
    age(tmp_path)
    write(tmp_path / "a")
    assert os.listdir(tmp_path) == ["a"]


@pytest.mark.parametrize("next_one", MAKERS)
def test_each_kind_of_writing_removes_it(tmp_path, next_one):
    left = tmp_path / f".keras-colorize-{'f' * 16}.tmp"
    left.write_text("half")
    age(tmp_path)
    with getattr(files, next_one)(tmp_path / "a") as made:
        assert not left.exists()
        if next_one == "atomic_path":
            made.write_text("whole")


@pytest.mark.parametrize("maker", MAKERS)
def test_what_a_living_process_works_on_stays_however_old(tmp_path, maker):
    command = [sys.executable, "-c", KILLED, maker, str(tmp_path / "made"), "waits"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as living:
        assert living.stdout.readline() == b"ready\n"
        (working,) = os.listdir(tmp_path)
        age(tmp_path, 10**6)
        write(tmp_path / "a")
        assert set(os.listdir(tmp_path)) == {working, "a"}
        living.kill()
    write(tmp_path / "a")
    assert os.listdir(tmp_path) == ["a"]


@pytest.mark.parametrize(
    "name", [".0123456789abcdef.tmp", "keras-colorize-0123456789abcdef.tmp", ".keras-colorize.tmp"]
)
def test_other_names_are_somebody_elses(tmp_path, name):
    (tmp_path / name).write_text("mine")
    age(tmp_path, 10**7)
    write(tmp_path / "a")
    assert set(os.listdir(tmp_path)) == {name, "a"}


def test_a_link_of_such_a_name_leads_to_no_loss(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "a").write_text("mine")
    link = tmp_path / f".keras-colorize-{'0' * 16}.tmp"
    link.symlink_to("mine")
    age(tmp_path)
    write(tmp_path / "b")
    assert (tmp_path / "mine" / "a").read_text() == "mine"


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_without_locks_a_day_has_to_pass(tmp_path, monkeypatch, kind):
    monkeypatch.setattr(temporaries, "lock", lambda descriptor: None)
    left = tmp_path / f".keras-colorize-{'0' * 16}.tmp"
    left.mkdir() if kind == "folder" else left.write_text("half")
    age(tmp_path, 80000)
    write(tmp_path / "a")
    assert left.exists()
    age(tmp_path, 90000)
    write(tmp_path / "a")
    assert not left.exists()


def test_a_folder_that_made_room_comes_back(tmp_path, monkeypatch):
    """A kill between the two renames; the next run in the folder finds only our name for it."""
    made = tmp_path / "made"
    made.mkdir()
    (made / "a").write_text("mine")
    with temporaries.temporary_folder(made) as temporary:
        temporaries.move_aside(made, temporary)
        monkeypatch.setattr(temporaries, "_clear", lambda path: None)
    monkeypatch.undo()
    assert not made.exists()
    age(tmp_path)
    write(tmp_path / "b")
    assert set(os.listdir(tmp_path)) == {"made", "b"}
    assert (made / "a").read_text() == "mine"


@pytest.mark.parametrize("said", [True, False])
def test_a_folder_that_was_replaced_does_not_come_back(tmp_path, monkeypatch, said):
    made = tmp_path / "made"
    made.mkdir()
    (made / "a").write_text("old")
    with temporaries.temporary_folder(made) as temporary:
        temporaries.move_aside(made, temporary)
        if said:
            temporaries.replaced(temporary)
        else:
            made.mkdir()
        monkeypatch.setattr(temporaries, "_clear", lambda path: None)
    monkeypatch.undo()
    age(tmp_path)
    write(tmp_path / "b")
    assert set(os.listdir(tmp_path)) == ({"b"} if said else {"made", "b"})
    assert not list(tmp_path.rglob("a"))


def test_a_large_folder_is_not_looked_through_for_every_file(tmp_path, monkeypatch):
    looks, now = [], [0.0]

    def scandir(folder):
        looks.append(now[0])
        now[0] += 5.0
        raise PermissionError

    monkeypatch.setattr(temporaries.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(temporaries.os, "scandir", scandir)
    for _ in range(200):
        temporaries.sweep(tmp_path)
        now[0] += 10.0
    assert looks == [0.0, 505.0, 1010.0, 1515.0]


def test_folders_with_nothing_but_what_a_kill_left_are_free(tmp_path):
    (tmp_path / "deep" / "er").mkdir(parents=True)
    left = tmp_path / "deep" / f".keras-colorize-{'0' * 16}.tmp"
    left.mkdir()
    (left / "half").write_text("")
    assert temporaries.holds_nothing(tmp_path)
    (tmp_path / "deep" / "er" / "letter.txt").write_text("mine")
    assert not temporaries.holds_nothing(tmp_path)
