"""The probes: is the process alive, is it ready."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from colorchanger_bot.service.standing import Standing
from colorchanger_bot.service.wording import channel_text


def readiness(accounts: Sequence[Standing]) -> dict[str, Any]:
    """Return whether every wanted channel is read or parked with a reason, and which are not."""
    waiting: list[dict[str, str]] = []
    parked: list[dict[str, str]] = []
    for account in accounts:
        for channel, story, is_parked in _unread(account):
            (parked if is_parked else waiting).append({"account": account.login, "channel": channel, "story": story})
    if not accounts:
        waiting.append({"account": "", "channel": "", "story": "no account is logged in"})
    return {"ready": not waiting, "waiting": waiting, "parked": parked}


def _unread(account: Standing) -> Iterator[tuple[str, str, bool]]:
    """Yield the channels that are not read: the name, why, and whether only a person can change that."""
    for channel in account.channels:
        if account.needs_login:
            yield channel.login, account.reason, True
        elif channel.state != "joined":
            details = [channel_text(channel), account.reason if account.state == "waiting" else ""]
            yield channel.login, "; ".join(filter(None, details)) or "starting", channel.state == "parked"
