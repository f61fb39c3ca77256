"""Writes are whole or absent, locks hold, and a warning is given once."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from benchmark.core.errors import UserError
from benchmark.core.files import locked, make_folder, replacing, warn_once, write_atomically

if TYPE_CHECKING:
    from pathlib import Path


def test_a_file_is_replaced_whole_or_stays(tmp_path: Path):
    path = tmp_path / "data.json"
    path.write_text("old")
    with suppress(ValueError), replacing(path) as temporary:
        temporary.write_text("ne")
        raise ValueError
    assert path.read_text() == "old"
    with replacing(path) as temporary:
        assert temporary.parent == tmp_path
        assert temporary.name.startswith(".data-")
        assert temporary.suffix == ".tmp"
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("data.json", "new")]


@pytest.mark.parametrize("there", [True, False])
def test_a_folder_is_replaced_whole_or_stays(tmp_path: Path, there: bool):
    folder = tmp_path / "model"
    if there:
        folder.mkdir()
        (folder / "old").touch()
    with suppress(ValueError), replacing(folder) as temporary:
        temporary.mkdir()
        (temporary / "new").touch()
        raise ValueError
    assert [path.name for path in tmp_path.rglob("*")] == ["model", "old"] * there
    with replacing(folder) as temporary:
        temporary.mkdir()
        (temporary / "new").touch()
    assert [path.name for path in tmp_path.rglob("*")] == ["model", "new"]


def test_an_error_of_the_disk_is_a_line(tmp_path: Path):
    with pytest.raises(UserError, match=r"nowhere/file: can't be written \(No such file or directory\)\. Free space"):
        write_atomically(tmp_path / "nowhere" / "file", lambda file: file.write(b""))
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"file/folder: the folder can't be made \(Not a directory\)"):
        make_folder(tmp_path / "file" / "folder")


def test_a_lock_is_held_and_given_back(tmp_path: Path):
    refusals = []

    def refused(error: OSError) -> UserError:
        refusals.append(type(error))
        return UserError("busy")

    path = tmp_path / ".lock"
    with locked(path, refused), pytest.raises(UserError, match="busy"), locked(path, refused, wait=False):
        pass
    with locked(path, refused, wait=False):
        pass
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="busy"), locked(tmp_path / "file" / ".lock", refused):
        pass
    assert [issubclass(kind, TimeoutError) for kind in refusals] == [True, False]


def test_an_error_under_a_lock_is_not_one_of_the_lock(tmp_path: Path):
    with pytest.raises(FileNotFoundError), locked(tmp_path / ".lock", lambda _: UserError("busy")):
        (tmp_path / "nothing").read_text()


def test_a_warning_is_given_once(capsys: pytest.CaptureFixture[str]):
    for _ in range(2):
        warn_once("the disk is full")
    assert capsys.readouterr().err == "warning: the disk is full\n"
