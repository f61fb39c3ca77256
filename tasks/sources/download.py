"""Public files into a folder: what is there is checked, what is missing comes from the first mirror that has it.

A file gets its name when size and checksum are right, and not before. A file that was put there by hand is checked in
the same way and taken. The SHA-256 of each is noted beside it, so that a later fetch can compare where nobody
published a checksum.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from benchmark.core.errors import UserError
from benchmark.core.files import make_folder
from tasks.sources import checksum
from tasks.sources.resume import Resuming, Settings, Stuck, Unavailable, Watcher, require_space

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tasks.sources.catalogue import SourceFile

DEFAULTS = Settings()
POOCH_LACKS = {"adler32"}


@dataclass(frozen=True)
class Outcome:
    """What became of a file.

    status : "there" (it was, and is right), "fetched", "failed", or "left" (not tried, since no server answered or the
    disk is full) · sha256 : of the file, None without one · checked : against what, None against nothing ·
    reason : why it failed · warnings : a line each.
    """

    file: SourceFile
    path: Path
    status: Literal["there", "fetched", "failed", "left"]
    sha256: str | None = None
    checked: str | None = None
    reason: str | None = None
    warnings: tuple[str, ...] = ()

    @property
    def good(self) -> bool:
        """Whether the file is there to be read."""
        return self.status in ("there", "fetched")


def fetch_all(
    files: Sequence[SourceFile], folder: Path, watcher: Watcher, settings: Settings | None = None
) -> Iterator[Outcome]:
    """Outcomes of the files in turn, each as soon as it is known.

    After a file that no server answered for, or a full disk, the others are checked but not downloaded.
    Raises UserError when the folder can't be used, or has no room for all of them.
    """
    make_folder(folder)
    online = True
    with _only_one(folder):
        _require_room(files, folder)
        for file in files:
            outcome, online = _fetch(file, folder / file.name, watcher, settings or DEFAULTS, online)
            yield outcome


@contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    """Two fetches never write the same parts: the second waits, and finds the files there."""
    from filelock import FileLock

    try:
        lock = FileLock(folder / ".lock")
        lock.acquire()
    except (OSError, NotImplementedError) as error:
        raise UserError(f"{folder}: can't be written ({error}). Name another folder with --to.") from error
    try:
        yield
    finally:
        lock.release()


def _require_room(files: Sequence[SourceFile], folder: Path) -> None:
    """Before the first of many gigabytes, room for the last."""
    missing = [file for file in files if not (folder / file.name).exists()]
    needed = sum((file.size or 0) - min(file.size or 0, _size(_part(folder / file.name))) for file in missing)
    try:
        require_space(folder, needed)
    except Stuck as error:
        raise UserError(f"{error}. Make room, name another folder with --to, or some files with --only.") from error


def _fetch(file: SourceFile, path: Path, watcher: Watcher, settings: Settings, online: bool) -> tuple[Outcome, bool]:
    """The outcome, and whether it is of use to try the next file."""
    warnings: list[str] = []
    if path.is_dir():
        raise UserError(f"{path}: a folder, expected the file or nothing. Move it away, or name another with --to.")
    if path.is_file():
        outcome = check(file, path)
        if outcome.good:
            return outcome, online
        if online:
            wrong = path.with_name(f"{path.name}.wrong")
            path.replace(wrong)
            warnings.append(f"{file.name}: {outcome.reason}; it is {wrong.name} now")
    if not online:
        return Outcome(file, path, "left", warnings=tuple(warnings)), online
    wanted = _wanted(file, path)
    reasons: list[str] = []
    answered, silent = False, set()
    resuming = Resuming(wanted, _part(path), settings, watcher)
    for url in file.urls:
        if urlsplit(url).netloc in silent:
            continue
        try:
            _retrieve(wanted, url, path, resuming)
        except Unavailable as error:
            reasons.append(f"{url}: {error}")
            answered = answered or error.answered
            if not error.answered:
                silent.add(urlsplit(url).netloc)
            continue
        except Stuck as error:
            return Outcome(file, path, "failed", reason=str(error), warnings=tuple(warnings)), False
        outcome = _good(file, wanted, path, resuming.sha256)
        return replace(outcome, status="fetched", warnings=(*warnings, *outcome.warnings)), True
    reason = "; ".join(reasons)
    if answered and wanted is not file:
        reason += f" (the SHA-256 of what came earlier; if the new file is the right one, delete {checksum.note(path)})"
    return Outcome(file, path, "failed", reason=reason, warnings=tuple(warnings)), answered


def check(file: SourceFile, path: Path) -> Outcome:
    """Compare a file that is there with what was published or, failing that, noted when it came; note it if right.

    Raises UserError when the note can't be written.
    """
    wanted = _wanted(file, path)
    if file.size is not None and _size(path) != file.size:
        reason = f"the file there has {_size(path):,} bytes, expected {file.size:,}"
        return Outcome(file, path, "failed", reason=reason)
    algorithm = checksum.algorithm_of(wanted.checksum or "sha256")
    found = checksum.digests(path, *{algorithm, "sha256"})
    if wanted.checksum is not None and f"{algorithm}:{found[algorithm]}" != wanted.checksum:
        reason = f"the file there has {algorithm}:{found[algorithm]}, expected {wanted.checksum}"
        return Outcome(file, path, "failed", reason=reason)
    return _good(file, wanted, path, found["sha256"])


def _good(file: SourceFile, wanted: SourceFile, path: Path, sha256: str) -> Outcome:
    checksum.record(path, sha256)
    if file.checksum is not None:
        return Outcome(file, path, "there", sha256, file.checksum)
    if wanted.checksum is not None:
        return Outcome(file, path, "there", sha256, f"{wanted.checksum} of an earlier day")
    warning = f"{file.name}: no checksum is published; this one has sha256:{sha256}, compared with from now on"
    return Outcome(file, path, "there", sha256, warnings=(warning,))


def _wanted(file: SourceFile, path: Path) -> SourceFile:
    """The file with the checksum to hold it to: the published one, else that of the file that came earlier."""
    earlier = checksum.recorded(path)
    return replace(file, checksum=f"sha256:{earlier}") if file.checksum is None and earlier else file


def _retrieve(file: SourceFile, url: str, path: Path, resuming: Resuming) -> None:
    """pooch downloads to a name of its own, checks, and renames. Raises Unavailable or Stuck."""
    import pooch

    pooch.get_logger().setLevel("ERROR")
    known = None if file.checksum is None or checksum.algorithm_of(file.checksum) in POOCH_LACKS else file.checksum
    try:
        pooch.retrieve(url, known_hash=known, fname=path.name, path=path.parent, downloader=resuming)
    except ValueError as error:  # pooch's word for a wrong checksum
        raise Unavailable(str(error)) from error
    except OSError as error:
        raise Stuck(f"{path.parent} can't be written ({error.strerror or error})") from error


def _part(path: Path) -> Path:
    return path.with_name(f"{path.name}.part")


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0
