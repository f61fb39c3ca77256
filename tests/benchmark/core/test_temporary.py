"""Temporary files of killed processes are removed, and those of living ones are not."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmark.core import files, temporary
from benchmark.core.files import replacing, write_atomically
from benchmark.core.temporary import is_temporary, leftovers, remove, temporary_for, tidy
from tests.leftovers import leftover_of_a_killed_process

WRITES = """
import sys
from pathlib import Path
from benchmark.core.files import replacing
with replacing(Path(sys.argv[1])) as temporary:
    if sys.argv[2] == "folder":
        temporary.mkdir()
        (temporary / "half").touch()
    else:
        temporary.touch()
    print(temporary, flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_it_is_a_leftover_once_its_process_is_killed(tmp_path: Path, kind: str):
    (tmp_path / "data").touch()
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITES, str(tmp_path / "model"), kind],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    )
    assert writer.stdout is not None
    path = Path(writer.stdout.readline().strip())
    try:
        assert is_temporary(path)
        assert leftovers(tmp_path) == []
        write_atomically(tmp_path / "first", lambda file: file.write(b"1"))
        assert path.exists()
    finally:
        writer.kill()
    # it has ended, and waits for its parent
    os.waitid(os.P_PID, writer.pid, os.WEXITED | os.WNOWAIT)
    assert leftovers(tmp_path) == [path]
    writer.communicate()
    assert leftovers(tmp_path) == [path]
    tidy.cache_clear()
    write_atomically(tmp_path / "second", lambda file: file.write(b"2"))
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["data", "first", "second"]


def test_a_number_that_another_process_has_now(tmp_path: Path):
    path = temporary_for(tmp_path / "data")
    path.touch()
    assert leftovers(tmp_path) == []
    head, _, rest = path.name.rsplit("-", 2)
    other = path.rename(tmp_path / f"{head}-1-{rest}")  # started at another time
    assert leftovers(tmp_path) == [other]


def test_without_proc_a_process_that_runs_keeps_its_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(temporary, "_started", lambda process: None)
    temporary_for(tmp_path / "data").touch()
    dead = leftover_of_a_killed_process(tmp_path / "data")
    dead.touch()
    assert leftovers(tmp_path) == [dead]


def test_a_process_of_another_user_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refused(process: int, signal: int) -> None:
        raise PermissionError

    monkeypatch.setattr("os.kill", refused)
    temporary_for(tmp_path / "data").touch()
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_those_of_another_machine_go_by_age(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str):
    with monkeypatch.context() as patch:
        patch.setattr(temporary, "_machine", lambda: "0" * 8)
        path = temporary_for(tmp_path / "data")
    old = time.time() - 2 * temporary.OLD_S
    if kind == "folder":
        path.mkdir()
        (path / "part").touch()
        os.utime(path, (old, old))
        assert leftovers(tmp_path) == [], "a file in it has just been written"
        os.utime(path / "part", (old, old))
    else:
        path.touch()
        assert leftovers(tmp_path) == []
        os.utime(path, (old, old))
    assert leftovers(tmp_path) == [path]


@pytest.mark.parametrize(
    "name",
    [
        ".notes.tmp",
        ".data-1a2b3c4d.tmp",
        "data-00000000-1-1-00000000.tmp",
        ".data-00000000-0-1-00000000.tmp",
        ".data-00000000-ffffffffffff-1-00000000.tmp",
        ".data-00000000-1-1-00000000.tmp.txt",
    ],
)
def test_files_of_other_names_stay(tmp_path: Path, name: str):
    (tmp_path / name).touch()
    os.utime(tmp_path / name, (0, 0))
    tidy(tmp_path)
    assert (tmp_path / name).exists()


def test_a_link_is_removed_and_not_followed(tmp_path: Path):
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").touch()
    link = leftover_of_a_killed_process(tmp_path / "data")
    link.symlink_to(precious)
    tidy(tmp_path)
    assert [path.name for path in tmp_path.rglob("*")] == ["precious", "file"]
    remove(link)  # there is nothing left to remove


def test_the_name_is_never_too_long(tmp_path: Path):
    path = tmp_path / ("\N{GREEK SMALL LETTER ALPHA}" * 127)
    write_atomically(path, lambda file: file.write(b"1"))
    assert path.read_bytes() == b"1"


KILLED = """
import os, sys
from pathlib import Path
from benchmark.core import files
step = {name: getattr(os, name) for name in ("rename", "replace")}
def killed(change):
    def change_and_die(*paths):
        result = change(*paths)
        os.kill(os.getpid(), 9)
        return result
    return change_and_die
for name in step:
    setattr(os, name, killed(step[name]))
files._exchange = killed(files._exchange)
with files.replacing(Path(sys.argv[1])) as temporary:
    temporary.mkdir()
    (temporary / "new").touch()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux exchanges folders in one step")
def test_a_kill_while_a_folder_is_replaced_leaves_a_whole_one(tmp_path: Path):
    """The process is killed after its first step, and the next process that writes there tidies."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "old").touch()
    subprocess.run([sys.executable, "-c", KILLED, str(folder)], cwd=Path(__file__).parents[3], check=False)
    (left,) = leftovers(tmp_path)
    assert [path.name for path in left.iterdir()] == ["old"]
    tidy.cache_clear()
    tidy(tmp_path)
    assert [path.name for path in tmp_path.rglob("*")] == ["model", "new"]


def test_without_proc_machines_of_one_name_differ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def nothing(path: object) -> str:
        raise FileNotFoundError

    monkeypatch.setattr(temporary.os, "readlink", nothing)
    found = set()
    for number in (1, 2):
        monkeypatch.setattr("uuid.getnode", lambda number=number: number)
        found.add(temporary._machine.__wrapped__())
    assert len(found) == 2


@pytest.mark.parametrize("failing", ["os.rename", "os.replace"])
def test_a_folder_that_can_not_be_renamed_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
):
    folder = tmp_path / "model"
    if failing == "os.rename":
        folder.mkdir()
        (folder / "old").touch()
    plain, calls = getattr(os, failing.removeprefix("os.")), []

    def fail(source: Path, target: Path) -> None:
        calls.append(source)
        if len(calls) == (2 if failing == "os.rename" else 1):
            raise OSError(28, "No space left on device")
        plain(source, target)

    monkeypatch.setattr(failing, fail)
    monkeypatch.setattr(files, "_exchange", lambda *_: False)
    with pytest.raises(OSError, match="No space left"), replacing(folder) as new:
        new.mkdir()
    assert [path.name for path in tmp_path.rglob("*")] == (["model", "old"] if failing == "os.rename" else [])
