"""Files: folders to write into, writes that are whole or absent, locks, hashes, and warnings about them."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import sys
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, BinaryIO

from benchmark.core.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@cache
def warn_once(message: str) -> None:
    """Print a warning on standard error, once per message and process."""
    print(f"warning: {message}", file=sys.stderr)


def make_folder(folder: Path) -> None:
    """Make a folder and its parents. Raises UserError when that fails, or when the folder can't be written to."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{folder}: the folder can't be made ({error.strerror}). Name another one.") from error
    if not os.access(folder, os.W_OK):
        raise UserError(f"{folder}: the folder can't be written (read-only). Name another one.")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path next to `path`, for a file or a folder to write; it replaces `path` when the block ends.

    When the block raises, `path` stays as it was and the temporary one is deleted. Raises OSError when renaming fails.
    """
    temporary = path.with_name(f".{path.stem}-{secrets.token_hex(4)}.tmp")
    try:
        yield temporary
        if temporary.is_dir() and path.exists():
            shutil.rmtree(path)
        os.replace(temporary, path)
    finally:
        if temporary.is_dir():
            shutil.rmtree(temporary, ignore_errors=True)
        else:
            temporary.unlink(missing_ok=True)


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
        lock.release()


def sha256(path: Path) -> str:
    """SHA-256 of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
