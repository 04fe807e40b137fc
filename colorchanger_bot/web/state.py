"""What the page shows, as JSON values: how all accounts stand, without anything secret."""

from __future__ import annotations

from typing import Any

from colorchanger_bot.changer.painter import Painter
from colorchanger_bot.color import DARK, LIGHT, Color, fitting_names
from colorchanger_bot.errors import LOG_IN
from colorchanger_bot.eventsub.channel import status_text
from colorchanger_bot.redaction import redact
from colorchanger_bot.service.service import Service
from colorchanger_bot.store.store import Login
from colorchanger_bot.web.ledger import Entry, Ledger
from colorchanger_bot.web.probes import readiness


def snapshot(service: Service, ledger: Ledger) -> dict[str, Any]:
    """Return everything about the accounts."""
    ready = readiness(service)["ready"]
    reports = {report["login"]: report for report in service.report()["accounts"]}
    accounts = [_account(service, ledger, login, reports[login.login]) for login in service.keeper]
    return {"accounts": accounts, "ready": ready}


def _account(service: Service, ledger: Ledger, login: Login, report: dict[str, Any]) -> dict[str, Any]:
    painter = service.changer.get(login.user_id or "")
    trouble, cure = _cured(redact(report["trouble"]))
    budget = service.budgets.by_login.get(login.id)
    return {
        "login": login.login,
        "state": _state(report, painter),
        "trouble": trouble,
        "cure": cure,
        "needsLogin": LOG_IN in report["trouble"],
        "channels": _channels(service, login),
        "messages": report["messages"],
        "changes": report["changes"],
        "budget": budget and {"remaining": budget.remaining, "limit": budget.limit},
        "painter": painter and _painter(painter, ledger),
    }


def _painter(painter: Painter, ledger: Ledger) -> dict[str, Any]:
    settings = painter.settings
    return {
        "enabled": settings.enabled,
        "strategy": painter.strategy.name,
        "held": painter.held.wire if painter.held else "",
        "repliesLeftOut": painter.replies_left_out,
        "color": _color(painter.current),
        "strip": [_entry(entry) for entry in ledger.of(painter)],
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


def _state(report: dict[str, Any], painter: Painter | None) -> str:
    """The state in a word or two."""
    if report["state"] == "needs login":
        return "needs login"
    if painter is not None and not painter.settings.enabled:
        return "off"
    if report["trouble"]:
        return "in trouble"
    return "running" if report["state"] == "running" else "connecting"


def _cured(trouble: str) -> tuple[str, str]:
    """What is wrong, and what helps: on the page a login is made with a button."""
    what, _, cure = trouble.partition("; ")
    return what, "log in again" if LOG_IN in cure else cure


def _channels(service: Service, login: Login) -> list[dict[str, str]]:
    bot = service.bots.get(login.client_id)
    session = bot.sessions.get(login.id) if bot is not None else None
    if session is None:
        return []
    return [
        {"login": each.login, "state": each.state, "story": redact(status_text(each.status))}
        for each in session.channels
    ]
