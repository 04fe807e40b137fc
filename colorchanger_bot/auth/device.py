"""Logging an account in with a code on a phone (Twitch's device code flow)."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace

from colorchanger_bot.clock import Clock
from colorchanger_bot.errors import LoginFailed
from colorchanger_bot.store.store import Login, Store, TokenPair
from colorchanger_bot.twitch.oauth import DeviceCode, OAuth, Owner

TRIES = 3
"""Questions to Twitch whose login it is; after that the running bot goes on asking."""
RETRY_SECONDS = 1.0


async def log_in(
    oauth: OAuth,
    store: Store,
    scopes: frozenset[str],
    *,
    clock: Clock,
    show: Callable[[DeviceCode], None],
) -> Login:
    """Ask Twitch for a code, `show` it, wait until a person has entered it, and store the login.

    Raises:
        LoginFailed: the person refused, the code expired, or Twitch does not know the application.
        TwitchUnavailable, OutcomeUnknown: Twitch cannot be reached for a code.
        StoreError: the login could not be stored.
    """
    code = await oauth.start_device_login(scopes)
    show(code)
    pair = await oauth.finish_device_login(code, scopes)
    owner = await _owner(oauth, pair, clock)
    if owner is None:
        # The tokens are good, only their owner's name is missing: they are kept, under a name that Twitch corrects.
        return await store.put_login(f"login_{secrets.token_hex(6)}", oauth.client_id, pair)
    pair = replace(pair, expires_at=owner.expires_at, scopes=owner.scopes)
    return await store.put_login(owner.login, owner.client_id, pair, owner.user_id)


async def _owner(oauth: OAuth, pair: TokenPair, clock: Clock) -> Owner | None:
    for _ in range(TRIES):
        found = await oauth.validate(pair.access)
        if isinstance(found, Owner):
            return found
        if found == "invalid":
            raise LoginFailed("Twitch does not accept the login that it has just granted: run the login again")
        await clock.sleep(RETRY_SECONDS)
    return None
