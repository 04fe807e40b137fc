"""The files of other programs that accounts can be imported from, read forgivingly.

Known are `twitch_colorchanger.conf` of realAbitbol/twitch_colorchanger, what TwitchIO saves (`.tio.tokens.json`, or a
table of `user_id, token, refresh` in SQLite), token pairs as JSON in the spelling of TwitchIO, twurple or Twitch, and
`.env` files.
"""

from __future__ import annotations

import contextlib
import json
import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeGuard

from pydantic import TypeAdapter, ValidationError

from colorchanger_bot import redaction
from colorchanger_bot.errors import ConfigError
from colorchanger_bot.redaction import one_line
from colorchanger_bot.settings import types
from colorchanger_bot.settings.file import decode
from colorchanger_bot.store.store import TokenPair
from colorchanger_bot.words import counted

MOST_BYTES = 5_000_000
MOST_ROWS = 10_000
SHORTEST_SECRET = 16
KNOWN = "twitch_colorchanger.conf, .tio.tokens.json, TwitchIO's SQLite file, a token pair as JSON, and .env"
ACCESS = ("access_token", "accessToken", "token", "oauth_token")
REFRESH = ("refresh_token", "refreshToken", "refresh")
LOGIN = ("username", "login", "user_login", "userName", "user_name")
USER_ID = ("user_id", "userId")
CLIENT_ID, CLIENT_SECRET = ("client_id", "clientId"), ("client_secret", "clientSecret")

_SQLITE = b"SQLite format 3\0"
_ASSIGNMENT = re.compile(r"\s*(?:export\s+)?([A-Za-z_]\w*)\s*=(.*)")
_VARIABLE = re.compile(
    r"(?:(?:TWITCH|BOT|TMI)_)*(USERNAME|LOGIN|NICK|USER_ID|ACCESS_TOKEN|OAUTH_TOKEN|TOKEN|REFRESH_TOKEN|CLIENT_ID|"
    r"CLIENT_SECRET|CHANNELS?|ENABLED|IS_PRIME_OR_TURBO)(?:_(\d{1,4}))?"
)
_SPELLINGS = {"nick": "username", "login": "username", "channel": "channels"}
_OFF = {"false", "no", "off", "0"}
_LOGIN, _ID = (TypeAdapter[Any](each) for each in (types.Login, types.ClientId))


@dataclass(slots=True)
class Candidate:
    """One account of a file."""

    name: str
    """The login, or what else identifies it in the file."""
    login: str = ""
    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    pair: TokenPair = field(default_factory=lambda: TokenPair("", ""))
    channels: tuple[str, ...] = ()
    enabled: bool = True
    turbo: bool = True
    notes: list[str] = field(default_factory=list[str])

    @property
    def has_token(self) -> bool:
        """Whether it comes with an access token or a refresh token."""
        return bool(self.pair.access or self.pair.refresh)


def read(path: Path) -> list[Candidate]:
    """Read the accounts of a file.

    Raises:
        ConfigError: it cannot be read, or is in none of the formats.
    """
    try:
        with path.open("rb") as file:
            start = file.read(len(_SQLITE))
            if start != _SQLITE and path.stat().st_size > MOST_BYTES:
                raise ConfigError([f"{path}: this is far too large for a file of accounts"])
            content = b"" if start == _SQLITE else start + file.read()
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read: {error.strerror}"]) from None
    if start == _SQLITE:
        rows: Iterable[object] = _database_rows(path)
    else:
        text = _decoded(path, content)
        rows = _environment_rows(text) if _is_environment(text) else _json_rows(_parsed(path, text))
    found = [_candidate(row, place) for place, row in enumerate(rows, 1)]
    if not found:
        raise ConfigError([f"{path}: no accounts found in it; known formats: {KNOWN}"])
    return found


# The formats, each as rows of one account


def _decoded(path: Path, content: bytes) -> str:
    try:
        return decode(content)
    except UnicodeDecodeError:
        raise ConfigError([f"{path}: this is not text; known formats: {KNOWN}"]) from None


def _parsed(path: Path, text: str) -> object:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise ConfigError([f"{path}, line {error.lineno}: this is not JSON: {error.msg}"]) from None
    except (ValueError, RecursionError):
        raise ConfigError([f"{path}: this is not JSON that can be read"]) from None


def _json_rows(data: object) -> Iterator[object]:
    """The accounts of a JSON file: a list, one account, or accounts by their user id or name."""
    if isinstance(data, list):
        yield from data  # pyright: ignore[reportUnknownVariableType]
    elif _is_table(data) and isinstance(data.get("users"), list):
        yield from data["users"]
    elif _is_table(data) and (_first(data, ACCESS) or _first(data, REFRESH) or "username" in data):
        yield data
    elif _is_table(data):
        for key, row in data.items():
            if _is_table(row) and (_first(row, ACCESS) or _first(row, REFRESH)):
                yield {("user_id" if key.isdecimal() else "username"): key} | row


def _database_rows(path: Path) -> list[dict[str, Any]]:
    """The rows of each table with the columns that TwitchIO's examples and documentation use."""
    try:
        with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
            database.row_factory = sqlite3.Row
            tables = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            found: list[dict[str, Any]] = []
            for table in tables:
                quoted = '"' + table.replace('"', '""') + '"'
                rows = database.execute(f"SELECT * FROM {quoted} LIMIT {MOST_ROWS}")  # noqa: S608 - quoted above
                columns = {column[0] for column in rows.description}
                if columns & {*ACCESS} and columns & {*REFRESH} and columns & {*USER_ID, *LOGIN}:
                    found += [dict(row) for row in rows]
            return found
    except sqlite3.Error as error:
        raise ConfigError([f"{path}: this database cannot be read: {error}"]) from None


def _is_environment(text: str) -> bool:
    lines = (line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#"))
    first = next(lines, "")
    return _ASSIGNMENT.fullmatch(first) is not None


def _environment_rows(text: str) -> list[dict[str, Any]]:
    """The accounts of a file of variables; those without a number belong to all with one."""
    numbered: dict[str, dict[str, Any]] = {}
    for line in text.splitlines():
        if (assigned := _ASSIGNMENT.fullmatch(line)) and (named := _VARIABLE.fullmatch(assigned[1].upper())):
            key = named[1].lower()
            numbered.setdefault(named[2] or "", {})[_SPELLINGS.get(key, key)] = _unquoted(assigned[2])
    shared = numbered.pop("", {})
    rows = [shared | row for _, row in sorted(numbered.items(), key=lambda item: int(item[0]))] or [shared]
    return [row for row in rows if row.keys() & {"access_token", "oauth_token", "token", "refresh_token", "username"}]


def _unquoted(text: str) -> str:
    text = text.strip()
    if text[:1] in ("'", '"') and (end := text.find(text[0], 1)) > 0:
        return text[1:end]
    return text.partition(" #")[0].strip()


# One account


def _candidate(row: object, place: int) -> Candidate:
    if not _is_table(row):
        return Candidate(f"user {place}", notes=["this is not an account"])
    named, user_id = _first(row, LOGIN), _first(row, USER_ID)
    login = _valid(_LOGIN, named) or ""
    found = Candidate(login or _name(named) or _name(user_id, "user ") or f"user {place}", login)
    if named and not login:
        found.notes.append("this is not a Twitch name")
    _read_channels(found, row.get("channels"))
    found.client_id = _valid(_ID, _first(row, CLIENT_ID)) or ""
    found.client_secret = _valid(_ID, _first(row, CLIENT_SECRET)) or ""
    found.pair = TokenPair(_valid(_ID, _first(row, ACCESS)) or "", _valid(_ID, _first(row, REFRESH)) or "")
    found.enabled = _is_on(row.get("enabled"))
    found.turbo = _is_on(row.get("is_prime_or_turbo"))
    hide(found.pair.access, found.pair.refresh, found.client_secret)
    return found


def _read_channels(found: Candidate, value: object) -> None:
    """Take the channels that can be read; a bad one costs only itself."""
    if isinstance(value, str):
        value = [each for each in re.split(r"[\s,]+", value) if each]
    given = _list(value)
    taken = [_valid(_LOGIN, each.strip().removeprefix("#")) if isinstance(each, str) else None for each in given]
    channels = tuple(dict.fromkeys(each for each in taken if each))
    bad = sum(not each for each in taken) + (value is not None and not isinstance(value, list))
    if bad:
        found.notes.append(f"{counted(bad, 'channel')} could not be read")
    found.channels = () if channels == (found.login,) else channels


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []  # pyright: ignore[reportUnknownVariableType]


def _first(row: Mapping[str, Any], names: Iterable[str]) -> object:
    return next((row[name] for name in names if row.get(name)), None)


def _name(value: object, before: str = "") -> str:
    return f"{before}{one_line(str(value))[:40]}" if isinstance(value, str | int) and value else ""


def _is_on(value: object) -> bool:
    """Whether a flag is on; only a clear no turns it off."""
    if isinstance(value, str):
        return value.strip().lower() not in _OFF
    return not (isinstance(value, int) and value == 0)


def _valid(adapter: TypeAdapter[Any], value: object) -> Any:
    """The value as the settings would take it; None if they would not, as with the text of an example."""
    try:
        return adapter.validate_python(value)
    except ValidationError:
        return None


def _is_table(value: object) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)


def hide(*secrets: str) -> None:
    """Keep these out of the log; a file may say anything, and ordinary words must stay readable."""
    for secret in secrets:
        if len(secret) >= SHORTEST_SECRET:
            redaction.keep_secret(secret)
