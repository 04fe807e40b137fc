"""What the page shows, as JSON values: how all accounts are doing, without anything secret."""

from __future__ import annotations

from typing import Any

from colorchanger_bot.changer.painter import Painter
from colorchanger_bot.color import DARK, LIGHT, Color, fitting_names
from colorchanger_bot.service.service import Service
from colorchanger_bot.service.standing import Action, ChannelStanding, Standing
from colorchanger_bot.web.activity import Activity
from colorchanger_bot.web.history import Entry, History
from colorchanger_bot.web.plain import plain
from colorchanger_bot.web.probes import readiness
from colorchanger_bot.words import duration

ADVICE = {
    Action.LOG_IN: "log in again",
    Action.FIX_CHANNELS: "check its channels",
    Action.WAIT: "nothing to do, it recovers by itself",
}
"""What to do, on the page; the other actions have a button or a switch."""


def snapshot(service: Service, history: History, activity: Activity, chosen: str = "") -> dict[str, Any]:
    """Return everything about the accounts; what happened to them only of the one that is `chosen`, or the first."""
    found = service.standings()
    activity.look(found)
    ids = {login.login: login.id for login in service.keeper}
    logins = [each.login for each in found]
    chosen = chosen if chosen in logins else next(iter(logins), "")
    accounts = [_account(service, each, ids[each.login]) for each in found]
    for account in accounts:
        if account["login"] == chosen:
            painter = service.changer.get(next(each.user_id for each in found if each.login == chosen) or "")
            account["log"] = [line.to_json() for line in activity.of(chosen)]
            account["painter"] = painter and account["painter"] | {"strip": _strip(painter, history)}
    return {"accounts": accounts, "chosen": chosen, "ready": readiness(found)["ready"]}


def _account(service: Service, standing: Standing, login_id: int) -> dict[str, Any]:
    painter = service.changer.get(standing.user_id or "")
    budget = service.budgets.by_login.get(login_id)
    return {
        "login": standing.login,
        "state": standing.state,
        "reason": plain(_reason(standing)),
        "advice": ADVICE.get(standing.action, ""),
        "needsLogin": standing.needs_login,
        "channels": [_channel(channel, standing.needs_login) for channel in standing.channels],
        "messages": standing.messages,
        "changes": standing.changes,
        "held": standing.held,
        "repliesLeftOut": standing.replies_left_out,
        "budget": budget and {"remaining": budget.remaining, "limit": budget.limit},
        "painter": painter and _painter(painter),
    }


def _reason(standing: Standing) -> str:
    """Why the account is not simply running; the switch shows that it is off."""
    return "" if standing.state == "off" else standing.reason


def _channel(channel: ChannelStanding, needs_login: bool) -> dict[str, str]:
    not_yet = "not read" if needs_login else "starting"
    words = {"joined": "reading", "joining": "joining", "parked": "paused", "unknown": not_yet}[channel.state]
    reason = f": {channel.reason}" if channel.reason else ""
    retry = f", next try in {duration(channel.retry_in)}" if channel.retry_in else ""
    return {"login": channel.login, "state": channel.state, "text": plain(f"{words}{reason}{retry}")}


def _painter(painter: Painter) -> dict[str, Any]:
    settings = painter.settings
    return {
        "enabled": settings.enabled,
        "strategy": painter.strategy.name,
        "color": _color(painter.current),
        "delay": list(settings.delay),
        "namesOnly": painter.hex_refused,
        "names": len(fitting_names(settings.theme, settings.min_contrast)),
        "colors": [color.hex for color in settings.colors],
        "base": settings.base.hex if settings.base else "",
        "step": settings.step,
        "reverse": settings.reverse,
        "period": settings.period,
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


def _strip(painter: Painter, history: History) -> list[dict[str, Any]]:
    return [_entry(entry) for entry in history.of(painter)]


def _entry(entry: Entry) -> dict[str, Any]:
    return {
        "color": entry.color,
        "result": entry.result,
        "at": entry.at.isoformat() if entry.at else "",
        "seconds": None if entry.seconds is None else round(entry.seconds, 2),
        "reason": plain(entry.reason),
        "channel": entry.channel,
    }
