"""Logging an account out: its colour is put back, its tokens end, and it is forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import aiohttp

from colorchanger_bot import redaction
from colorchanger_bot.auth.applications import calls_of
from colorchanger_bot.auth.tracked_login import hide
from colorchanger_bot.clock import Clock
from colorchanger_bot.color import Color
from colorchanger_bot.errors import ColorChangerError, ConfigError, StoreLocked, UnknownColor
from colorchanger_bot.service.standing import own_accounts, reports_of_bot
from colorchanger_bot.settings.load import Settings
from colorchanger_bot.store.store import Login, Store, locked
from colorchanger_bot.twitch.helix import Helix
from colorchanger_bot.twitch.oauth import OAuth, Owner
from colorchanger_bot.words import counted

NOTICE_SECONDS = 15.0
"""A running bot checks the store and beats every 5 s: by then it has noticed, or it hangs."""
AT_ONCE = 10
"""How many members are logged out at the same time."""
CONNECTIONS_PAGE = "https://www.twitch.tv/settings/connections"


async def log_out(settings: Settings, store: Store, name: str, *, clock: Clock, say: Callable[[str], None]) -> bool:
    """Log an account out; return whether Twitch confirmed that its tokens ended.

    Raises:
        ConfigError: no such account is logged in.
        StoreError: the store cannot be written.
    """
    known = await store.logins()
    login = next((each for each in known if each.login == name.lower()), None)
    if login is None:
        if renamed := next((each.login for each in known if name.lower() in each.earlier), ""):
            raise ConfigError([f"{name} is called {renamed} now; run: colorchanger logout {renamed}"])
        own = own_accounts(known)  # of members there may be thousands
        others = f"these are: {', '.join(each.login for each in own)}" if own else "nobody is"
        raise ConfigError([f"{name} is not logged in; {others}"])
    hide(login.pair)
    remembered = await store.recall(login.user_id or "")
    async with calls_of(settings, store, login.client_id, clock) as (session, oauth):
        token = await _forget(settings, store, login, oauth, clock, say)
        if remembered.original and login.user_id:
            await _restore(settings, session, login, token, remembered.original, say)
        if not token or await oauth.revoke(token):
            say(f"{login.login} is logged out")
            return True
    say(f"{login.login} is forgotten here, but Twitch could not be told: remove it at {CONNECTIONS_PAGE}")
    return False


async def log_out_members(settings: Settings, store: Store, *, clock: Clock, say: Callable[[str], None]) -> bool:
    """Forget every member of the community, as `log_out` does with one account; return whether Twitch confirmed all.

    Raises:
        StoreLocked: a bot runs, and would go on with them.
        StoreError: the store cannot be written.
    """
    with locked(settings.storage.url):
        members = [login for login in await store.logins() if login.is_member]
        confirmed = 0
        for client_id in {login.client_id for login in members}:
            turns = asyncio.Semaphore(AT_ONCE)
            async with calls_of(settings, store, client_id, clock) as (session, oauth):
                ends = (
                    _end_membership(settings, store, login, session, oauth, turns)
                    for login in members
                    if login.client_id == client_id
                )
                confirmed += sum(await asyncio.gather(*ends))
    say(f"{counted(len(members), 'member')} logged out and deleted")
    if left := len(members) - confirmed:
        say(f"Twitch could not be told of {left}: their logins there end by themselves, and nothing uses them")
    return not left


async def _end_membership(
    settings: Settings,
    store: Store,
    login: Login,
    session: aiohttp.ClientSession,
    oauth: OAuth,
    turns: asyncio.Semaphore,
) -> bool:
    async with turns:
        hide(login.pair)
        remembered = await store.recall(login.user_id or "")
        await store.forget_login(login.id)
        token = await _working_token(oauth, login)
        if remembered.original and login.user_id and not login.lost:
            await _restore(settings, session, login, token, remembered.original, lambda _: None)
        return await oauth.revoke(token)


async def _forget(
    settings: Settings, store: Store, login: Login, oauth: OAuth, clock: Clock, say: Callable[[str], None]
) -> str:
    """Forget the account, so that nobody else uses its tokens; return a working access token if there is one."""
    try:
        with locked(settings.storage.url):
            await store.forget_login(login.id)
            return await _working_token(oauth, login)
    except StoreLocked:
        await store.forget_login(login.id)
        say("telling the running bot ...")
        deadline = clock.monotonic() + NOTICE_SECONDS
        while clock.monotonic() < deadline:
            running = await reports_of_bot(await store.heartbeat(), settings, store, clock.now().timestamp())
            if running is None or login.login not in running:
                break
            await clock.sleep(0.5)
        return login.pair.access


async def _working_token(oauth: OAuth, login: Login) -> str:
    """The access token, renewed if it has expired: nobody else runs, and the login ends here anyway."""
    pair = login.pair
    if login.lost or login.doubt or not pair.refresh or isinstance(await oauth.validate(pair.access), Owner):
        return pair.access
    try:
        renewed = await oauth.refresh(pair.refresh)
    except ColorChangerError:
        return pair.access
    redaction.keep_secret(renewed.access)
    return renewed.access


async def _restore(
    settings: Settings,
    session: aiohttp.ClientSession,
    login: Login,
    token: str,
    original: str,
    say: Callable[[str], None],
) -> None:
    helix = Helix(session, client_id=login.client_id, handle=token, api_url=settings.twitch.api_url)
    try:
        color = Color.parse(original)
        await helix.put_color(login.user_id or "", color)
    except (ColorChangerError, UnknownColor) as error:
        say(f"the colour could not be put back: {error}")
    else:
        say(f"the colour is {color} again")
