"""A table of settings: how it is read from raw values, shown, and what is said of it when it is wrong.

A key is a field whose type is `Annotated` with a `Kind`, a section, or a tuple of sections; other fields are no keys.
The types are looked at when a table is read, so modules with sections do without `from __future__ import annotations`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cache
from typing import Any, NamedTuple, Self, TypeGuard, TypeVar, get_args

from colorchanger_bot.errors import ConfigError
from colorchanger_bot.redaction import MARK
from colorchanger_bot.settings.kinds import BadValue, Kind, did_you_mean, nearest, shown
from colorchanger_bot.settings.sources import Found, Key, is_list, is_table


@dataclass(frozen=True, slots=True)
class Section:
    """A table of settings; made by `of`, or by hand with values that are right already: the constructor checks none."""

    @classmethod
    def of(cls, table: Mapping[str, Any]) -> Self:
        """Return the settings of a table with the keys of the file.

        Raises:
            ConfigError: something is wrong; it lists all that is.
        """
        wrong: list[str] = []
        settings = read(cls, dict(table), Found(), wrong)
        if wrong:
            raise ConfigError(wrong)
        return settings

    @classmethod
    def with_keys(cls, values: Mapping[str, Any]) -> Self:
        """Return a section of values that have been read."""
        return cls(**values)


S = TypeVar("S", bound=Section)


class Entry(NamedTuple):
    """A key of a section: what it takes, or the table that it is."""

    kind: Kind | None = None
    section: type[Section] | None = None
    is_many: bool = False
    """It is a list of tables."""


@cache
def entries(section: type[Section]) -> Mapping[str, Entry]:
    """Return the keys of a section."""
    found: dict[str, Entry] = {}
    for each in fields(section):
        declared: Any = each.type
        metadata: tuple[object, ...] = getattr(declared, "__metadata__", ())
        kind = next((kind for kind in metadata if isinstance(kind, Kind)), None)
        item: object = next(iter(get_args(declared)), None)
        if kind:
            found[each.name] = Entry(kind)
        elif _is_section(declared):
            found[each.name] = Entry(section=declared)
        elif _is_section(item):
            found[each.name] = Entry(section=item, is_many=True)
    return found


def leaf_keys(section: type[Section]) -> Iterator[tuple[Key, Kind]]:
    """Yield every key of a section and its tables with what it takes; a list of tables counts as one table."""
    for name, entry in entries(section).items():
        if entry.section:
            yield from (((name, *key), kind) for key, kind in leaf_keys(entry.section))
        elif entry.kind:
            yield (name,), entry.kind


def masked(section: Section) -> dict[str, Any]:
    """Return a section as JSON values to show: secrets as `***`."""
    values: dict[str, Any] = {}
    for name, entry in entries(type(section)).items():
        value: Any = getattr(section, name)
        if entry.kind:
            value = entry.kind.show(value)
            values[name] = list(value) if isinstance(value, tuple) else value  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
        else:
            values[name] = [masked(each) for each in value] if entry.is_many else masked(value)
    return values


def read(section: type[S], table: object, found: Found, wrong: list[str], under: Key = ()) -> S:
    """Return what is good of a raw table, and add a line to `wrong` for all else; `under` is where the table stands."""
    return _Reader(section, found, wrong).table(section, table, under)


class _Reader:
    def __init__(self, root: type[Section], found: Found, wrong: list[str]) -> None:
        self._root = root
        self._found = found
        self._wrong = wrong

    def table(self, section: type[S], table: object, key: Key) -> S:
        if not is_table(table):
            self._no_table(table, key)
            return section()
        known = entries(section)
        values: dict[str, Any] = {}
        for name, value in ((str(name), value) for name, value in table.items()):
            here = (*key, name)
            if (entry := known.get(name)) is None:
                self._wrong.append(f"{self._found.where(here)} is no setting I know: {self._meant(here, known)}")
            elif entry.kind:
                self._value(values, entry.kind, value, here)
            elif entry.section and entry.is_many:
                values[name] = tuple(self._tables(entry.section, value, here))
            elif entry.section:
                values[name] = self.table(entry.section, value, here)
        return section.with_keys(values)

    def _tables(self, section: type[S], tables: object, key: Key) -> Iterator[S]:
        if is_list(tables):
            yield from (self.table(section, table, (*key, place)) for place, table in enumerate(tables))
        else:
            self._no_table(tables, key)

    def _value(self, values: dict[str, Any], kind: Kind, value: object, key: Key) -> None:
        try:
            values[str(key[-1])] = kind.read(value)
        except BadValue as error:
            where = self._found.where(key)
            for bad, cure, is_placeholder in error.flaws:
                if is_placeholder:
                    line = f"{where}: {shown(bad)} is a placeholder; {cure}"
                else:
                    line = f"{where} = {MARK if kind.is_secret else shown(bad)}: {cure or f'write {kind.takes}'}"
                self._wrong.append(line)

    def _no_table(self, value: object, key: Key) -> None:
        if key[0] == "accounts" and key[-1] != "color":
            cure = "write [[accounts]], with two brackets, above the keys of each account"
        else:
            cure = f"write [{'.'.join(part for part in key if isinstance(part, str))}] above its keys"
        # A text may be a secret that lost its key, and so may what is in a list.
        is_harmless = isinstance(value, int | float) or is_table(value) or not value
        self._wrong.append(f"{self._found.where(key)} = {shown(value) if is_harmless else MARK}: {cure}")

    def _meant(self, key: Key, known: Mapping[str, Entry]) -> str:
        name = str(key[-1])
        if here := nearest(name, known):
            return did_you_mean(self._found.dotted((*key[:-1], here)))
        elsewhere = {str(each[-1]): ".".join(map(str, each)) for each, _ in reversed([*leaf_keys(self._root)])}
        if there := nearest(name, elsewhere, cutoff=0.8):
            return did_you_mean(elsewhere[there])
        return "remove it, or see: colorchanger config example"


def _is_section(declared: object) -> TypeGuard[type[Section]]:
    return isinstance(declared, type) and issubclass(declared, Section)
