"""The accounts in the settings, held against who is logged in: which are whose, and which are nobody's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from colorchanger_bot.settings.load import Settings
from colorchanger_bot.store.logins import nameless_login
from colorchanger_bot.store.store import Login
from colorchanger_bot.words import did_you_mean, nearest, shown

MOST_NAMES = 5


def bound(settings: Settings, logins: Iterable[Login]) -> Settings:
    """Return the settings for these accounts, which keep what is listed under an earlier name of theirs."""
    return settings.bound_to((login.login, login.earlier) for login in logins)


def logins_by_user_id(logins: Iterable[Login]) -> dict[str, str]:
    """Return the login of each account by its user id, of those that have one: preferences go by it."""
    return {login.user_id: login.login for login in logins if login.user_id is not None}


def unmatched(settings: Settings, logins: Iterable[Login]) -> Iterator[str]:
    """Yield a line for each account in the settings that nobody is logged in as, once somebody is logged in."""
    logins = [*logins]
    known = sorted(login.login for login in logins if not login.is_member)
    settings = bound(settings, logins)
    matched = {settings.listed_as(login.login) for login in logins}
    keys = settings.account_keys()
    for account in settings.accounts if known else ():
        if not account.login or account.login in matched or account.access_token or account.refresh_token:
            continue
        some = ", ".join(known[:MOST_NAMES]) + (", ..." if len(known) > MOST_NAMES else "")
        hint = did_you_mean(nearest(account.login, known)) or f"logged in: {some}."
        key = keys.get(account.login)
        where = settings.where(key) if key else f"accounts[{account.login}].login"
        yield (
            f"{where} = {shown(account.login)}: no account of this name is logged in; "
            f"{hint} If the name is right, run: colorchanger login"
        )


def renamed(settings: Settings, logins: Iterable[Login]) -> Iterator[str]:
    """Yield a line for each account that the settings list under an earlier name."""
    logins = [*logins]
    settings = bound(settings, logins)
    present = {login.login for login in logins}
    for login in logins:
        listed = settings.listed_as(login.login)
        if listed in ("", login.login) or login.login == nameless_login(login.user_id or ""):
            continue
        other = f"; until then, the account that is called {listed} now has no settings" if listed in present else ""
        yield f"{listed} is called {login.login} now: change it in the settings{other}"
