"""The types of fields of records, with the bounds that keep a record of a stranger small and printable."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, FiniteFloat

from benchmark.core.bounded_json import check_bounds
from benchmark.core.text import plain_lines, short
from benchmark.metrics.metric import MetricColumn

MOST_CLASSES = 100
MOST_METRICS = 2000
LARGEST = 1e100
"""Numbers of a larger size are refused: sums and squares of those up to it are finite."""
_MOST_ENTRIES = 300
_TEXT = 2000
_LONGEST_TEXT = 20_000
_MOST_COLUMNS = 100
_LONGEST_WORDS = 500

Value = TypeVar("Value")


def printable(text: str) -> str:
    """The text itself. Raises ValueError if it has control characters, which could steer a terminal."""
    if not text.isprintable():
        raise ValueError("expected printable characters alone")
    return text


def cleaned(text: str, most: int) -> str:
    """The text without control characters but line breaks and tabs, cut to `most` characters."""
    return short(text, most, plain_lines)


def in_bounds(number: float) -> bool:
    """Whether a record may have the number; NaN and infinities are not."""
    return abs(number) <= LARGEST


def _number(number: float) -> float:
    if not in_bounds(number):
        raise ValueError(f"a number of {number:g}, expected at most {LARGEST:g} in size")
    return number


def _file_name(text: str) -> str:
    if "/" in text or text.startswith("."):
        raise ValueError("expected a name that can be part of a file's name")
    return printable(text)


def _reason(value: object) -> object:
    return cleaned(value, _TEXT) if isinstance(value, str) else value


def _settings(value: dict[str, Any]) -> dict[str, Any]:
    check_bounds(value)
    return value


def _surroundings(value: object) -> object:
    """The environment with its texts cleaned: a traceback has the words of any library."""
    if isinstance(value, dict):
        value = {k: cleaned(v, _LONGEST_TEXT) if isinstance(v, str) else v for k, v in value.items()}
    check_bounds(value)
    return value


def _columns(columns: tuple[MetricColumn, ...]) -> tuple[MetricColumn, ...]:
    """The columns, if they are few and their texts are short."""
    if len(columns) > _MOST_COLUMNS:
        raise ValueError(f"{len(columns)} columns, expected at most {_MOST_COLUMNS}")
    for text in (text for column in columns for text in vars(column).values() if isinstance(text, str)):
        printable(text)
        if len(text) > _LONGEST_WORDS:
            raise ValueError(f"a text of {len(text):,} characters, expected at most {_LONGEST_WORDS}")
    return columns


Name = Annotated[str, Field(max_length=1000), AfterValidator(printable)]
"""A printable text of one line."""

FileName = Annotated[str, Field(max_length=100), AfterValidator(_file_name)]
"""A name that is part of a file's name, so that a record can name no file elsewhere."""

PluginName = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_file_name)]

Reason = Annotated[str, BeforeValidator(_reason)]
"""Words of a plug-in or library: control characters are escaped, and what is too long is cut."""

Whole = Annotated[int, Field(ge=-(2**63), lt=2**63)]
Count = Annotated[int, Field(ge=0, le=10**15)]

Names = Annotated[tuple[Name, ...], Field(max_length=_MOST_ENTRIES)]
Few = Annotated[dict[Name, Value], Field(max_length=_MOST_ENTRIES)]
"""A dictionary of a few hundred entries at most."""

Counts = Few[Count]
Number = Annotated[FiniteFloat, AfterValidator(_number)]
Numbers = Few[Number]
Classes = Annotated[tuple[Name, ...], Field(max_length=MOST_CLASSES)]

Matrix = Annotated[list[Annotated[list[Count], Field(max_length=MOST_CLASSES)]], Field(max_length=MOST_CLASSES)]

Columns = Annotated[tuple[MetricColumn, ...], AfterValidator(_columns)]

Settings = Annotated[dict[str, Any], AfterValidator(_settings)]
"""The parameters of a plug-in: JSON values."""

Surroundings = Annotated[dict[str, Any], BeforeValidator(_surroundings)]
"""The machine and packages of a run."""
