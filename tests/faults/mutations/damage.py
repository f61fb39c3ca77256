"""Damage to bytes at random places."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

EDGE = 512
"""Bytes at either end of a file, where headers and footers are; half of all damage is there."""
NUMBERS = (0, 1, 2, 127, 255, 2**15 - 1, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1, 2**40, 2**63 - 1, 2**64 - 1)


def damaged(content: bytes, random: Random) -> bytes:
    """One to four places are flipped, cut, filled, copied, swapped, or hold another integer."""
    for _ in range(random.choice((1, 1, 2, 4))):
        if not content:
            break
        content = random.choice(_DAMAGE)(content, random)
    return content


def _place(content: bytes, random: Random) -> int:
    last = len(content) - 1
    near = min(EDGE, last)
    return random.choice((random.randint(0, last), random.randint(0, near), last - random.randint(0, near)))


def _length(content: bytes, random: Random) -> int:
    return random.choice((1, 4, 16, 64, 1024, max(len(content) // 4, 1)))


def _flip(content: bytes, random: Random) -> bytes:
    at = _place(content, random)
    return content[:at] + bytes([content[at] ^ 1 << random.randint(0, 7)]) + content[at + 1 :]


def _cut(content: bytes, random: Random) -> bytes:
    return content[: _place(content, random)]


def _remove(content: bytes, random: Random) -> bytes:
    at = _place(content, random)
    return content[:at] + content[at + _length(content, random) :]


def _fill(content: bytes, random: Random) -> bytes:
    at, length = _place(content, random), _length(content, random)
    filled = random.choice((b"\0", b"\xff", b"\x80")) * min(length, len(content) - at)
    return content[:at] + filled + content[at + length :]


def _insert(content: bytes, random: Random) -> bytes:
    at = _place(content, random)
    inserted = bytes(random.randint(0, 255) for _ in range(random.choice((1, 3, 8, 40))))
    return content[:at] + inserted + content[at:]


def _copy(content: bytes, random: Random) -> bytes:
    """A block twice, or in another place."""
    source, target, length = _place(content, random), _place(content, random), _length(content, random)
    block = content[source : source + length]
    return content[:target] + block + content[target + random.choice((0, len(block))) :]


def _swap(content: bytes, random: Random) -> bytes:
    first, second = sorted((_place(content, random), _place(content, random)))
    length = min(_length(content, random), second - first)
    a, b = content[first : first + length], content[second : second + length]
    return content[:first] + b + content[first + length : second] + a + content[second + length :]


def _number(content: bytes, random: Random) -> bytes:
    """Another integer in place of one, such as a length."""
    at, order, size = _place(content, random), random.choice(("little", "big")), random.choice((1, 2, 4, 8))
    old = int.from_bytes(content[at : at + size], order)
    new = random.choice((*NUMBERS, old + 1, old - 1, old * 2, len(content))) % 2 ** (8 * size)
    return content[:at] + new.to_bytes(size, order) + content[at + size :]


_DAMAGE = (_flip, _flip, _cut, _remove, _fill, _insert, _copy, _swap, _number, _number)
