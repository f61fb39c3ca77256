"""Public data sets by name, with the addresses, sizes and checksums of their files, from catalogue.toml."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark.core.errors import UserError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CATALOGUE = Path(__file__).with_name("catalogue.toml")


@dataclass(frozen=True)
class SourceFile:
    """A file that can be downloaded.

    Attributes
    ----------
    urls : addresses, tried in this order
    record : page from which a person can get it
    size : in bytes, None if unknown
    checksum : "algorithm:hexadecimal digest" as published, None if there is none
    """

    name: str
    urls: tuple[str, ...]
    record: str
    size: int | None = None
    checksum: str | None = None


@dataclass(frozen=True)
class Source:
    """A public data set: files that one task reads from one folder."""

    name: str
    task: str
    summary: str
    licence: str
    record: str
    files: tuple[SourceFile, ...]

    @property
    def size(self) -> int | None:
        """Bytes of all files together; None if one of them is unknown."""
        sizes = [file.size for file in self.files]
        return None if None in sizes else sum(size for size in sizes if size is not None)

    def choose(self, names: Sequence[str]) -> tuple[SourceFile, ...]:
        """The files of these names, all if there are none, in the order of the source. Raises UserError for others."""
        known = {file.name: file for file in self.files}
        for name in names:
            if name not in known:
                raise UserError(f"{self.name}: no file '{name}'. {did_you_mean(name, known)}")
        return tuple(file for file in self.files if not names or file.name in names)


@cache
def sources() -> Mapping[str, Source]:
    """All sources by name, in the order of the catalogue."""
    with CATALOGUE.open("rb") as file:
        return {name: _source(name, fields) for name, fields in tomllib.load(file).items()}


def find(name: str) -> Source:
    """The source of this name. Raises UserError, with the nearest name, if there is none."""
    known = sources()
    if name not in known:
        raise UserError(
            f"unknown source '{name}'. {did_you_mean(name, known)} List: python -m benchmark data fetch list"
        )
    return known[name]


def _source(name: str, fields: Mapping[str, Any]) -> Source:
    shared = {key: value for key, value in fields.items() if key not in ("files", "urls")}
    files = tuple(_file(entry, fields) for entry in fields["files"])
    return Source(name=name, **shared, files=files)


def _file(entry: Mapping[str, Any], fields: Mapping[str, Any]) -> SourceFile:
    urls = (*fields.get("urls", ()), *entry.get("urls", ()))
    return SourceFile(
        name=entry["name"],
        urls=tuple(url.replace("{name}", entry["name"]) for url in urls),
        record=entry.get("record", fields["record"]),
        size=entry.get("size"),
        checksum=entry.get("checksum"),
    )
