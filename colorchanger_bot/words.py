"""How values, numbers, times and suggestions are written where people read them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable

from colorchanger_bot.redaction import one_line

SHOWN_CHARACTERS = 60
DEEPEST = 3
"""How many levels of nested lists are shown."""


def nearest(name: str, names: Iterable[str], *, cutoff: float = 0.6) -> str:
    """Return the most similar of the names; empty if the similarity of all is below `cutoff`, from 0 to 1."""
    import difflib  # noqa: PLC0415 - only needed after a mistake

    return next(iter(difflib.get_close_matches(name, names, 1, cutoff)), "")


def did_you_mean(name: str) -> str:
    """Return `did you mean NAME?`; empty for an empty name."""
    return f"did you mean {name}?" if name else ""


def shown(value: object, depth: int = 0) -> str:
    """Return a value as TOML, on one line, shortened."""
    if isinstance(value, list | tuple):
        inner = [shown(each, depth + 1) if depth < DEEPEST else "..." for each in value]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
        spelt = f"[{', '.join(inner)}]"
    elif isinstance(value, dict):
        spelt = "{...}"
    elif isinstance(value, str | bool):
        spelt = json.dumps(value, ensure_ascii=False)
    elif isinstance(value, int):
        spelt = f"{value:#x}" if value.bit_length() > 64 else str(value)  # Python refuses to write very long decimals
    else:
        spelt = str(value)
    return shortened(spelt, SHOWN_CHARACTERS)


def shortened(words: str, most: int) -> str:
    """Return a text on one line, of at most `most` characters."""
    line = one_line(words)
    return line if len(line) <= most else f"{line[: most - 3]}..."


def counted(number: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun: 0 messages, 1 message, 2 messages. `plural`: where it is not noun + s."""
    return f"{number} {noun}" if number == 1 else f"{number} {plural or f'{noun}s'}"


def reason(error: OSError) -> str:
    """Return what the system says; asyncio wraps it in the address that it tried."""
    return os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)


def duration(seconds: float) -> str:
    """Return a time as people say it: 40 s, 12 min, 3 h, 5 d."""
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def seconds_range(low: float, high: float) -> str:
    """Return a range of seconds: 1 to 3 s, or 2 s where both are the same."""
    return f"{low:g} s" if low == high else f"{low:g} to {high:g} s"
