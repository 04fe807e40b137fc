"""Moving in from another program: its accounts, with tokens, channels and flags.

Two formats are known: `twitch_colorchanger.conf` of realAbitbol/twitch_colorchanger (JSON with `users`), and the
`.tio.tokens.json` that TwitchIO saves. Nothing is spent on the way: a token that has ended is renewed by the bot.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal, TypeGuard

from pydantic import TypeAdapter, ValidationError

from colorchanger_bot import redaction
from colorchanger_bot.auth.applications import calls_of
from colorchanger_bot.auth.scopes import missing_permission
from colorchanger_bot.clock import Clock
from colorchanger_bot.errors import ConfigError
from colorchanger_bot.redaction import one_line
from colorchanger_bot.settings import types
from colorchanger_bot.settings.load import Settings
from colorchanger_bot.store.store import Login, Store, TokenPair
from colorchanger_bot.twitch.oauth import APPLICATION_TOKEN, Owner, Unknown

HEX_AGAIN = timedelta(days=1)
"""An account without Turbo and Prime is tried again after a day, as when we had found it out ourselves."""
MOST_BYTES = 5_000_000
SHORTEST_SECRET = 16
_LOGIN, _CHANNELS, _ID = (TypeAdapter[Any](each) for each in (types.Login, types.Channels, types.ClientId))


@dataclass(slots=True)
class Candidate:
    """One account of the file."""

    name: str
    """The login, or what else it goes by there."""
    login: str = ""
    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    pair: TokenPair = field(default_factory=lambda: TokenPair("", ""))
    channels: tuple[str, ...] = ()
    enabled: bool = True
    turbo: bool = True
    notes: list[str] = field(default_factory=list[str])


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one account of the file."""

    name: str
    taken: bool
    notes: tuple[str, ...] = ()

    def line(self) -> str:
        """Return it in words."""
        return "; ".join([f"{self.name}: {'taken' if self.taken else 'not taken'}", *self.notes])


def read(path: Path) -> list[Candidate]:
    """Read the accounts of a file.

    Raises:
        ConfigError: it cannot be read, or is in neither format.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ConfigError([f"{path}: this is far too large for a file of accounts"])
        data: object = json.loads(path.read_bytes())
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read: {error.strerror}"]) from None
    except (ValueError, RecursionError):
        raise ConfigError([f"{path}: this is not JSON"]) from None
    found = [*_candidates(data)]
    if not found:
        raise ConfigError(
            [f"{path}: there are no accounts in it; known are twitch_colorchanger.conf and .tio.tokens.json"]
        )
    return found


async def import_file(path: Path, settings: Settings, store: Store, *, clock: Clock) -> list[Outcome]:
    """Take over the accounts of a file that are not logged in here already.

    Raises:
        ConfigError: see `read`.
        StoreError: the store cannot be written.
    """
    return [await _take(each, settings, store, clock) for each in read(path)]


# Reading


def _candidates(data: object) -> Iterator[Candidate]:
    users: Any = data.get("users") if _is_table(data) else data
    if _is_table(data) and "username" in data:
        users = [data]
    if isinstance(users, list):
        rows: list[object] = users  # pyright: ignore[reportUnknownVariableType]
        yield from (_of_user(row, place) for place, row in enumerate(rows, 1))
    elif _is_table(data):
        for user_id, row in data.items():
            if _is_table(row) and "token" in row:
                yield _of_twitchio(user_id, row)


def _of_user(row: object, place: int) -> Candidate:
    if not _is_table(row):
        return Candidate(f"user {place}", notes=["this is no account"])
    login = _valid(_LOGIN, row.get("username")) or ""
    named = row.get("username")
    found = Candidate(login or (one_line(named)[:40] if isinstance(named, str) and named else f"user {place}"), login)
    if not login:
        found.notes.append("this is no Twitch name")
    channels = _valid(_CHANNELS, row.get("channels") or [])
    if channels is None:
        found.notes.append("its channels are not readable and were left out")
    found.channels = tuple(each for each in channels or () if each) if channels != (login,) else ()
    found.client_id = _valid(_ID, row.get("client_id")) or ""
    found.client_secret = _valid(_ID, row.get("client_secret")) or ""
    found.pair = _pair(row.get("access_token"), row.get("refresh_token"))
    found.enabled = row.get("enabled") is not False
    found.turbo = row.get("is_prime_or_turbo") is not False
    return found


def _of_twitchio(user_id: str, row: dict[str, Any]) -> Candidate:
    return Candidate(f"user {one_line(user_id)[:20]}", pair=_pair(row.get("token"), row.get("refresh")))


def _pair(access: object, refresh: object) -> TokenPair:
    pair = TokenPair(_valid(_ID, access) or "", _valid(_ID, refresh) or "")
    _hide(pair.access, pair.refresh)
    return pair


def _hide(*secrets: str) -> None:
    """Keep these out of the log; a file may say anything, and ordinary words must stay readable."""
    for secret in secrets:
        if len(secret) >= SHORTEST_SECRET:
            redaction.keep_secret(secret)


def _valid(adapter: TypeAdapter[Any], value: object) -> Any:
    """The value as the settings would take it; None if they would not, as with the text of an example."""
    try:
        return adapter.validate_python(value)
    except ValidationError:
        return None


def _is_table(value: object) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)


# Taking


async def _take(found: Candidate, settings: Settings, store: Store, clock: Clock) -> Outcome:
    _hide(found.client_secret)
    if not (found.pair.access or found.pair.refresh):
        return _not(found, "there is no token; run: colorchanger login")
    client_id = found.client_id or settings.app.client_id
    if await _is_logged_in(store, found.login):
        return _not(found, "it is logged in here already; to take this one, first run: colorchanger logout")
    async with calls_of(settings, store, client_id, clock) as (_, oauth):
        owner = await oauth.validate(found.pair.access) if found.pair.access else "invalid"
    if isinstance(owner, Owner):
        found.name = owner.login
        client_id = owner.client_id or client_id
        if await _is_logged_in(store, owner.login):
            return _not(found, "it is logged in here already")
    elif owner == "application":
        return _not(found, APPLICATION_TOKEN)
    elif not client_id:
        return _not(found, "nobody knows of which application its token is: set app.client_id")
    elif owner == "invalid" and not found.pair.refresh:
        return _not(found, "its token has ended; run: colorchanger login")
    login = await store.import_login(found.login, client_id, found.pair, found.channels)
    if login is None or login.lost:
        return _not(found, "these tokens were taken before, and are used up; run: colorchanger login")
    return await _settle(found, login, owner, settings, store, clock)


async def _settle(
    found: Candidate,
    login: Login,
    owner: Owner | Unknown | Literal["invalid"],
    settings: Settings,
    store: Store,
    clock: Clock,
) -> Outcome:
    """Keep what comes with the tokens of an account that was taken, and say what could not be."""
    notes = [*found.notes]
    if found.client_secret and login.client_id != settings.app.client_id:
        await store.put_app(login.client_id, found.client_secret)
    if found.channels:
        notes.append(f"channels: {', '.join(found.channels)}")
    if not isinstance(owner, Owner):
        if isinstance(owner, Unknown):
            notes.append(f"whose token it is, the bot finds out when it runs ({owner.reason})")
        else:
            notes.append("its token has ended; the bot renews it when it runs")
        if not (found.enabled and found.turbo):
            notes.append("that its colours are off, or only names, is not taken over: Twitch did not say whose it is")
        return Outcome(found.name, taken=True, notes=tuple(notes))
    pair = replace(login.pair, expires_at=owner.expires_at, scopes=owner.scopes)
    known = await store.identify(login, user_id=owner.user_id, name=owner.login, client_id=login.client_id, pair=pair)
    remembered = await store.recall(owner.user_id)
    if not found.enabled:
        remembered.overrides["enabled"] = False
        notes.append("its colours are switched off, as they were")
    if not found.turbo:
        remembered.no_hex_until = (clock.now() + HEX_AGAIN).timestamp()
        notes.append("neither Turbo nor Prime: only names")
    if not (found.enabled and found.turbo):
        await store.remember(owner.user_id, remembered)
    if known is not None and missing_permission(known):
        notes.append(missing_permission(known))
    return Outcome(found.name, taken=True, notes=tuple(notes))


async def _is_logged_in(store: Store, login: str) -> bool:
    return any(login and each.login == login and not each.lost for each in await store.logins())


def _not(found: Candidate, why: str) -> Outcome:
    return Outcome(found.name, taken=False, notes=(*found.notes, why))
