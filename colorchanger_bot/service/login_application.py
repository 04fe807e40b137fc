"""Which Twitch application a new login belongs to."""

from __future__ import annotations

from colorchanger_bot.auth.scopes import VITAL
from colorchanger_bot.clock import Clock
from colorchanger_bot.errors import ConfigError, LoginFailed
from colorchanger_bot.settings.load import Settings
from colorchanger_bot.store.store import Store
from colorchanger_bot.twitch.http import open_session
from colorchanger_bot.twitch.oauth import OAuth

CONSOLE = "https://dev.twitch.tv/console"


def register(settings: Settings) -> str:
    """Return how to get a Client ID, and where to put it."""
    where = "put its Client ID there" if settings.source else "enter its Client ID in: colorchanger config init"
    return f"register an application at {CONSOLE} and {where}"


async def application_for_login(settings: Settings, store: Store, name: str = "") -> str:
    """Return the client id of the application that `name` logs in with; without a name, of the only one there is.

    The application in `[app]` comes first; without it, those that the accounts of the settings or of an import use.

    Raises:
        ConfigError: there is none, or several and no name that tells which.
        StoreError: the store cannot be read.
    """
    listed = {each.login: each.client_id for each in settings.accounts if each.client_id}
    if client_id := listed.get(name.lower()) or settings.app.client_id:
        return client_id  # most often so, and the store may have thousands of logins
    logins = [each for each in await store.logins() if each.client_id]
    earlier = {name: each.client_id for each in logins for name in each.earlier}
    by_name = {each.login: each.client_id for each in logins} | listed
    if name.lower() not in by_name and name.lower() in earlier:
        return earlier[name.lower()]
    if name.lower() in by_name:
        return by_name[name.lower()]
    known = set(by_name.values())
    if not known:
        raise ConfigError([f"{settings.where(('app', 'client_id'))} is empty: {register(settings)}"])
    if len(known) > 1:
        names = ", ".join(sorted(login for login in by_name if login))
        raise ConfigError([f"there are several applications; name the account: colorchanger login NAME ({names})"])
    return known.pop()


async def check_application(settings: Settings, client_id: str, clock: Clock) -> None:
    """Ask Twitch whether accounts can log in with this application, and stay logged in.

    Raises:
        LoginFailed: they cannot; it says why, and what to do at Twitch.
        TwitchUnavailable, OutcomeUnknown: Twitch cannot be asked now.
    """
    async with open_session() as session:
        oauth = OAuth(session, client_id=client_id, client_secret="", id_url=settings.twitch.id_url, clock=clock)
        try:
            await oauth.start_device_login(frozenset(VITAL))
        except LoginFailed:
            raise LoginFailed(
                "Twitch knows no application with this Client ID. Copy it again at Twitch, and take care to copy the "
                "Client ID, not the name or the secret."
            ) from None
        if await oauth.needs_secret():
            raise LoginFailed(
                "This application is Confidential. At Twitch, set its Client Type to Public and save, or register a "
                "new one that is Public; then check again."
            )
