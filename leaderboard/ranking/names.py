"""Names of rows and boards: the plug-in with those parameters that matter."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from benchmark.records.result import PluginOrigin

SIZES = frozenset({"events_per_class", "shard_events"})
"""Parameters of a task that say how many events are generated. They make no variant, and mean nothing for files."""


def canonical(value: Any) -> str:
    """JSON with sorted keys: equal settings give equal text."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)


def label(name: str, parameters: Mapping[str, Any], names: Iterable[str], origin: PluginOrigin | None = None) -> str:
    """`name[a=1,b=x] (mine.py 1a2b3c4d)` with the named parameters, and with the origin unless it is built in."""
    parts = [f"{key}={_plain(parameters[key])}" for key in sorted(names) if key in parameters]
    return sourced(f"{name}[{','.join(parts)}]" if parts else name, origin)


def sourced(name: str, origin: PluginOrigin | None) -> str:
    """`name (mine.py 1a2b3c4d)`, or the name alone of what is built in."""
    return name if origin is None else f"{name} ({origin})"


def source_of(origin: PluginOrigin | None) -> str:
    """What distinguishes sources of one name: the hash of a file, or the name of a package; empty for built-in ones."""
    return "" if origin is None else origin.sha256 or origin.name


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else canonical(value)
