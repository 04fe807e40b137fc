"""Looks keys up in the models."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from colorchanger_bot.settings.raw import Key
from colorchanger_bot.settings.types import Takes


class Entry(NamedTuple):
    """A key of a table: its type, or the table or list of tables it stands for."""

    field: FieldInfo
    takes: Takes | None = None
    section: type[BaseModel] | None = None
    is_many: bool = False
    """It is a list of tables."""


@cache
def entries(section: type[BaseModel]) -> dict[str, Entry]:
    """Return the keys of a table."""
    return {name: _entry(field) for name, field in section.model_fields.items()}


def leaf_keys(section: type[BaseModel]) -> Iterator[tuple[Key, Entry]]:
    """Yield every key of a table and the tables in it; a list of tables counts as one table."""
    for name, entry in entries(section).items():
        if entry.section:
            yield from (((name, *key), leaf) for key, leaf in leaf_keys(entry.section))
        else:
            yield (name,), entry


def entry_at(section: type[BaseModel], path: Key) -> tuple[Key, Entry | None]:
    """Return the key that a path leads to or into, with its entry; None if there is no such key."""
    entry: Entry | None = None
    table: type[BaseModel] | None = section
    for place, part in enumerate(path):
        if isinstance(part, int) and entry and entry.is_many:
            continue
        if table is None:  # an item of a list
            return path[:place], entry
        entry = entries(table).get(str(part))
        table = entry.section if entry else None
    return path, entry


def _entry(field: FieldInfo) -> Entry:
    takes = next((each for each in field.metadata if isinstance(each, Takes)), None)
    declared: Any = field.annotation
    item: Any = next(iter(get_args(declared)), None)
    if _is_section(declared):
        return Entry(field, section=declared)
    if takes is None and _is_section(item):
        return Entry(field, section=item, is_many=True)
    return Entry(field, takes)


def _is_section(declared: object) -> bool:
    return isinstance(declared, type) and issubclass(declared, BaseModel)
