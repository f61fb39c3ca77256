"""Other JSON, tables of text, and words."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from random import Random


_DEEP = "a value 900 levels deep"
VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 3.5, 2**31, 2**63, -(2**63) - 1, 10**400, 1e308, -0.0, float("nan"), float("inf")),
    *("", "a", "0", "nan", "../../../etc/passwd", "/dev/zero", "a\nb", "\x1b[31m\x07", "\0", "\ud800", "é" * 300),
    *("x" * 10_000, "<script>", [], {}, [None], [[]], {"": None}, ["a"] * 2000, list(range(2000)), _DEEP),
)


def json_changed(content: bytes, random: Random) -> bytes:
    """One to three values of a JSON document are of another type or size, missing, renamed or repeated."""
    document = json.loads(content)
    for _ in range(random.choice((1, 1, 2, 3))):
        document = _json_node(document, random)
    return json.dumps(document).replace(json.dumps(_DEEP), "[" * 900 + "]" * 900).encode()


def _json_node(document: Any, random: Random) -> Any:
    """Go down to a random place of the document, and change it there."""
    if not isinstance(document, dict | list) or not document or random.randint(0, 4) == 0:
        return random.choice(VALUES)
    keys = list(document) if isinstance(document, dict) else list(range(len(document)))
    key = random.choice(keys)
    action = random.choice(("in", "in", "in", "in", "delete", "add", "copy"))
    changed: Any = document.copy()
    if action == "in":
        changed[key] = _json_node(document[key], random)
    elif action == "delete":
        del changed[key]
    elif isinstance(document, list):
        changed.append(random.choice(VALUES) if action == "add" else document[key])
    else:
        changed[random.choice(("", "a", "é", str(key) * 3, "__class__"))] = document[key]
    return changed


CELLS = (
    "nan",
    "inf",
    "-inf",
    "1e999",
    "-1",
    "9" * 400,
    "",
    "a",
    "\0",
    '"',
    "é",
    "0x1f",
    "1_000",
    " ",
    "True",
    "1;2",
    "'",
)


def csv_changed(content: bytes, random: Random) -> bytes:
    """Cells, lines, names or the encoding of a table are others."""
    lines = [line.split(",") for line in content.decode().splitlines()]
    for _ in range(random.choice((1, 1, 2, 5))):
        row = lines[random.choice((0, random.randint(0, len(lines) - 1)))]
        place = random.randint(0, max(len(row) - 1, 0))
        action = random.choice(("cell", "cell", "delete", "add", "line", "column", "copy"))
        if action == "cell":
            row[place : place + 1] = [random.choice(CELLS)]
        elif action == "delete":
            del row[place : place + 1]
        elif action == "add":
            row[place:place] = [random.choice(CELLS)] * random.choice((1, 1, 3, 1000))
        elif action == "line":
            lines.insert(random.randint(0, len(lines)), [random.choice(CELLS)])
        elif action == "copy":
            lines.append(list(row))
        else:
            value = random.choice(CELLS)
            for other in lines[1:]:
                other[place : place + 1] = [value]
    text = random.choice(("\n", "\n", "\n", "\r\n", "\r")).join(
        random.choice((",", ",", ",", ";", "\t")).join(row) for row in lines
    )
    return text.encode(random.choice(("utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16", "latin-1")))


WORDS = (
    "[",
    "]",
    "[[",
    "=",
    ",",
    ":",
    "/",
    "..",
    "\0",
    "\n",
    "é",
    "-1",
    "1e400",
    "nan",
    "None",
    "'",
    '"',
    "a" * 5000,
    "9" * 5000,
)


def text_changed(content: bytes, random: Random) -> bytes:
    """Words are inserted, repeated or removed."""
    text = content.decode()
    for _ in range(random.choice((1, 1, 2, 4))):
        at, length = random.randint(0, len(text)), random.choice((0, 0, 1, 5))
        text = text[:at] + random.choice((*WORDS, text)) + text[at + length :]
    return text.encode()
