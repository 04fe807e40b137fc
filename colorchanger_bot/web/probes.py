"""What machines ask: does it live, is it ready."""

from __future__ import annotations

from typing import Any

from colorchanger_bot.auth.scopes import missing_permission
from colorchanger_bot.eventsub.channel import status_text
from colorchanger_bot.service.service import Service
from colorchanger_bot.store.store import Login


def readiness(service: Service) -> dict[str, Any]:
    """Say whether every wanted channel is read, or parked with a reason; and which are not."""
    waiting: list[dict[str, str]] = []
    parked: list[dict[str, str]] = []
    logins = list(service.keeper)
    for login in logins:
        for channel, state, story in _channels(service, login):
            if state != "joined":
                entry = {"account": login.login, "channel": channel, "story": story}
                (parked if state == "parked" else waiting).append(entry)
    if not logins:
        waiting.append({"account": "", "channel": "", "story": "no account is logged in"})
    return {"ready": not waiting, "waiting": waiting, "parked": parked}


def _channels(service: Service, login: Login) -> list[tuple[str, str, str]]:
    """The wanted channels of an account: name, state, story."""
    bot = service.bots.get(login.client_id)
    session = bot.sessions.get(login.id) if bot is not None else None
    why = login.lost or missing_permission(login)
    if why:
        names = [channel.login for channel in session.channels] if session is not None else [login.login]
        return [(name, "parked", why) for name in names]
    if session is None or not session.channels:
        return [(login.login, "joining", service.keeper.trouble(login.id) or "starting")]
    trouble = f" ({session.trouble})" if session.trouble else ""
    return [(channel.login, channel.state, f"{status_text(channel.status)}{trouble}") for channel in session.channels]
