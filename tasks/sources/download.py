"""Download public files into a folder and verify them.

pooch downloads each file into a hidden folder. The file is moved to its place after its size and checksum are
verified, so that an interrupted download leaves nothing behind. The SHA-256 of each file is stored next to it: a later
download is compared with it if no checksum is published. Files that the user put there are verified in the same way.
"""

from __future__ import annotations

import shlex
import shutil
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from benchmark.core.errors import UserError
from benchmark.core.files import locked, make_folder, refuse_special
from tasks.sources import checksum
from tasks.sources.downloader import Downloader, Unavailable, require_space

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from tasks.sources.catalogue import SourceFile
    from tasks.sources.downloader import DownloadListener

LARGE = 1_000_000_000
"""Bytes above which restarting an interrupted download hurts."""
PARTIAL = ".partial"
"""Folder of unfinished downloads."""


@dataclass(frozen=True)
class Outcome:
    """The outcome of one file.

    Attributes
    ----------
    status : "present" (it was there already), "downloaded", "failed", or "skipped" (no server answered for an earlier
        file, or the disk is full)
    sha256 : of the file, None without one
    checked : the checksum that the file was compared with, None if there is none
    reason : why it failed
    warnings : one line each
    """

    file: SourceFile
    path: Path
    status: Literal["present", "downloaded", "failed", "skipped"]
    sha256: str | None = None
    checked: str | None = None
    reason: str | None = None
    warnings: tuple[str, ...] = ()

    @property
    def good(self) -> bool:
        """Whether the file can be read."""
        return self.status in ("present", "downloaded")


def fetch_all(files: Sequence[SourceFile], folder: Path, progress: DownloadListener) -> Iterator[Outcome]:
    """Download missing files; yield the outcome of each file as soon as it is known.

    Hosts that do not answer are not asked again. A full disk ends downloading, but not the verification of the files
    that are present. Raises UserError if the folder cannot be used, or the disk has no space for all files.
    """
    make_folder(folder)
    silent: set[str] = set()
    writable = True
    with locked(folder / ".lock", _refused(folder)), _partial(folder / PARTIAL):
        _require_room(files, folder)
        for file in files:
            outcome = check(file, folder / file.name)
            if outcome.status == "skipped" and writable:
                try:
                    outcome = _download(outcome, progress, silent)
                except OSError as error:
                    writable = False
                    reason = f"{folder} can't be written ({error.strerror or error})"
                    outcome = replace(outcome, status="failed", reason=reason)
            yield outcome


def curl(file: SourceFile, path: Path) -> list[str]:
    """Commands that download a file and, given again, resume it; one for each address."""
    return [f"curl -fL -C - -o {shlex.quote(str(path))} {shlex.quote(url)}" for url in file.urls]


def _refused(folder: Path) -> Callable[[OSError], UserError]:
    return lambda error: UserError(f"{folder}: can't be written ({error}). Name another folder with --to.")


@contextmanager
def _partial(folder: Path) -> Iterator[None]:
    """Delete unfinished downloads, those of a killed process too."""
    shutil.rmtree(folder, ignore_errors=True)
    try:
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _require_room(files: Sequence[SourceFile], folder: Path) -> None:
    try:
        require_space(folder, sum(file.size or 0 for file in files if not (folder / file.name).exists()))
    except OSError as error:
        raise UserError(
            f"{folder}: {error.strerror}. Free space, name another folder with --to, or some files with --only."
        ) from error


def check(file: SourceFile, path: Path) -> Outcome:
    """Verify a file that may be present. A wrong file is renamed; the outcome of a missing or wrong one is "skipped".

    Raises UserError if a folder, a device or a pipe has the name of the file, or the SHA-256 cannot be stored.
    """
    if path.is_dir():
        raise UserError(f"{path}: a folder, expected a file or nothing. Move it, or name another folder with --to.")
    refuse_special(path)
    if not path.is_file():
        return Outcome(file, path, "skipped")
    size = path.stat().st_size
    if size < (file.size or 0) and (file.size or 0) > LARGE:
        reason = f"{size:,} of {file.size:,} bytes are there. Complete it: {curl(file, path)[0]}, or delete it"
        return Outcome(file, path, "failed", reason=reason)
    problem, sha256 = checksum.verify(_expected(file, path), path)
    if problem is None:
        return _verified(file, path, sha256)
    wrong = path.with_name(f"{path.name}.wrong")
    path.replace(wrong)
    return Outcome(file, path, "skipped", warnings=(f"{file.name}: the file has {problem}; renamed to {wrong.name}",))


def _expected(file: SourceFile, path: Path) -> SourceFile:
    """The file with the published checksum, else with that of an earlier download."""
    earlier = checksum.recorded(path)
    return replace(file, checksum=f"sha256:{earlier}") if file.checksum is None and earlier else file


def _verified(file: SourceFile, path: Path, sha256: str) -> Outcome:
    earlier = checksum.recorded(path)
    checksum.record(path, sha256)
    if file.checksum is not None:
        return Outcome(file, path, "present", sha256, file.checksum)
    if earlier:
        return Outcome(file, path, "present", sha256, f"sha256:{earlier} of an earlier download")
    warning = f"{file.name}: no checksum is published; later downloads are compared with sha256:{sha256}"
    return Outcome(file, path, "present", sha256, warnings=(warning,))


def _download(missing: Outcome, progress: DownloadListener, silent: set[str]) -> Outcome:
    """Try the addresses of a file in turn. Adds the hosts that do not answer to `silent`."""
    file, path = missing.file, missing.path
    expected = _expected(file, path)
    reasons = []
    if (file.size or 0) > LARGE:
        progress.message(f"{file.name}: an interrupted download starts again. To resume one: {curl(file, path)[0]}")
    for url in file.urls:
        if urlsplit(url).netloc in silent:
            continue
        try:
            partial = _retrieve(url, path.parent / PARTIAL, Downloader(file.name, file.size, progress))
        except Unavailable as error:
            reasons.append(f"{url}: {error}")
            if not error.answered:
                silent.add(urlsplit(url).netloc)
            continue
        problem, sha256 = checksum.verify(expected, partial)
        if problem is None:
            partial.replace(path)
            outcome = _verified(file, path, sha256)
            return replace(outcome, status="downloaded", warnings=missing.warnings + outcome.warnings)
        partial.unlink()
        reasons.append(f"{url}: sent {problem}")
    if not reasons:
        return missing
    reason = "; ".join(reasons)
    if expected is not file:
        note = checksum.note(path)
        reason += f" (the SHA-256 of an earlier download; if the file was replaced on purpose, delete {note})"
    return replace(missing, status="failed", reason=reason)


def _retrieve(url: str, folder: Path, downloader: Downloader) -> Path:
    import pooch

    pooch.get_logger().setLevel("ERROR")
    # pooch does not know Adler-32, and computes a SHA-256 in any case: the caller verifies.
    pooch.retrieve(url, known_hash=None, fname=downloader.name, path=folder, downloader=downloader)
    return folder / downloader.name
