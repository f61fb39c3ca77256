"""Names of rows and boards: the plug-in with those parameters that matter."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SIZES = frozenset({"events_per_class", "shard_events"})
"""Parameters of a task that say how many events are generated. They make no variant, and mean nothing for files."""


def canonical(value: Any) -> str:
    """JSON with sorted keys: equal settings give equal text."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)


def label(name: str, parameters: Mapping[str, Any], names: Iterable[str]) -> str:
    """`name[a=1,b=x]` with the named parameters, as on the command line."""
    parts = [f"{key}={_plain(parameters[key])}" for key in sorted(names) if key in parameters]
    return f"{name}[{','.join(parts)}]" if parts else name


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else canonical(value)
