"""The probes: is the process alive, is it ready."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from colorchanger_bot.service.standing import Standing
from colorchanger_bot.service.wording import channel_text


def readiness(accounts: Sequence[Standing]) -> dict[str, Any]:
    """Return whether every wanted channel is read or parked with a reason, and which are not.

    A channel is listed once for each reason, with the number of accounts that miss it and the first of them.
    """
    found: dict[tuple[str, str, bool], list[str]] = {}
    for account in accounts:
        for unread in _unread(account):
            found.setdefault(unread, []).append(account.login)
    if not accounts:
        found["", "no account is logged in", False] = []
    rows: dict[bool, list[dict[str, Any]]] = {False: [], True: []}
    for (channel, story, is_parked), logins in found.items():
        first = logins[0] if logins else ""
        rows[is_parked].append({"account": first, "accounts": len(logins), "channel": channel, "story": story})
    return {"ready": not rows[False], "waiting": rows[False], "parked": rows[True]}


def _unread(account: Standing) -> Iterator[tuple[str, str, bool]]:
    """Yield the channels that are not read: the name, why, and whether only a person can change that."""
    for channel in account.channels:
        if account.needs_login:
            yield channel.login, account.reason, True
        elif channel.state != "joined":
            details = [channel_text(channel), account.reason if account.state == "waiting" else ""]
            yield channel.login, "; ".join(filter(None, details)) or "starting", channel.state == "parked"
