"""The git repository that this code is in: revisions, and the files of each."""

from __future__ import annotations

import subprocess
import tomllib
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark.core.errors import UserError, spelled
from benchmark.core.files import make_folder
from benchmark.core.temporary import leftovers, remove, temporary_for

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
PINS = ("constraints.txt", "pyproject.toml")
"""Files that say which packages a revision needs."""


@dataclass(frozen=True)
class Revision:
    """A commit of this program's repository, and the name that was given for it."""

    name: str
    commit: str

    def __str__(self) -> str:
        """`main (0a1b2c3d4e)`."""
        return f"{self.name} ({self.commit[:10]})" if not self.commit.startswith(self.name) else self.name


def span(words: str) -> tuple[Revision, Revision]:
    """The two revisions of `main..HEAD`; a missing one is HEAD.

    Raises UserError when there is no such revision, when both are the same, and when the code in this folder has
    changes that no revision has.
    """
    first, _, second = words.partition("..")
    if second.startswith("."):
        raise UserError(f"'{spelled(words)}': three dots, expected two revisions as in main..HEAD. Write two dots.")
    a, b = revision(first or "HEAD"), revision(second or "HEAD")
    if a.commit == b.commit:
        raise UserError(f"'{spelled(words)}': both are {a.commit[:10]}, expected two revisions. Name another one.")
    need_no_changes()
    return a, b


def revision(name: str) -> Revision:
    """A commit by its name. Raises UserError when there is none, or when the program is in no repository of its own."""
    if not (ROOT / ".git").exists():
        raise UserError(
            f"revision {spelled(name)}: {ROOT} is no git repository, expected a clone. Clone the project, and run this "
            "command in the clone."
        )
    commit = git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    if not commit:
        raise UserError(
            f"revision {spelled(name)}: no such commit in {ROOT}, expected a branch, a tag or a commit. "
            "See `git log --oneline`."
        )
    return Revision(name, commit)


def need_no_changes() -> None:
    """Raise UserError when tracked files have changes that are in no commit, so that HEAD is not what is there."""
    changed = (git("diff", "--name-only", "HEAD") or "").splitlines()
    if changed:
        raise UserError(
            f"{ROOT}: {len(changed)} {'file has' if len(changed) == 1 else 'files have'} changes that are in no "
            f"revision ({changed[0]}), expected none. Commit or stash them."
        )


def need_same_packages(a: Revision, b: Revision) -> None:
    """Raise UserError when two revisions need other packages, since both run in the environment of this process."""
    other = [name for name in PINS if _packages(a, name) != _packages(b, name)]
    if other:
        raise UserError(
            f"{a} and {b}: the packages in {' and '.join(other)} differ, expected the same, since both are run in one "
            "environment. Run each in an environment of its own, and compare the two folders of results; or give "
            "--same-packages to run both with those that are installed."
        )


def _packages(at: Revision, name: str) -> Any:
    text = git("show", f"{at.commit}:{name}") or ""
    if not name.endswith(".toml"):
        return sorted(line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#"))
    project = tomllib.loads(text).get("project", {})
    return project.get("requires-python"), sorted(project.get("dependencies", []))


@contextmanager
def checked_out(at: Revision, folder: Path) -> Iterator[Path]:
    """The files of a revision in a temporary folder in `folder`, which is deleted in the end, or by the next one.

    Raises UserError if git can't.
    """
    make_folder(folder)
    for left in leftovers(folder):
        with suppress(OSError):
            remove(left)
    git("worktree", "prune")
    tree = temporary_for(folder / at.commit[:10])
    try:
        if git("worktree", "add", "--detach", "--quiet", str(tree), at.commit) is None:
            raise UserError(f"revision {at}: git can't check it out in {tree}. Is the disk full?")
        yield tree
    finally:
        git("worktree", "remove", "--force", str(tree))
        with suppress(OSError):
            remove(tree)


def git(*words: str, root: Path | None = None) -> str | None:
    """What git prints; None if it fails. It runs no hook, and reads no setting that a folder could bring."""
    try:
        done = subprocess.run(
            ["git", "-C", str(root or ROOT), "-c", "core.hooksPath=/dev/null", *words],
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
