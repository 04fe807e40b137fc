"""The permissions (OAuth scopes) that a login asks for, and in plain words what for."""

from __future__ import annotations

import re
from collections.abc import Collection

from colorchanger_bot.errors import JOIN_AGAIN, LOG_IN
from colorchanger_bot.settings.settings import Settings
from colorchanger_bot.store.store import Login

READ_SCOPE, COLOR_SCOPE, REPLY_SCOPE = "user:read:chat", "user:manage:chat_color", "user:write:chat"
FOLLOWS_SCOPE = "user:read:follows"
VITAL = (READ_SCOPE, COLOR_SCOPE)
"""Without one of these there are no new colours."""
COLOR_ONLY = frozenset({COLOR_SCOPE})
"""All that is needed where other accounts read the channel, as for members of the community."""
PURPOSES = {
    READ_SCOPE: "to see your messages",
    COLOR_SCOPE: "to change your colour",
    REPLY_SCOPE: "to answer your commands in chat",
    FOLLOWS_SCOPE: "to know which of the channels you follow are live",
}


def needed_scopes(settings: Settings) -> frozenset[str]:
    """Return the permissions that the settings need."""
    scopes = {READ_SCOPE, COLOR_SCOPE}
    if settings.commands.enabled and settings.commands.reply != "never":
        scopes.add(REPLY_SCOPE)
    if any(account.follow_live for account in settings.accounts):
        scopes.add(FOLLOWS_SCOPE)
    return frozenset(scopes)


def purpose(scope: str) -> str:
    """Return what a permission is for, as words to put after its name."""
    return PURPOSES.get(scope, "as you asked")


def missing(granted: Collection[str], needed: Collection[str] = VITAL) -> list[str]:
    """Return the needed scopes that are not granted; none if the scopes are not known yet."""
    return [scope for scope in needed if granted and scope not in granted]


def lacks(granted: Collection[str], needed: Collection[str] = VITAL) -> str:
    """Return in words which of the needed scopes are not granted; empty if all are, or none are known yet."""
    words = " and ".join(f"{scope} ({purpose(scope)})" for scope in missing(granted, needed))
    return f"the login lacks {words}" if words else ""


def vital(login: Login, *, is_read: bool = False) -> Collection[str]:
    """Return the scopes without which this login gets no new colours; `is_read`: other accounts read its channels."""
    return COLOR_ONLY if login.is_member or is_read else VITAL


def lacking(login: Login, *, is_read: bool = False) -> str:
    """Return which vital permissions a login lacks; empty if it has all. `is_read` as for `vital`."""
    return lacks(login.pair.scopes, vital(login, is_read=is_read))


def missing_permission(login: Login) -> str:
    """Return which vital permissions a login lacks, and what to do; empty if it has all."""
    words = lacking(login)
    return f"{words}; {what_helps(login)}" if words else ""


def what_helps(login: Login) -> str:
    """Return what the owner of a login does to make it work again."""
    return JOIN_AGAIN if login.is_member else LOG_IN


def parse(text: str) -> frozenset[str]:
    """Return the scopes in a text, between spaces or commas.

    Raises:
        ValueError: one does not have the form of a scope.
    """
    scopes = frozenset(re.split(r"[\s,]+", text.strip())) - {""}
    for scope in scopes:
        if not re.fullmatch(r"[a-z]+(:[a-z_]+){1,3}", scope):
            raise ValueError(f'"{scope}" is not a scope of Twitch: they look like user:read:follows')
    return scopes
