"""Logging an account in with a code on a phone (Twitch's device code flow)."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from dataclasses import replace

from colorchanger_bot.auth.tracked_login import hide
from colorchanger_bot.clock import Clock
from colorchanger_bot.errors import ColorChangerError, LoginFailed, NeedsLogin, TokenRefused
from colorchanger_bot.store.store import Login, Store, TokenPair
from colorchanger_bot.twitch.oauth import DeviceCode, OAuth, Owner

logger = logging.getLogger(__name__)

TRIES = 3
"""How often Twitch is asked whose login it is; after that the running bot goes on asking."""
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
        LoginFailed: the person refused, the code expired, or the application cannot log in or cannot renew logins.
        TwitchUnavailable, OutcomeUnknown: Twitch cannot be reached for a code.
        StoreError: the login could not be stored.
    """
    code = await oauth.start_device_login(scopes)
    show(code)
    granted = await oauth.finish_device_login(code, scopes)
    hide(granted)
    pair, is_proven = await proven(oauth, granted)
    owner = await owner_of(oauth, pair, clock)
    if owner is None:
        # The tokens are good, only their owner's name is missing: they are kept, under a name that Twitch corrects.
        login = await store.put_login(f"login_{secrets.token_hex(6)}", oauth.client_id, pair)
    else:
        pair = replace(pair, expires_at=owner.expires_at, scopes=owner.scopes)
        login = await store.put_login(owner.login, owner.client_id, pair, owner.user_id)
    if is_proven:
        return login
    return await store.begin_refresh(login) or login  # the keeper looks before it presents the refresh token again


async def proven(oauth: OAuth, granted: TokenPair) -> tuple[TokenPair, bool]:
    """Renew the login once, and say whether that worked: an application without its secret fails only here.

    Raises:
        LoginFailed: Twitch does not accept the application.
    """
    try:
        pair = await oauth.refresh(granted.refresh)
    except TokenRefused as error:
        await oauth.revoke(granted.access)
        raise LoginFailed(f"the login could not be renewed when it ends, so it is not kept: {error}") from None
    except NeedsLogin as error:  # Twitch has refused good ones for hours: the login works all the same
        logger.warning("the login works, but Twitch refuses to renew it for now: %s", error)
        return granted, False
    except ColorChangerError as error:
        logger.warning("the login works, but whether it can be renewed is not known yet: %s", error)
        return granted, False
    hide(pair)
    return pair if pair.scopes else replace(pair, scopes=granted.scopes), True


async def owner_of(oauth: OAuth, pair: TokenPair, clock: Clock) -> Owner | None:
    """Ask Twitch whose login was just granted; None if it does not tell now.

    Raises:
        LoginFailed: Twitch does not accept the login.
    """
    for _ in range(TRIES):
        found = await oauth.validate(pair.access)
        if isinstance(found, Owner):
            return found
        if found in ("invalid", "application"):
            raise LoginFailed("Twitch does not accept the login that it has just granted: log in again")
        await clock.sleep(RETRY_SECONDS)
    return None
