"""Turns pydantic's errors into lines for people: file and line, key, value, and what to write instead."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, NoReturn

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from colorchanger_bot.redaction import MARK
from colorchanger_bot.settings.keys import entries, entry_at, leaf_keys
from colorchanger_bot.settings.raw import ENVIRONMENT_ONLY, Key, RawSettings, is_table
from colorchanger_bot.settings.types import PLACEHOLDER, WRONG, Takes
from colorchanger_bot.words import did_you_mean, nearest, shown

CONFLICTS = "conflicts"
"""The type of the error for values that are valid one by one but conflict; its context lists them."""
NO_KEY = frozenset({"extra_forbidden", "invalid_key"})
LOGIN_WORDS = frozenset({"name", "user", "username", "account"})
"""What people write for the login of an account."""


class Conflict(NamedTuple):
    """A conflict: the key to change, and the words that follow it."""

    key: Key
    words: str


def refuse_conflicts(conflicts: Sequence[Conflict]) -> NoReturn:
    """Report conflicting values from a pydantic validator."""
    said = "; ".join(f"{'.'.join(map(str, key))}{words}" for key, words in conflicts)
    raise PydanticCustomError(CONFLICTS, "{said}", {"said": said, "conflicts": conflicts})


def lines(model: type[BaseModel], error: ValidationError, found: RawSettings, under: Key = ()) -> list[str]:
    """Return a line for each error of a model, in the order of the file; `under` is the table that was validated."""
    placed: list[tuple[int, str]] = []
    for each in error.errors(include_url=False):
        for key, line in _Line(model, each, found, under).all():
            number = None if found.variable(key) else found.line(key)
            placed.append((number or 1_000_000, line))
    return list(dict.fromkeys(line for _, line in sorted(placed, key=lambda each: each[0])))


class _Line:
    """The lines for one error."""

    def __init__(self, model: type[BaseModel], error: ErrorDetails, found: RawSettings, under: Key) -> None:
        self._model = model
        self._error = error
        self._found = found
        self._context: Mapping[str, Any] = error.get("ctx", {})
        key, self._entry = entry_at(model, error["loc"])
        self._key: Key = (*under, *key)
        if error["type"] == "invalid_key":  # a number as key, in a table made in code
            self._key = (*under, *error["loc"][:-1], str(error["loc"][-1]))

    def all(self) -> Iterator[tuple[Key, str]]:
        kind = self._error["type"]
        if kind == CONFLICTS:
            for key, words in self._context["conflicts"]:
                here = (*self._key, *key)
                yield here, f"{self._found.where(here)}{words}"
        elif kind in NO_KEY:
            yield self._key, f"{self._found.where(self._key)} {self._unknown()}"
        elif self._entry is None or self._entry.takes is None:
            yield self._key, self._no_table()
        else:
            yield self._key, self._bad_value(self._entry.takes, kind)

    def _bad_value(self, takes: Takes, kind: str) -> str:
        where, value = self._found.where(self._key), self._error["input"]
        if kind == PLACEHOLDER:
            return f"{where}: {shown(value)} is a placeholder; {self._context['advice']}"
        advice = self._context.get("advice") if kind == WRONG else ""
        return f"{where} = {MARK if takes.is_secret else shown(value)}: {advice or f'write {takes.words}'}"

    def _no_table(self) -> str:
        key, value = self._key, self._error["input"]
        if key[0] == "accounts" and key[-1] != "color":
            advice = "write [[accounts]], with two brackets, above the keys of each account"
        else:
            advice = f"write {_heading(tuple(part for part in key if isinstance(part, str)))} above its keys"
        # A text, or an item of a list, may be a secret that lost its key.
        is_harmless = isinstance(value, int | float) or is_table(value) or not value
        return f"{self._found.where(key)} = {shown(value) if is_harmless else MARK}: {advice}"

    def _unknown(self) -> str:
        *above, last = self._key
        name = str(last)
        if len(above) == 2 and above[0] == "accounts" and name in LOGIN_WORDS:
            return f"is not a known setting: {did_you_mean(self._found.dotted((*above, 'login')))}"
        if homes := self._homes(name):
            *most, final = homes
            return f"belongs under {', '.join(most)}{' or ' if most else ''}{final}: move it there"
        if here := nearest(name, self._siblings()):
            return f"is not a known setting: {did_you_mean(self._found.dotted((*above, here)))}"
        elsewhere = {str(key[-1]): ".".join(map(str, key)) for key, _ in reversed([*leaf_keys(self._model)])}
        if there := nearest(name, elsewhere, cutoff=0.8):
            return f"is not a known setting: {did_you_mean(elsewhere[there])}"
        return "is not a known setting: remove it, or see: colorchanger config example"

    def _homes(self, name: str) -> list[str]:
        """The tables that have a key of this name."""
        tables = [key[:-1] for key, _ in leaf_keys(self._model) if key[-1] == name and not _is_environment_only(key)]
        of_account = [table for table in tables if table[:1] == ("accounts",)]
        if self._key[0] == "accounts" and of_account:
            tables = of_account
        return [_heading(table) for table in tables if table != ("accounts", "color") or tables == of_account]

    def _siblings(self) -> Sequence[str]:
        """The keys of the table that contains an unknown key."""
        above = self._error["loc"][:-1]
        entry = entry_at(self._model, above)[1] if above else None
        section = entry.section if entry else self._model
        return [*entries(section)] if section else []


def _is_environment_only(key: Key) -> bool:
    return key[0] == "accounts" and key[1] in ENVIRONMENT_ONLY


def _heading(table: Key) -> str:
    return "[[accounts]]" if table == ("accounts",) else f"[{'.'.join(map(str, table))}]"
