"""Revisions of a repository: found by name, checked out, and refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmark.core import repository
from benchmark.core.errors import UserError
from benchmark.core.repository import Revision, checked_out, need_same_packages, revision, span
from tests.benchmark.repositories import PROJECT, commit, git, two_versions

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "clone"
    two_versions(folder)
    monkeypatch.setattr(repository, "ROOT", folder)
    return folder


def test_two_revisions_by_their_names(clone: Path):
    old, new = git(clone, "rev-parse", "old"), git(clone, "rev-parse", "HEAD")
    assert [each.commit for each in span("old..HEAD")] == [old, new]
    assert [each.commit for each in span("old..")] == [old, new]
    assert [str(each) for each in span(f"{old[:7]}..HEAD")] == [old[:7], f"HEAD ({new[:10]})"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("older..HEAD", "revision older: no such commit"),
        ("--all..HEAD", "no such commit"),
        ("old..old", "expected two revisions"),
        ("old...HEAD", "Write two dots"),
    ],
)
def test_names_that_are_no_two_revisions(clone: Path, words: str, message: str):
    with pytest.raises(UserError, match=message):
        span(words)


def test_changes_that_are_in_no_revision(clone: Path):
    (clone / "new.txt").write_text("files that git does not know do not count")
    span("old..HEAD")
    (clone / "version.txt").write_text("c")
    with pytest.raises(UserError, match=r"1 file has changes that are in no revision \(version.txt\)"):
        span("old..HEAD")


def test_a_folder_that_is_no_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(repository, "ROOT", tmp_path)
    with pytest.raises(UserError, match="is no git repository"):
        revision("HEAD")


def test_revisions_that_need_other_packages(clone: Path):
    need_same_packages(*span("old..HEAD"))
    commit(
        clone,
        {"constraints.txt": "# a comment\n\nnumpy==2.0\n", "pyproject.toml": PROJECT.format("2.0") + "\n"},
        "words",
    )
    need_same_packages(*span("old..HEAD"))
    commit(clone, {"pyproject.toml": PROJECT.format("2.1")}, "newer")
    with pytest.raises(UserError, match=r"the packages in pyproject\.toml differ"):
        need_same_packages(*span("old..HEAD"))
    commit(clone, {"constraints.txt": "numpy==2.1\n"}, "pinned")
    with pytest.raises(UserError, match=r"the packages in constraints\.txt and pyproject\.toml differ"):
        need_same_packages(*span("old..HEAD"))


def test_files_of_a_revision_are_there_for_a_while(clone: Path, tmp_path: Path):
    with checked_out(revision("old"), tmp_path / "trees") as tree:
        assert (tree / "version.txt").read_text() == "a"
        assert git(tree, "rev-parse", "HEAD") == git(clone, "rev-parse", "old")
    assert list((tmp_path / "trees").iterdir()) == []
    assert git(clone, "worktree", "list").count("\n") == 0
    assert git(clone, "status", "--porcelain") == ""


def test_what_a_killed_process_has_left_is_removed(clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    trees = tmp_path / "trees"
    trees.mkdir()
    left = trees / ".0a1b2c3d4e-00000000-1-1-00000000.tmp"
    monkeypatch.setattr(repository, "leftovers", lambda folder: [left])
    git(clone, "worktree", "add", "--detach", str(left), "old")
    with checked_out(revision("HEAD"), trees) as tree:
        assert not left.exists()
        assert [path.name for path in trees.iterdir()] == [tree.name]


def test_a_revision_that_git_can_not_check_out(clone: Path, tmp_path: Path):
    with pytest.raises(UserError, match="git can't check it out"), checked_out(Revision("x", "0" * 40), tmp_path / "t"):
        pass
    assert list((tmp_path / "t").iterdir()) == []
