"""What the page shows, as JSON values: how all accounts are doing, without anything secret."""

from __future__ import annotations

from typing import Any

from colorchanger_bot.changer.painter import Painter
from colorchanger_bot.color import DARK, LIGHT, Color, fitting_names
from colorchanger_bot.redaction import redact
from colorchanger_bot.service.service import Service
from colorchanger_bot.service.standing import Action, ChannelStanding, Standing
from colorchanger_bot.web.history import Entry, History
from colorchanger_bot.web.probes import readiness
from colorchanger_bot.words import duration

ADVICE = {
    Action.LOG_IN: "log in again",
    Action.FIX_CHANNELS: "check its channels",
    Action.WAIT: "nothing to do, it recovers by itself",
}
"""What to do, on the page; the other actions have a button or a switch."""


def snapshot(service: Service, history: History) -> dict[str, Any]:
    """Return everything about the accounts."""
    found = service.standings()
    ids = {login.login: login.id for login in service.keeper}
    accounts = [_account(service, history, each, ids[each.login]) for each in found]
    return {"accounts": accounts, "ready": readiness(found)["ready"]}


def _account(service: Service, history: History, standing: Standing, login_id: int) -> dict[str, Any]:
    painter = service.changer.get(standing.user_id or "")
    budget = service.budgets.by_login.get(login_id)
    return {
        "login": standing.login,
        "state": standing.state,
        "reason": redact(_reason(standing)),
        "advice": ADVICE.get(standing.action, ""),
        "needsLogin": standing.needs_login,
        "channels": [_channel(channel) for channel in standing.channels],
        "messages": standing.messages,
        "changes": standing.changes,
        "held": standing.held,
        "repliesLeftOut": standing.replies_left_out,
        "budget": budget and {"remaining": budget.remaining, "limit": budget.limit},
        "painter": painter and _painter(painter, history),
    }


def _reason(standing: Standing) -> str:
    """Why the account is not simply running; the switch shows that it is off."""
    return "" if standing.state == "off" else standing.reason


def _channel(channel: ChannelStanding) -> dict[str, str]:
    words = {"joined": "reading", "joining": "joining", "parked": "paused", "unknown": "starting"}[channel.state]
    reason = f": {channel.reason}" if channel.reason else ""
    retry = f", next try in {duration(channel.retry_in)}" if channel.retry_in else ""
    return {"login": channel.login, "state": channel.state, "text": redact(f"{words}{reason}{retry}")}


def _painter(painter: Painter, history: History) -> dict[str, Any]:
    settings = painter.settings
    return {
        "enabled": settings.enabled,
        "strategy": painter.strategy.name,
        "color": _color(painter.current),
        "strip": [_entry(entry) for entry in history.of(painter)],
        "delay": list(settings.delay),
        "namesOnly": painter.hex_refused,
        "names": len(fitting_names(settings.theme, settings.min_contrast)),
        "colors": [color.hex for color in settings.colors],
        "base": settings.base.hex if settings.base else "",
    }


def _color(color: Color | None) -> dict[str, Any] | None:
    if color is None:
        return None
    return {
        "hex": color.hex,
        "name": color.name or "",
        "onDark": round(color.contrast(DARK), 1),
        "onLight": round(color.contrast(LIGHT), 1),
    }


def _entry(entry: Entry) -> dict[str, Any]:
    return {
        "color": entry.color,
        "result": entry.result,
        "at": entry.at.isoformat() if entry.at else "",
        "seconds": None if entry.seconds is None else round(entry.seconds, 2),
        "reason": redact(entry.reason),
    }
