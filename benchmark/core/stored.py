"""Reading stored files: results, data sets, samples and models, which a stranger or a bad disk may have changed.

Every stored file is read through a `StoredFile`: it has to be a regular file, not larger than its kind may be, with the
recorded hash if there is one; then it is parsed. An exception of the parser becomes a UserError.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from benchmark.core.errors import UserError
from benchmark.core.paths import special
from benchmark.core.text import short

if TYPE_CHECKING:
    from collections.abc import Callable
    from io import BufferedReader
    from pathlib import Path

    from pydantic import BaseModel

Parsed = TypeVar("Parsed")
ModelType = TypeVar("ModelType", bound="BaseModel")

MB = 1_000_000
REASON_LENGTH = 160


class UnreadableError(UserError):
    """A file that can't be read here: it may be whole, so nothing advises to delete it."""


@dataclass(frozen=True)
class StoredFile:
    """A kind of stored file.

    Parameters
    ----------
    noun : its content for messages, as "a result".
    most : size of the largest file that is read, in bytes.
    remedy : a sentence on what to do about a file that cannot be read.
    """

    noun: str
    most: int
    remedy: str

    def open(self, path: Path) -> BufferedReader:
        """Open a file to read. Raises UserError unless it is a regular file of a disk, of at most `most` bytes."""
        try:
            self._check(path, os.stat(path))  # first, since opening a device may have an effect
            # a file that was replaced by a pipe meanwhile must not block
            file = os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb")
        except OSError as error:
            raise self._unreadable(path, error) from error
        try:
            self._check(path, os.fstat(file.fileno()))
        except BaseException:
            file.close()
            raise
        return file

    def read(self, path: Path, sha256: str | None = None) -> bytes:
        """The content of a file.

        Raises UserError for a file that `open` refuses, or that has another SHA-256 than given.
        """
        with self.open(path) as file:
            try:
                size = os.fstat(file.fileno()).st_size  # reading allocates as many bytes as it is asked for
                # a file that claims to be empty is not read: what it gives may never end, or not be there again
                content: bytes | None = file.read(size + 1) if size else b""
            except OSError as error:
                raise self._unreadable(path, error) from error
        if content is None:  # reading it would have to wait
            raise self._unreadable(path, BlockingIOError("has no content yet"))
        if len(content) != size:
            raise UserError(f"{path}: changed while it was read. Run the same command again.")
        if sha256 is not None and hashlib.sha256(content).hexdigest() != sha256:
            raise self._changed(path)
        return content

    def verify(self, path: Path, sha256: str) -> None:
        """Raise UserError for a file that `read` refuses. The content never is in memory as a whole."""
        with self.open(path) as file:
            try:
                empty = not os.fstat(file.fileno()).st_size  # then it is not read, as in `read`
                found = hashlib.sha256() if empty else hashlib.file_digest(file, "sha256")
            except OSError as error:
                raise self._unreadable(path, error) from error
        if found.hexdigest() != sha256:
            raise self._changed(path)

    def parse(self, path: Path, parser: Callable[[bytes], Parsed], sha256: str | None = None) -> Parsed:
        """The content of a file as `parser` returns it.

        Parameters
        ----------
        parser : a function of the content alone. Whatever it raises means that the content is wrong.

        Raises
        ------
        UserError
            For a file that `read` refuses, or that the parser refuses; the parser's error is the cause.
        """
        content = self.read(path, sha256)
        return self._parsed(path, lambda: parser(content))

    def parse_at(self, path: Path, parser: Callable[[Path], Parsed]) -> Parsed:
        """What `parser` makes of a file that it opens itself, since it reads only parts of it.

        Raises UserError as `parse` does.
        """
        with self.open(path) as file:
            if not os.fstat(file.fileno()).st_size:
                raise UserError(f"{path}: is empty, expected {self.noun}. {self.remedy}")
        return self._parsed(path, lambda: parser(path))

    def _parsed(self, path: Path, parser: Callable[[], Parsed]) -> Parsed:
        try:
            return parser()
        except UserError as error:
            if str(error).startswith(f"{path}: "):
                raise
            raise UserError(f"{path}: {error}") from error
        except Exception as error:
            raise UserError(f"{path}: not {self.noun} ({first_reason(error)}). {self.remedy}") from error

    def model(self, path: Path, kind: type[ModelType], sha256: str | None = None) -> ModelType:
        """The content of a JSON file as a pydantic model. Raises UserError as `parse` does."""
        return self.parse(path, kind.model_validate_json, sha256)

    def _check(self, path: Path, status: os.stat_result) -> None:
        if found := special(status):
            raise UnreadableError(f"{path}: is {found}, expected a file with {self.noun}. Move it away.")
        if status.st_size > self.most:
            raise self._too_large(path, status.st_size)

    def _changed(self, path: Path) -> UserError:
        return UserError(f"{path}: changed since it was written (another SHA-256 is recorded). {self.remedy}")

    def _too_large(self, path: Path, size: int) -> UserError:
        return UserError(
            f"{path}: has {size / MB:,.1f} MB, expected {self.noun} of at most {self.most / MB:,.1f} MB. {self.remedy}"
        )

    def _unreadable(self, path: Path, error: OSError) -> UserError:
        if isinstance(error, FileNotFoundError):
            return UserError(f"{path}: no such file, expected {self.noun}. {self.remedy}")
        return UnreadableError(
            f"{path}: can't be read ({error.strerror or error}), expected {self.noun}. Check permissions and disk."
        )


def first_reason(error: Exception) -> str:
    """The first problem in one line; of a pydantic error with the field that has it."""
    errors = getattr(error, "errors", None)
    if callable(errors) and (first := next(iter(errors()), None)):
        field = ".".join(str(part) for part in first["loc"])
        message = first["msg"].removeprefix("Value error, ")  # of a validator of ours
        text = f"field '{field}': {message}" if field else message
    else:
        text = str(error) or type(error).__name__
    return short(" ".join(text.split()), REASON_LENGTH)
