"""The words of messages about what plug-ins return: plug-in, method, found, expected."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from benchmark.core.errors import PluginError
from benchmark.core.text import plain

if TYPE_CHECKING:
    from benchmark.core.errors import UserError

VALUE_LENGTH = 200
TEXT_LENGTH = 64
"""Length of the longest name that a plug-in may give to a class, a process or a number."""
NAMES = f"names of at most {TEXT_LENGTH} printable characters"
FILE_NAMES = f"names of at most {TEXT_LENGTH} letters, digits, '_', '+', '-' and '.'"
_FILE_NAME = re.compile(r"\w[\w.+-]*")


def wrong(plugin: str, method: str, found: str, expected: str) -> UserError:
    """The error about a value that a plug-in returned, or gave to an attribute."""
    return PluginError(f"{plugin}: {method} {found}, expected {expected}. Correct this plug-in.")


def kind_of(value: object) -> str:
    """The type of a value, as "a str" or "None"."""
    if value is None:
        return "None"
    name = type(value).__name__[:VALUE_LENGTH]
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"


def shown(value: object) -> str:
    """A value as it is shown in a message: short, and whatever its `__repr__` does."""
    try:
        text = repr(value)[: VALUE_LENGTH + 1]
        return f"{plain(text[:VALUE_LENGTH])}{'...' if len(text) > VALUE_LENGTH else ''}"
    except BaseException:  # in a plug-in
        return kind_of(value)


def is_name(value: object) -> bool:
    """Whether a value may be the name of a class or of a number: see NAMES."""
    return isinstance(value, str) and 0 < len(value) <= TEXT_LENGTH and value.isprintable()


def is_file_name(value: object) -> bool:
    """Whether a value may be part of the name of a file: see FILE_NAMES."""
    return is_name(value) and _FILE_NAME.fullmatch(str(value)) is not None
