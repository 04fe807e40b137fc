"""Finds and reads the settings file: its text, its values, and the line of each."""

from __future__ import annotations

import codecs
import errno
import os
import re
from collections.abc import Iterator
from pathlib import Path

import platformdirs

from colorchanger_bot.redaction import one_line
from colorchanger_bot.settings.raw import ENVIRONMENT_ONLY, Key, RawSettings, is_table

FILE_NAME = "config.toml"
MOST_BYTES = 16 << 20
NULLS = "it has null characters, as UTF-16 without a byte order mark does"

_QUOTES = 'a line is key = value, and texts stand in quotes: key = "text"'
_TWICE = "it stands there twice; remove one of them"
_SWITCH = "write true or false, in small letters and without quotes"
_STRAIGHT = 'write straight quotes: key = "text"'
_BACKSLASH = (
    'a "\\" in double quotes begins a special character; write the text in single quotes, such as '
    "'C:\\colors', or double each \"\\\""
)
_NAME = r"""(?:[\w-]+|"[^"\n]*"|'[^'\n]*')"""
_DOTTED = rf"{_NAME}(?:[ \t]*\.[ \t]*{_NAME})*"
_TABLE = re.compile(rf"\s*(\[\[?)\s*({_DOTTED})\s*\]\]?\s*(?:#.*)?")
_VALUE = re.compile(rf"\s*({_DOTTED})\s*=")


def places(named: str | Path | None, cwd: Path, config_dir: Path | None) -> list[tuple[Path, str]]:
    """Return where the settings file may be, with its name in messages; the first one that exists counts.

    It is the named one, else that of the working directory, else that of the user's directory.
    """
    if named:
        return [(cwd / Path(named).expanduser(), str(named))]
    here = [(cwd / FILE_NAME, FILE_NAME)]
    try:
        home = (config_dir or platformdirs.user_config_path("colorchanger", appauthor=False)) / FILE_NAME
    except RuntimeError:  # no HOME, and a user id without a name, as in some containers
        return here
    return [*here, (home, str(home))]


def find_file(named: str | Path | None, cwd: Path, config_dir: Path | None) -> tuple[Path | None, str]:
    """Return the settings file and its name in messages; see `places`. A named one need not exist."""
    return next((place for place in places(named, cwd, config_dir) if named or place[0].exists()), (None, ""))


def decode(content: bytes) -> str:
    """Return the text of a file that a person wrote: UTF-8, or UTF-16 with a byte order mark as Windows makes it.

    Raises:
        UnicodeDecodeError: it is neither; null characters are its reason `NULLS`.
    """
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16")
    if b"\0" in content:  # valid UTF-8, but in no text that a person wrote
        raise UnicodeDecodeError("utf-8", content, content.index(0), content.index(0) + 1, NULLS)
    return content.decode("utf-8-sig")


def read_text(path: Path) -> str:
    """Return the text of a file that a person wrote; see `decode`.

    Raises:
        OSError: it cannot be read, or is far too large.
        UnicodeDecodeError: see `decode`.
    """
    with path.open("rb") as file:
        content = file.read(MOST_BYTES + 1)  # a device such as /dev/zero never ends
    if len(content) > MOST_BYTES:
        raise OSError(errno.EFBIG, f"it is larger than {MOST_BYTES >> 20} MB")
    return decode(content)


def read_file(path: Path, label: str) -> RawSettings:
    """Read a settings file; its mistakes are in `problems`."""
    found = RawSettings(file=path, label=label)
    try:
        text = read_text(path)
    except FileNotFoundError:
        found.problems.append(f"{one_line(label)}: there is no such file; make one with: colorchanger config init")
    except UnicodeDecodeError as error:
        why = error.reason if error.reason == NULLS else f"byte {error.start + 1} is not UTF-8"
        found.problems.append(f"{label}: {why}; save the file as UTF-8")
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        why = "it is a directory" if os.path.isdir(path) else getattr(error, "strerror", None) or error
        found.problems.append(f"{one_line(label)}: cannot be read ({why}); name a text file that this user may read")
    else:
        _parse(text, found)
    return found


def _parse(text: str, found: RawSettings) -> None:
    import tomllib  # noqa: PLC0415 - a container has no file

    try:
        found.tree = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        found.problems.append(_broken(found.label, text, str(error)))
        return
    found.lines = dict(reversed([*_lines(text)]))  # the first of two equal keys counts
    _refuse_tokens(found)


def _broken(label: str, text: str, error: str) -> str:
    advice = _TWICE if re.match(r"Cannot (overwrite|declare|mutate)", error) else _QUOTES
    if place := re.search(r"\s*\(at (line (\d+), column \d+|end of document)\)$", error):
        label, error = f"{label}, {place[1]}", error[: place.start()]
        line = text.split("\n")[int(place[2]) - 1] if place[2] else ""
        if re.search(r'"[^"]*\\', line):
            advice = _BACKSLASH
        elif re.search("[\u2018-\u201f\u00ab\u00bb]", line):
            advice = _STRAIGHT
        elif re.search(r"=\s*(true|false|yes|no|on|off)\s*(#.*)?$", line, re.IGNORECASE):
            advice = _SWITCH
    return f"{label}: this is not TOML ({one_line(error)}); {advice}"


def _lines(text: str) -> Iterator[tuple[Key, int]]:
    """Yield each table and key of a valid TOML text with its line.

    tomllib does not report lines. A text or list over several lines may contain something that looks like a key; at
    worst, a line number is wrong.
    """
    table: Key = ()
    accounts = -1
    for number, line in enumerate(text.split("\n"), 1):
        if found := _TABLE.fullmatch(line):
            table = _parts(found[2])
            if table == ("accounts",) and found[1] == "[[":
                accounts += 1
            if table[0] == "accounts":
                table = ("accounts", max(accounts, 0), *table[1:])
            yield table, number
        elif found := _VALUE.match(line):
            yield (*table, *_parts(found[1])), number


def _parts(dotted: str) -> Key:
    return tuple(part.strip("\"'") for part in re.findall(_NAME, dotted))


def _refuse_tokens(found: RawSettings) -> None:
    """Refuse tokens in the file: people show each other their files."""
    for index, account in enumerate(found.accounts):
        for key, variable in ENVIRONMENT_ONLY.items() if is_table(account) else ():
            if account.pop(key, None) is not None:
                found.problems.append(
                    f"{found.where(('accounts', index, key))} does not belong in this file; "
                    f"remove it and run: colorchanger login (or set {variable}_1)"
                )
