"""Files of others in a folder of pages are never changed, whatever they are, and pages are whole, whatever happens."""

from __future__ import annotations

import errno
import json
import os
import socket
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.core.errors import UserError
from benchmark.records.store import PAGES_MARK
from leaderboard.pages import folder as pages_folder
from leaderboard.pages.folder import reserved, write_pages
from tests.faults.hostile import CALM

FILES = {"static/a.js": b"script", "pictures/p.png": b"png", "boards.csv": b"csv", "b.html": b"b", "index.html": b"i"}
OTHER = {"static/a.js": b"script 2", "boards.csv": b"csv", "old.html": b"o", "index.html": b"i 2"}


def write(output: Path, files: dict[str, bytes]) -> None:
    with reserved(output):
        write_pages(output, files)


def state(folder: Path) -> dict[str, Any]:
    """Everything in a folder: contents, times and targets of links."""
    return {
        str(path.relative_to(folder)): (
            path.lstat().st_mtime_ns,
            path.lstat().st_mode,
            os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else None,
        )
        for path in folder.rglob("*")
    }


def contents(folder: Path) -> dict[str, bytes]:
    found = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return {name: content for name, content in found.items() if name != PAGES_MARK}


def refused(output: Path, name: str, files: dict[str, bytes] = FILES) -> str:
    """The message of a build that must change nothing."""
    before = state(output)
    with pytest.raises(UserError) as error:
        write(output, files)
    assert state(output) == before
    assert str(output / name) in str(error.value)
    return str(error.value)


def test_pages_are_written_replaced_and_removed(tmp_path: Path) -> None:
    write(tmp_path, FILES)
    assert contents(tmp_path) == FILES
    assert json.loads((tmp_path / PAGES_MARK).read_text())["files"].keys() == FILES.keys()
    write(tmp_path, OTHER)
    assert contents(tmp_path) == OTHER
    assert not list(tmp_path.rglob("*.tmp"))


def test_what_is_as_it_should_be_is_not_written_again(tmp_path: Path) -> None:
    write(tmp_path, FILES)
    before = state(tmp_path)
    write(tmp_path, FILES)
    assert state(tmp_path) == before
    write(tmp_path, {**FILES, "index.html": b"new"})
    after = state(tmp_path)
    assert {name for name in after if after[name] != before[name]} == {"index.html", PAGES_MARK}


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_others_is_refused_by_name_before_anything_is_written(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"mine")
    assert "was not written by the leaderboard" in refused(tmp_path, name)


@pytest.mark.parametrize("name", FILES)
def test_a_page_that_was_changed_belongs_to_who_changed_it(tmp_path: Path, name: str) -> None:
    write(tmp_path, FILES)
    (tmp_path / name).write_bytes(b"mine")
    assert "was changed since" in refused(tmp_path, name)
    (tmp_path / name).unlink()
    write(tmp_path, FILES)
    assert contents(tmp_path) == FILES


def test_a_changed_page_that_is_not_needed_any_more_stays(tmp_path: Path) -> None:
    write(tmp_path, FILES)
    (tmp_path / "b.html").write_bytes(b"mine")
    write(tmp_path, OTHER)
    assert contents(tmp_path) == {**OTHER, "b.html": b"mine"}
    write(tmp_path, OTHER)
    assert (tmp_path / "b.html").read_bytes() == b"mine"


@pytest.mark.parametrize("kind", ["link", "dangling link", "folder", "pipe", "socket"])
@pytest.mark.parametrize("name", ["index.html", "static/a.js", "static", PAGES_MARK])
@pytest.mark.parametrize("again", [False, True], ids=["at first", "later"])
def test_nothing_is_written_through_a_link_or_in_place_of_another_thing(
    tmp_path: Path, kind: str, name: str, again: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    output, elsewhere = tmp_path / "site", tmp_path / "elsewhere"
    if kind == "folder" and name == "static":
        pytest.skip("that is as it should be")
    if again:
        write(output, OTHER)
    else:
        (output / "static").mkdir(parents=True)
    target = elsewhere / "target"
    if name == "static":
        target.mkdir(parents=True)
        for path in (output / "static").iterdir():
            path.unlink()
        (output / "static").rmdir()
        (target / "a.js").write_bytes(OTHER["static/a.js"])
    else:
        elsewhere.mkdir()
        target.write_bytes(b'{"files": {}}')
        (output / name).unlink(missing_ok=True)
    path = output / name
    monkeypatch.chdir(path.parent)  # names of sockets are short
    match kind:
        case "link":
            path.symlink_to(target)
        case "dangling link":
            path.symlink_to(elsewhere / "nothing")
        case "folder":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)
        case "socket":
            with socket.socket(socket.AF_UNIX) as made:
                made.bind(path.name)
    before = state(elsewhere)
    refused(output, name)
    assert state(elsewhere) == before


def test_a_folder_that_is_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "target").mkdir()
    (tmp_path / "site").symlink_to(tmp_path / "target")
    with pytest.raises(UserError, match="site: is a link, expected a folder of pages"):
        write(tmp_path / "site", FILES)
    assert not list((tmp_path / "target").iterdir())


def earlier(output: Path, names: list[str]) -> None:
    """Pages as an earlier version left them: with a list of names alone."""
    for name in names:
        (output / name).parent.mkdir(parents=True, exist_ok=True)
        (output / name).write_bytes(b"earlier")
    (output / PAGES_MARK).write_text(json.dumps({"files": names}))


def test_pages_of_an_earlier_version_are_replaced_once(tmp_path: Path) -> None:
    earlier(tmp_path, [*FILES, "old.html", "pictures/old.png"])
    write(tmp_path, FILES)
    assert contents(tmp_path) == FILES
    (tmp_path / "index.html").write_bytes(b"mine")
    assert "was changed since" in refused(tmp_path, "index.html")


def test_what_an_earlier_version_did_not_list_is_not_replaced(tmp_path: Path) -> None:
    earlier(tmp_path, [name for name in FILES if name != "b.html"])
    (tmp_path / "b.html").write_bytes(b"mine")
    assert "was not written by the leaderboard" in refused(tmp_path, "b.html")


def test_a_list_of_an_earlier_version_never_names_other_files_or_links(tmp_path: Path) -> None:
    names = ["thesis.tex", "data.csv", "static/notes.txt", "../precious.html", "sub/precious.html"]
    output = tmp_path / "site"
    earlier(output, [*FILES, *names])
    write(output, FILES)
    assert all((output / name).read_bytes() == b"earlier" for name in names)
    earlier(output, list(FILES))
    (output / "b.html").unlink()
    (output / "b.html").symlink_to(tmp_path / "precious.html")
    assert "is a link" in refused(output, "b.html")


STRANGE = [
    "../precious",
    "/etc/hostname",
    "static/../../precious",
    "a\0b",
    "",
    ".",
    "..",
    "static",
    "pictures/../x",
    "-",
]


@pytest.mark.parametrize("name", [*STRANGE, "precious", "sub/precious"])
def test_a_list_of_files_never_leads_to_other_files(tmp_path: Path, name: str) -> None:
    output = tmp_path / "site"
    (output / "sub").mkdir(parents=True)
    for path in (tmp_path / "precious", output / "precious", output / "sub" / "precious"):
        path.write_bytes(b"keep")
    record = {"files": {name: "0" * 64, **dict.fromkeys(STRANGE, "1" * 64)}, "before": {name: "2" * 64}}
    (output / PAGES_MARK).write_text(json.dumps(record))
    write(output, FILES)
    assert all(
        path.read_bytes() == b"keep"
        for path in (tmp_path / "precious", output / "precious", output / "sub" / "precious")
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "3",
        '{"files": 3}',
        '{"files": [["index.html"]]}',
        "[" * 100_000,
        '{"files": {"a": 1}, "before": 1}',
    ],
)
def test_a_damaged_list_is_one_line_and_changes_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / PAGES_MARK).write_text(text)
    (tmp_path / "index.html").write_bytes(b"mine")
    message = refused(tmp_path, PAGES_MARK)
    assert "not a list of pages" in message
    assert "\n" not in message


@CALM
@given(
    st.binary()
    | st.recursive(st.none() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x))
)
def test_any_list_is_read_or_refused(content: Any) -> None:
    try:
        listed = pages_folder._parse(content if isinstance(content, bytes) else json.dumps({"files": content}).encode())
    except Exception:
        return  # `StoredFile` makes one line of it
    assert all(".." not in Path(name).parts and not Path(name).is_absolute() for name in listed.files)


@pytest.mark.parametrize("fault", [errno.ENOSPC, errno.EROFS, errno.EIO])
@pytest.mark.parametrize("call", ["fsync", "replace", "mkdir", "unlink"])
def test_a_write_that_fails_leaves_whole_pages_and_the_next_build_ends_as_ever(
    tmp_path: Path, fault: int, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each call of the system fails in turn, and all after it."""
    working = getattr(os, call)
    for number in range(1, 20):
        output = tmp_path / f"site-{number}"
        write(output, OTHER)
        left = number

        def failing(*arguments: Any, **options: Any) -> Any:
            nonlocal left
            left -= 1
            if left <= 0:
                raise OSError(fault, os.strerror(fault))
            return working(*arguments, **options)

        with monkeypatch.context() as patch:
            patch.setattr(os, call, failing)
            message = ""
            try:
                write(output, {**FILES, "c.html": b"c"})
            except UserError as error:
                message = str(error)
        if not message:
            break
        assert os.strerror(fault) in message
        assert "\n" not in message
        allowed = {name: {FILES.get(name), OTHER.get(name), b"c"} for name in {*FILES, *OTHER, "c.html"}}
        assert all(content in allowed[name] for name, content in contents(output).items())
        if call == "fsync" and number <= len(FILES) + 1:
            assert contents(output) == OTHER, "until all is on the disk, nothing is replaced"
        write(output, FILES)
        assert contents(output) == FILES
    assert number > 1


def test_the_page_that_links_to_others_is_replaced_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names: list[str] = []
    replace = os.replace
    monkeypatch.setattr(os, "replace", lambda one, other: (names.append(Path(other).name), replace(one, other)))
    write(tmp_path, FILES)
    assert names == [PAGES_MARK, *(Path(name).name for name in FILES), PAGES_MARK]


def test_builds_of_one_folder_wait_for_each_other(tmp_path: Path) -> None:
    with reserved(tmp_path):
        child = os.fork()
        if not child:
            write(tmp_path, OTHER)
            os._exit(0)
        write_pages(tmp_path, FILES)
        assert contents(tmp_path) == FILES
    assert os.waitpid(child, 0)[1] == 0
    assert contents(tmp_path) == OTHER


def test_a_first_build_that_fails_marks_the_folder_as_one_of_pages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or the next one would take the empty folders for those of others."""
    outcomes = iter([None])
    monkeypatch.setattr(os, "fsync", lambda file: next(outcomes, file) and _fail())
    with pytest.raises(UserError, match="No space left on device"):
        write(tmp_path, FILES)
    assert (tmp_path / PAGES_MARK).is_file()


def _fail() -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
