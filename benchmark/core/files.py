"""Files: folders to write into, writes that are whole or absent, locks, hashes, and warnings about them."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import sys
from contextlib import contextmanager, suppress
from functools import cache
from typing import TYPE_CHECKING, BinaryIO

from benchmark.core.errors import UserError
from benchmark.core.paths import special
from benchmark.core.temporary import remove, temporary_for, tidy
from benchmark.core.text import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_OF_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)


@cache
def warn_once(message: str) -> None:
    """Print a warning on standard error, once per message and process."""
    print(f"warning: {one_line(message)}", file=sys.stderr)


def make_folder(folder: Path) -> None:
    """Make a folder and its parents. Raises UserError when that fails, or when the folder can't be written to."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{folder}: the folder can't be made ({error.strerror}). Name another one.") from error
    if not os.access(folder, os.W_OK):
        raise UserError(f"{folder}: the folder can't be written (read-only). Name another one.")


def refuse_special(path: Path, *, follow: bool = True) -> None:
    """Raise UserError for a device, a pipe or a socket, which no file may replace.

    follow : whether a link stands for what it leads to; otherwise a link is no reason.
    """
    with suppress(FileNotFoundError, NotADirectoryError):
        status = path.stat(follow_symlinks=follow)
        if not any(kind(status.st_mode) for kind in (stat.S_ISREG, stat.S_ISDIR, stat.S_ISLNK)):
            raise UserError(f"{path}: is {special(status)}, expected a file to write. Name another one.")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path next to `path`, for a file or a folder to write; it replaces `path` when the block ends.

    When the block raises, `path` stays as it was and the temporary one is deleted. Leftovers of killed processes next
    to it are deleted, too. A link at `path` is replaced itself.

    Raises OSError when renaming fails, and UserError for a device, a pipe or a socket at `path`.
    """
    refuse_special(path, follow=False)
    tidy(path.parent)
    temporary = temporary_for(path)
    try:
        yield temporary
        if temporary.is_dir() and path.exists():
            _swap(temporary, path)
        else:
            os.replace(temporary, path)
    finally:
        with suppress(OSError):
            remove(temporary)


def _swap(temporary: Path, path: Path) -> None:
    """Put a folder in the place of another, which is removed; if that fails, the other one stays.

    Where the system can't exchange them in one step, a kill between two steps loses both.
    """
    if _exchange(temporary, path):
        return  # the old one has the temporary name now
    old = temporary_for(path)
    os.rename(path, old)
    try:
        os.rename(temporary, path)
    except BaseException:
        os.rename(old, path)
        raise
    with suppress(OSError):
        remove(old)


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two paths in one step; False, and nothing has changed, where the system or the disk can't."""
    import ctypes

    here, exchange = -100, 2  # AT_FDCWD, RENAME_EXCHANGE
    try:
        rename = ctypes.CDLL(None).renameat2
    except (OSError, AttributeError):  # not Linux
        return False
    done: int = rename(here, os.fsencode(one), here, os.fsencode(other), ctypes.c_uint(exchange))
    return done == 0


def write_atomically(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Write a file whole or not at all, flushed to disk. Raises UserError when that fails."""
    try:
        with replacing(path) as temporary, temporary.open("xb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        reason = error.strerror or error
        raise UserError(f"{path}: can't be written ({reason}). Free space or name another folder.") from error


def is_of_disk(error: UserError) -> bool:
    """Whether writing failed since the disk is full, read-only or broken, and not for the state of this process."""
    return isinstance(error.__cause__, OSError) and error.__cause__.errno in _OF_DISK


@contextmanager
def locked(path: Path, refused: Callable[[OSError], Exception], *, wait: bool = True) -> Iterator[None]:
    """Hold a lock file. Other processes that ask for it wait; with `wait=False` they are refused.

    Parameters
    ----------
    refused : the exception to raise, made from the OSError; that is a TimeoutError where another process has the lock.
    """
    from filelock import FileLock

    lock = FileLock(path)
    try:
        lock.acquire(timeout=-1 if wait else 0)
    except OSError as error:
        raise refused(error) from error
    except NotImplementedError as error:  # a file system without locks
        raise refused(OSError(str(error))) from error
    try:
        yield
    finally:
        with suppress(OSError):  # then it is free when this process ends
            lock.release()


def is_free(path: Path) -> bool:
    """Whether no process holds this lock file."""
    try:
        with locked(path, lambda error: UserError(str(error)), wait=False):
            return True
    except UserError:
        return False


def sha256(path: Path) -> str:
    """SHA-256 of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
