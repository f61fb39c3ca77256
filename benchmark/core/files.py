"""Files: folders that can be written, writes that are whole or absent, hashes."""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from benchmark.core.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable


@cache
def warn_once(message: str) -> None:
    """Print a warning on standard error, each message once a process."""
    print(f"warning: {message}", file=sys.stderr)


def make_folder(folder: Path) -> None:
    """Make a folder and its parents. Raises UserError when that is not possible, or nothing can be put there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{folder}: the folder can't be made ({error.strerror}). Name another one.") from error
    if not os.access(folder, os.W_OK):
        raise UserError(f"{folder}: the folder can't be written (read-only). Name another one.")


def write_atomically(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Write to a temporary file beside `path`, flush it to disk and rename it. Raises UserError when it can't."""
    temporary: str | None = None
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{path.stem}-", suffix=".tmp", dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        if not isinstance(error, OSError):
            raise
        reason = error.strerror or error
        raise UserError(f"{path}: can't be written ({reason}). Free space or name another folder.") from error


def sha256(path: Path) -> str:
    """SHA-256 of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
