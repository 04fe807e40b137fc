"""How the value of a key is read: from what TOML, an environment variable or a chatter wrote to what the code uses.

A reader is a function from a raw value to the value meant; it raises `BadValue`. Texts are accepted for everything,
because variables are texts.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, NoReturn

from colorchanger_bot.redaction import one_line

SHOWN_CHARACTERS = 60
SWITCH: Mapping[str, bool] = {
    **dict.fromkeys(("1", "true", "yes", "on"), True),
    **dict.fromkeys(("0", "false", "no", "off"), False),
}
_SPELLINGS = {**SWITCH, "t": True, "y": True, "f": False, "n": False}
DEEPEST = 3
"""Lists in lists beyond this are not shown."""

Reader = Callable[[object], Any]


class Flaw(NamedTuple):
    """What is wrong with a value."""

    value: object
    """The value, or the item of it that is wrong."""
    cure: str = ""
    """What to do instead; empty: what the key takes says it."""
    is_placeholder: bool = False
    """It is the text of an example."""


class BadValue(ValueError):
    """Raised by a reader: a value that a key cannot take."""

    def __init__(self, *flaws: Flaw) -> None:
        super().__init__("a value that cannot be taken")
        self.flaws = flaws


class Kind(NamedTuple):
    """What a key takes: the metadata of an `Annotated` type."""

    read: Reader
    takes: str
    """In words that follow "write"."""
    is_secret: bool = False
    """Its values are never shown."""
    show: Callable[[Any], object] = lambda value: value
    """What to show of a value."""


def refuse(value: object, cure: str = "") -> NoReturn:
    """Raise that this value cannot be taken."""
    raise BadValue(Flaw(value, cure))


def switch(value: object) -> bool:
    """Read true or false."""
    known = _SPELLINGS.get(value.strip().lower()) if isinstance(value, str) else value
    return bool(known) if isinstance(known, bool | int | float) and known in (0, 1) else refuse(value)


def text(value: object) -> str:
    """Read a text."""
    return value if isinstance(value, str) else refuse(value)


def number(value: object, low: float = -math.inf, high: float = math.inf) -> float:
    """Read a finite number from `low` to `high`."""
    if isinstance(value, str | int | float) and not isinstance(value, bool):  # which Python takes for 0 and 1
        try:
            read = float(value)
        except (ValueError, OverflowError):
            refuse(value)
        if math.isfinite(read) and low <= read <= high:
            return read
    refuse(value)


def whole(value: object, low: int, high: int) -> int:
    """Read a whole number from `low` to `high`."""
    read = number(value, low, high)
    return int(read) if read.is_integer() else refuse(value)


def number_from(low: float, high: float) -> Reader:
    """Return a reader of numbers from `low` to `high`."""
    return lambda value: number(value, low, high)


def whole_from(low: int, high: int) -> Reader:
    """Return a reader of whole numbers from `low` to `high`."""
    return lambda value: whole(value, low, high)


def maybe(read: Reader) -> Reader:
    """Return a reader that leaves None as it is."""
    return lambda value: None if value is None else read(value)


def one_of(choices: Sequence[str], case: Callable[[str], str] = str.lower) -> Kind:
    """Return the kind of a name out of a few, written in any case."""

    def read(value: object) -> str:
        name = case(text(value).strip())
        return name if name in choices else refuse(value, did_you_mean(nearest(name, choices, cutoff=0.7)))

    return Kind(read, " or ".join(map(shown, choices)))


def nearest(name: str, names: Iterable[str], *, cutoff: float = 0.6) -> str:
    """Return which of the names was probably meant; empty if none is at least `cutoff` alike, from 0 to 1."""
    import difflib  # noqa: PLC0415 - only who made a mistake waits for it

    return next(iter(difflib.get_close_matches(name, names, 1, cutoff)), "")


def did_you_mean(name: str) -> str:
    """Return the question after that name; empty for an empty one."""
    return f"did you mean {name}?" if name else ""


def items(value: object) -> list[Any]:
    """Return the items of a list, which may also be one text: `a, b` or JSON."""
    if isinstance(value, str):
        if not value.lstrip().startswith("["):
            return [item.strip() for item in value.split(",") if item.strip()]
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            refuse(value, 'this is no list; write a, b or ["a", "b"]')
    return [*value] if isinstance(value, list | tuple) else refuse(value)  # pyright: ignore[reportUnknownVariableType]


def list_of(read: Reader) -> Reader:
    """Return a reader of lists; each item that cannot be read is a flaw of its own."""

    def read_all(value: object) -> tuple[Any, ...]:
        good: list[Any] = []
        flaws: list[Flaw] = []
        for item in items(value):
            try:
                good.append(read(item))
            except BadValue as error:
                flaws += error.flaws
        if flaws:
            raise BadValue(*flaws)
        return tuple(good)

    return read_all


def set_of(read: Reader) -> Reader:
    """Return a reader of lists that keeps of equal items the first."""
    read_all = list_of(read)
    return lambda value: tuple(dict.fromkeys(read_all(value)))


def shown(value: object, depth: int = 0) -> str:
    """Return a value as TOML spells it, on one line, shortened."""
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
    """Return a text on one line, of at most so many characters."""
    line = one_line(words)
    return line if len(line) <= most else f"{line[: most - 3]}..."
