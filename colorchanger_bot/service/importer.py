"""Importing accounts from another program or the environment, with tokens, channels and flags.

No token is spent: one that has expired is renewed by the bot.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Literal

from colorchanger_bot.auth.applications import calls_of
from colorchanger_bot.clock import Clock
from colorchanger_bot.errors import LOG_IN
from colorchanger_bot.service.import_formats import Candidate, read
from colorchanger_bot.service.standing import needs_login
from colorchanger_bot.settings.load import Account, Settings
from colorchanger_bot.store.store import Login, Store, TokenPair
from colorchanger_bot.twitch.oauth import APPLICATION_ONLY, Owner, Unknown

logger = logging.getLogger(__name__)

HEX_AGAIN = timedelta(days=1)
"""Hex colours are tried again after a day, as when Twitch refuses one."""
TOKENLESS = "it was imported without a token"
"""Why an account needs a login if only its name, application and channels were imported."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happened to one account of the file."""

    name: str
    taken: bool
    notes: tuple[str, ...] = ()

    def line(self) -> str:
        """Return it in words."""
        return "; ".join([f"{self.name}: {'imported' if self.taken else 'not imported'}", *self.notes])


async def import_file(path: Path, settings: Settings, store: Store, *, clock: Clock) -> list[Outcome]:
    """Import the accounts of a file that are not logged in here already.

    Raises:
        ConfigError: see `read`.
        StoreError: the store cannot be written.
    """
    return [await _import(each, settings, store, clock) for each in read(path)]


async def import_applications(path: Path, settings: Settings, store: Store) -> None:
    """Store the application and channels of accounts in a file that have no token yet, for `login` to use.

    Raises:
        ConfigError, StoreError: see `import_file`.
    """
    for each in read(path):
        if not each.has_token:
            await _note_application(each, settings, store)


async def import_environment(settings: Settings, store: Store) -> dict[int, Account]:
    """Import the tokens that the environment brings, each pair once; return the accounts by number of the login.

    Raises:
        StoreError: they could not be stored.
    """
    given = [account for account in settings.accounts if account.access_token or account.refresh_token]
    if not given:
        return {}
    pairs = [TokenPair(account.access_token.reveal(), account.refresh_token.reveal()) for account in given]
    names = [(account.login, settings.app_for(account).client_id) for account in given]
    logins = await store.import_logins([(*name, pair) for name, pair in zip(names, pairs, strict=True)])
    imported: dict[int, Account] = {}
    for account, login in zip(given, logins, strict=True):
        if login is None:
            logger.warning("%s was logged out: its tokens in the environment are not used again", account.login)
        else:
            imported[login.id] = account
    return imported


async def _import(found: Candidate, settings: Settings, store: Store, clock: Clock) -> Outcome:
    client_id = found.client_id or settings.app.client_id
    if await _is_logged_in(store, found.login):
        return _not(found, "it is already logged in here; to import this one, first run: colorchanger logout")
    if not found.has_token:
        noted = await _note_application(found, settings, store)
        return _not(found, f"there is no token; {LOG_IN}{f' {found.login}' if noted else ''}")
    async with calls_of(settings, store, client_id, clock) as (_, oauth):
        owner = await oauth.validate(found.pair.access) if found.pair.access else "invalid"
    if isinstance(owner, Owner):
        found.name = owner.login
        client_id = owner.client_id or client_id
        if await _is_logged_in(store, owner.login):
            return _not(found, "it is already logged in here")
    elif owner == "application":
        return _not(found, f"{APPLICATION_ONLY}; {LOG_IN}")
    elif not client_id:
        return _not(found, "its application is not known: set app.client_id")
    elif owner == "invalid" and not found.pair.refresh:
        return _not(found, f"its token has expired; {LOG_IN}")
    login = await store.import_login(found.login, client_id, found.pair, found.channels)
    if login is None or login.lost:
        return _not(found, f"these tokens were imported before and are spent; {LOG_IN}")
    return await _settle(found, login, owner, settings, store, clock)


async def _note_application(found: Candidate, settings: Settings, store: Store) -> bool:
    """Keep the application and the channels of an account without a token; say whether there was anything to keep."""
    if not (found.login and found.client_id):
        return False
    if any(login.login == found.login for login in await store.logins()):
        return True
    if found.client_id != settings.app.client_id:
        await store.put_app(found.client_id, found.client_secret)
    login = await store.put_login(found.login, found.client_id, TokenPair("", ""), channels=found.channels)
    await store.lose(login, TOKENLESS)
    return True


async def _settle(
    found: Candidate,
    login: Login,
    owner: Owner | Unknown | Literal["invalid"],
    settings: Settings,
    store: Store,
    clock: Clock,
) -> Outcome:
    """Store what comes with an imported account's tokens, and say what could not be stored."""
    notes = [*found.notes]
    if found.client_secret and login.client_id != settings.app.client_id:
        await store.put_app(login.client_id, found.client_secret)
    if found.channels:
        notes.append(f"channels: {', '.join(found.channels)}")
    if not isinstance(owner, Owner):
        if isinstance(owner, Unknown):
            notes.append(f"the bot finds out whose token it is when it runs ({owner.reason})")
        else:
            notes.append("its token has expired; the bot renews it when it runs")
        if not (found.enabled and found.turbo):
            notes.append("its flags are not imported, because Twitch did not say whose token it is")
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
    if known is not None and (missing := needs_login(known)):
        notes += [missing, LOG_IN]
    return Outcome(found.name, taken=True, notes=tuple(notes))


async def _is_logged_in(store: Store, login: str) -> bool:
    return any(login and each.login == login and not each.lost for each in await store.logins())


def _not(found: Candidate, why: str) -> Outcome:
    return Outcome(found.name, taken=False, notes=(*found.notes, why))
