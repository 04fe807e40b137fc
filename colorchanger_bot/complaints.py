"""What is wrong with settings, in words for the person who wrote them: pydantic's findings as one plain line each."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator
from typing import Literal, get_args, get_origin

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic.fields import FieldInfo

from colorchanger_bot.redaction import MARK, one_line
from colorchanger_bot.sources import Found, Key

SHOWN_CHARACTERS = 60


class PlaceholderError(ValueError):
    """Raised when a value is the text of an example; its message is the cure."""


def leaf_keys(model: type[BaseModel]) -> Iterator[tuple[Key, FieldInfo]]:
    """Yield every key of a model with its field; the accounts count as one table."""
    for name, field in model.model_fields.items():
        if section := _table(field):
            yield from (((name, *key), each) for key, each in leaf_keys(section))
        else:
            yield (name,), field


def complaints(error: ValidationError, model: type[BaseModel], found: Found, under: Key = ()) -> Iterator[str]:
    """Yield a line for each problem; `under` is the table that the model was validated for, if not the whole."""
    for detail in error.errors(include_url=False):
        place, field, table = _locate(model, detail["loc"])
        key = (*under, *place)
        where, value = found.where(key), detail["input"]
        cause = detail.get("ctx", {}).get("error")
        if detail["type"] == "extra_forbidden":
            line = f"{where} is no setting I know: {_did_you_mean(key, table, model, found)}"
        elif isinstance(cause, PlaceholderError):
            line = f"{where}: {shown(value)} is a placeholder; {cause}"
        elif field is None:
            line = f"{where} = {shown(value)}: {_as_table(key)}"
        else:
            value = MARK if is_secret(field) else shown(value)
            line = f"{where} = {value}: {cause or _cure(field, detail['input'])}"
        yield line


def shown(value: object) -> str:
    """Return a value as TOML spells it, on one line, shortened."""
    if isinstance(value, list | tuple):
        text = f"[{', '.join(map(shown, value))}]"  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    elif isinstance(value, dict):
        text = "{...}"
    elif isinstance(value, str | bool):
        text = json.dumps(value, ensure_ascii=False)
    elif isinstance(value, int):
        text = f"{value:#x}" if value.bit_length() > 64 else str(value)  # Python refuses to write very long decimals
    else:
        text = str(value)
    text = one_line(text)
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[: SHOWN_CHARACTERS - 3]}..."


def is_secret(field: FieldInfo) -> bool:
    """Whether the values of this key are not for showing."""
    return field.annotation is SecretStr or not field.repr


def _table(field: FieldInfo) -> type[BaseModel] | None:
    """The model of a field that is a section, or of the entries of one that is a list of tables."""
    for kind in (field.annotation, *get_args(field.annotation)):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind
    return None


def _locate(model: type[BaseModel], place: tuple[str | int, ...]) -> tuple[Key, FieldInfo | None, type[BaseModel]]:
    """Return the key that an error is about, its field unless it is a table or unknown, and the table it stands in."""
    table: type[BaseModel] = model
    key: Key = ()
    for part in place:
        key = (*key, part)
        if isinstance(part, int):
            continue
        field = table.model_fields.get(part)
        section = _table(field) if field else None
        if section is None:
            return key, field, table
        table = section
    return key, None, table


def _as_table(key: Key) -> str:
    if key[0] == "accounts" and key[-1] != "color":
        return "write [[accounts]], with two brackets, above the keys of each account"
    return f"write [{'.'.join(part for part in key if isinstance(part, str))}] above its keys"


def _did_you_mean(key: Key, table: type[BaseModel], model: type[BaseModel], found: Found) -> str:
    name = str(key[-1])
    if close := difflib.get_close_matches(name, table.model_fields, 1):
        return f"did you mean {found.dotted((*key[:-1], close[0]))}?"
    elsewhere = {str(each[-1]): each for each, _ in reversed([*leaf_keys(model)])}
    if close := difflib.get_close_matches(name, elsewhere, 1, cutoff=0.8):
        return f"did you mean {'.'.join(map(str, elsewhere[close[0]]))}?"
    return "remove it, or see: colorchanger config example"


def _cure(field: FieldInfo, value: object) -> str:
    choices = [str(choice) for choice in get_args(field.annotation)] if get_origin(field.annotation) is Literal else []
    close = difflib.get_close_matches(value, choices, 1) if isinstance(value, str) else []
    if close:
        return f"did you mean {close[0]}?"
    return f"write {field.description or ' or '.join(map(shown, choices))}"
