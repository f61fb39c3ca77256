"""A folder of pages. Files that the leaderboard wrote are replaced and removed, and files of others never.

`.leaderboard.json` lists the files that the leaderboard wrote, each with its SHA-256; a file with another hash, or one
that is not listed, belongs to somebody else. Lists of an earlier version have names alone: the pages that they name are
ours once, whatever their hashes. Links are never followed.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import stat
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, NamedTuple

from benchmark.core.errors import UserError
from benchmark.core.files import make_folder, replacing, write_atomically
from benchmark.core.stored import MB, StoredFile
from benchmark.records.store import PAGES_MARK

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

_LIST = StoredFile("a list of pages with their hashes", 10 * MB, "Move it and the pages elsewhere.")
_PAGE = StoredFile("a page", 4000 * MB, "Move it elsewhere.")
_NAME = re.compile(r"(?:(?:static|pictures)/)?[A-Za-z0-9_-][A-Za-z0-9_.-]*")
"""Pages, and the files in the two folders below them."""
_PAGES = re.compile(r"static/.*\.(?:js|css)|pictures/.*\.png|[^/]*\.html|results\.json|boards\.csv")
"""Names of files that a build writes."""
_ANY = "any"
"""In place of a hash, in lists of an earlier version."""
_KINDS = {stat.S_IFLNK: "a link", stat.S_IFDIR: "a folder", stat.S_IFREG: "a file"}


class _Listed(NamedTuple):
    """The list of an earlier build.

    Parameters
    ----------
    files : the hash of each file.
    before : those that the build replaced or removed. If it was interrupted, a file may still have this hash.
    """

    files: Mapping[str, str]
    before: Mapping[str, str]

    def has(self, name: str, sha256: str) -> bool:
        """Whether the leaderboard wrote a file of this name with this hash."""
        known = {self.files.get(name), self.before.get(name)}
        return sha256 in known or _ANY in known


@contextmanager
def reserved(folder: Path) -> Iterator[None]:
    """Make a folder, and let no other process build pages in it before the block ends.

    Raises UserError for a link: the pages would be somewhere else.
    """
    if folder.is_symlink():
        raise UserError(f"{folder}: is a link, expected a folder of pages. Move it away, or name its target: --output.")
    make_folder(folder)
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError as error:
        raise UserError(f"{folder}: the folder can't be read ({error.strerror}). Name another one.") from error
    try:
        with suppress(OSError):  # a file system without locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_UN)  # a forked process has the descriptor as well
        os.close(descriptor)


def write_pages(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files into a reserved folder, each after those before it; remove those of earlier builds.

    Nothing is written before all is checked, and no file is replaced before all are on the disk. An interrupted build
    leaves whole files, and a list of those of both builds. Files that have their content already are not written.

    Parameters
    ----------
    files : contents, by path in the folder.

    Raises
    ------
    UserError
        If a file of somebody else, or a link, is in the place of a page or of a folder, or if writing fails.
    """
    listed = _listed(folder)
    new = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    present = {name: found for name in files if (found := _sha256(folder, name)) is not None}
    changed = [name for name in files if present.get(name) != new[name]]
    for name in changed:
        if name in present and not listed.has(name, present[name]):
            raise UserError(
                f"{folder / name}: was not written by the leaderboard, or was changed since. "
                "Move it away, or name another folder."
            )
    stale = dict(_stale(folder, listed, files))
    if not changed and not stale and listed == _Listed(new, {}):
        return
    # first, so that the next build knows the files of both if this one is interrupted
    _write_list(folder, _Listed(new, {**present, **stale}))
    try:
        with ExitStack() as replaced:
            for name in reversed(changed):  # the last to be written is the first to replace a file
                _write(replaced, folder / name, files[name])
        for name in stale:
            (folder / name).unlink()
    except OSError as error:
        raise UserError(
            f"{folder}: the pages can't be written ({error.strerror or error}). Free space, or name another folder."
        ) from error
    _write_list(folder, _Listed(new, {}))


def _write(replaced: ExitStack, path: Path, content: bytes) -> None:
    """Write a file under a temporary name. It replaces `path` when the stack ends without an error."""
    path.parent.mkdir(exist_ok=True)
    with replaced.enter_context(replacing(path)).open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sha256(folder: Path, name: str) -> str | None:
    """The hash of a file, or None if there is none. Raises UserError for anything else in its place."""
    for path in (folder / name).parent, folder / name:
        try:
            kind = stat.S_IFMT(path.lstat().st_mode)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise UserError(f"{path}: can't be read ({error.strerror}). Name another folder.") from error
        expected = stat.S_IFREG if path == folder / name else stat.S_IFDIR
        if kind != expected:
            raise UserError(
                f"{path}: is {_KINDS.get(kind, 'no file')}, expected {_KINDS[expected]} of the leaderboard. "
                "Move it away, or name another folder."
            )
    with _PAGE.open(folder / name) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _stale(folder: Path, listed: _Listed, files: Collection[str]) -> Iterator[tuple[str, str]]:
    """The files of earlier builds that are not needed any more, and their hashes; those that were changed stay."""
    for name in sorted((listed.files.keys() | listed.before.keys()) - set(files)):
        with suppress(UserError):
            found = _sha256(folder, name)
            if found is not None and listed.has(name, found):
                yield name, found


def _listed(folder: Path) -> _Listed:
    path = folder / PAGES_MARK
    if path.is_symlink():
        raise UserError(f"{path}: is a link, expected {_LIST.noun}. {_LIST.remedy}")
    return _LIST.parse(path, _parse) if os.path.lexists(path) else _Listed({}, {})


def _parse(content: bytes) -> _Listed:
    """A list, without names that are not those of pages."""
    record = json.loads(content)

    def hashes(group: str) -> dict[str, str]:
        entries = record.get(group, {})
        if isinstance(entries, list):
            entries = {name: _ANY for name in entries if _PAGES.fullmatch(name)}
        return {name: str(sha256) for name, sha256 in dict(entries).items() if _NAME.fullmatch(name)}

    return _Listed(hashes("files"), hashes("before"))


def _write_list(folder: Path, listed: _Listed) -> None:
    record = {"files": listed.files, "before": listed.before} if listed.before else {"files": listed.files}
    text = json.dumps(record, indent=1, sort_keys=True).encode()
    write_atomically(folder / PAGES_MARK, lambda file: file.write(text))
