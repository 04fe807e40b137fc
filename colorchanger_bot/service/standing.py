"""Standing: how an account is doing, worked out here for the page, the commands, the probes and the log.

A `Report` is what the running bot knows of an account. The heartbeat carries it, so that other processes see the
same. All of it is data; `wording` and the page turn it into text.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal, NamedTuple

from colorchanger_bot.auth import scopes
from colorchanger_bot.changer.memory import Remembered
from colorchanger_bot.color import Color
from colorchanger_bot.errors import ConfigError, UnknownColor
from colorchanger_bot.service.names import bound
from colorchanger_bot.settings.load import ColorSettings, Settings
from colorchanger_bot.store.store import Heartbeat, Login, Store, is_owned

State = Literal["running", "starting", "waiting", "in trouble", "off", "needs login", "not running"]
ChannelState = Literal["joined", "joining", "parked", "unknown"]


class Action(StrEnum):
    """What a person can do about the state of an account."""

    NONE = "none"
    WAIT = "wait"
    """It recovers by itself."""
    LOG_IN = "log_in"
    RUN = "run"
    TURN_ON = "turn_on"
    """With the chat command, or the switch on the page."""
    CHANGE_SETTINGS = "change_settings"
    FIX_CHANNELS = "fix_channels"


class ChannelStanding(NamedTuple):
    """How one channel of an account is doing."""

    login: str
    state: ChannelState = "unknown"
    reason: str = ""
    retry_in: float | None = None
    """Seconds to the next try; None: none is planned."""


@dataclass(frozen=True, slots=True)
class Report:
    """What the running bot knows of one account."""

    login: str
    login_problem: str = ""
    """Why the login cannot be used now, although nobody needs to log in."""
    login_ends: str = ""
    """Why the login, which works, is only used until its end."""
    chat_problem: str = ""
    """Why there is no connection to chat."""
    color_problem: str = ""
    """Why the last change did not happen."""
    channels: tuple[ChannelStanding, ...] = ()
    color: str | None = None
    enabled: bool | None = None
    """None, as for the next three: the account is not managed yet."""
    names_only: bool | None = None
    strategy: str | None = None
    held: str | None = None
    """The colour that the account is held at."""
    replies_left_out: int = 0
    messages: int = 0
    changes: int = 0

    @property
    def is_read(self) -> bool:
        """Whether somebody reads one of its channels."""
        return any(channel.state == "joined" for channel in self.channels)

    def to_json(self, now: float) -> dict[str, Any]:
        """Return a dict of JSON values; the next try of a channel is in unix seconds, so that it stays true."""
        rows = [each._asdict() | {"retry_in": None, "retry_at": _at(each, now)} for each in self.channels]
        return {name: getattr(self, name) for name in self.__dataclass_fields__} | {"channels": rows}

    @classmethod
    def from_json(cls, data: Mapping[str, Any], now: float) -> Report:
        """Return what another process reported; what only a newer version knows is left out."""
        known: dict[str, Any] = {name: data[name] for name in cls.__dataclass_fields__ if name in data}
        rows: list[dict[str, Any]] = data.get("channels") or []
        known["channels"] = tuple(
            ChannelStanding(row["login"], row["state"], row["reason"], _left(row.get("retry_at"), now)) for row in rows
        )
        return cls(**known)


Reports = Mapping[str, Report]
"""By login."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How one account is doing; holds no secrets."""

    login: str
    user_id: str | None
    state: State
    reason: str
    """Why, if it is not simply running."""
    action: Action
    channels: tuple[ChannelStanding, ...]
    bot_runs: bool
    enabled: bool
    strategy: str
    delay: tuple[float, float]
    held: str | None
    names_only: bool | None
    """Whether Twitch takes only its colour names from the account (no Turbo or Prime); None: not known yet."""
    color: str | None
    color_problem: str
    replies_left_out: int
    messages: int
    changes: int
    token_age: float | None
    """Seconds since Twitch issued the token; None: it came from elsewhere."""
    expires_in: float | None
    """Seconds; None: not known."""
    scopes: tuple[str, ...]
    missing_scopes: tuple[str, ...]

    @property
    def needs_login(self) -> bool:
        """Whether only a new login helps."""
        return self.state == "needs login"

    @property
    def is_read(self) -> bool:
        """Whether somebody reads one of its channels."""
        return any(channel.state == "joined" for channel in self.channels)

    @property
    def is_settled(self) -> bool:
        """Whether the state will last until somebody does something."""
        return self.state not in ("starting", "waiting") and all(each.state != "joining" for each in self.channels)


async def standings(settings: Settings, store: Store, now: float, reports: Reports | None = None) -> list[Standing]:
    """Return how all accounts are doing at `now` unix seconds; without `reports`, those of the heartbeat count.

    Members of the community are not among them: `service.members` has their sums.

    Raises:
        StoreError: the store cannot be read.
    """
    if reports is None:
        reports = await reports_of_bot(await store.heartbeat(), settings, store, now)
    logins = await store.logins()
    settings = bound(settings, logins)
    own = own_accounts(logins)
    return [work_out(login, settings, await store.recall(login.user_id or ""), reports, now) for login in own]


def own_accounts(logins: Iterable[Login]) -> list[Login]:
    """Return the operator's accounts, without the members of the community."""
    return [login for login in logins if not login.is_member]


async def reports_of_bot(
    beat: Heartbeat | None, settings: Settings, store: Store, now: float
) -> dict[str, Report] | None:
    """Return what the bot said of its accounts with its last heartbeat; None if no bot runs.

    Raises:
        StoreError: the store cannot be read.
    """
    if beat is None or not await _is_running(beat, settings, store, now):
        return None
    return {each["login"]: Report.from_json(each, now) for each in beat.status.get("accounts", ())}


async def _is_running(beat: Heartbeat, settings: Settings, store: Store, now: float) -> bool:
    """Return whether the process with this sign of life still runs."""
    if beat.is_alive(now):
        return True
    # A bot that cannot write its heartbeat runs all the same: then it still owns the store.
    return await asyncio.to_thread(is_owned, settings.storage.url) and bool(await store.write_problem())


def work_out(login: Login, settings: Settings, remembered: Remembered, reports: Reports | None, now: float) -> Standing:
    """Return how an account is doing with settings that are bound to it; `reports` None: no bot runs."""
    report = None if reports is None else reports.get(login.login)
    said = report or Report(login.login)
    colors = _colors_in_force(settings, login.login, remembered)
    enabled = colors.enabled if said.enabled is None else said.enabled
    state, reason, action = _state(login, settings, said, enabled=enabled)
    if state in ("running", "starting") and report is None:
        state, reason, action = _unreported(bot_runs=reports is not None)
    pair = login.pair
    return Standing(
        login=login.login,
        user_id=login.user_id,
        state=state,
        reason=reason,
        action=action,
        channels=_channels(said, settings, login, remembered),
        bot_runs=reports is not None,
        enabled=enabled,
        strategy=said.strategy or colors.strategy,
        delay=colors.delay,
        held=said.held if said.strategy else _as_written(remembered.held) or _held(colors),
        names_only=True if said.names_only else _names_only(remembered, now),
        color=said.color or _as_written(next(iter(remembered.history), None)),
        color_problem=said.color_problem,
        replies_left_out=said.replies_left_out,
        messages=said.messages,
        changes=said.changes,
        token_age=None if pair.issued_at is None else max(0.0, now - pair.issued_at),
        expires_in=None if pair.expires_at is None else pair.expires_at - now,
        scopes=tuple(sorted(pair.scopes)),
        missing_scopes=tuple(scopes.missing(pair.scopes, scopes.vital(login, is_read=said.is_read))),
    )


def needs_login(login: Login, report: Report | None = None) -> str:
    """Return why only a new login helps; empty if none is needed.

    An account needs no permission to read a channel that others read for it, as far as a `report` tells.
    """
    return login.lost or scopes.lacking(login, is_read=report is not None and report.is_read)


def wanted_channels(settings: Settings, login: Login, remembered: Remembered | None = None) -> tuple[str, ...]:
    """Return the channels to read: those set in chat, else those listed, else those imported, else its own.

    A member of the community wants its channel only.
    """
    if login.is_member:
        return (settings.community.channel,)
    listed = settings.account(login.login)
    in_chat = tuple(remembered.channels or ()) if remembered else ()
    return in_chat or (listed.channels if listed else ()) or login.channels or (login.login,)


def _state(login: Login, settings: Settings, report: Report, *, enabled: bool) -> tuple[State, str, Action]:
    if why := needs_login(login, report):
        return "needs login", why, Action.LOG_IN
    if not enabled and settings.color_for(login.login).enabled:
        command = f"{settings.commands.prefix}{settings.commands.name}"
        return "off", f"switched off by {command} off", Action.TURN_ON
    if not enabled:
        return "off", "switched off by color.enabled = false in the settings", Action.CHANGE_SETTINGS
    if why := report.login_problem or report.chat_problem:
        return "waiting", why, Action.WAIT
    states = {channel.state for channel in report.channels}
    if "joined" not in states and "joining" in states:
        why = next((channel.reason for channel in report.channels if channel.reason), "")
        return ("waiting" if why else "starting"), why, Action.WAIT
    if states == {"parked"}:
        return "in trouble", "none of its channels can be read", Action.FIX_CHANNELS
    if report.color_problem:
        return "in trouble", report.color_problem, Action.WAIT
    if report.login_ends:
        return "in trouble", report.login_ends, Action.LOG_IN
    return ("running", "", Action.NONE) if states else ("starting", "", Action.WAIT)


def _channels(report: Report, settings: Settings, login: Login, remembered: Remembered) -> tuple[ChannelStanding, ...]:
    if not report.channels:
        return tuple(map(ChannelStanding, wanted_channels(settings, login, remembered)))
    if needs_login(login, report):  # nobody reads them, and nobody will before that
        return tuple(ChannelStanding(channel.login) for channel in report.channels)
    return report.channels


def _unreported(*, bot_runs: bool) -> tuple[State, str, Action]:
    if bot_runs:
        return "starting", "the running bot takes it over in a moment", Action.WAIT
    return "not running", "", Action.RUN


def _colors_in_force(settings: Settings, login: str, remembered: Remembered) -> ColorSettings:
    """The colour settings of an account, with what was set in chat."""
    colors = settings.color_for(login)
    try:
        return colors.override(remembered.overrides)
    except ConfigError:  # set in chat by another version; the bot passes over it too
        return colors


def _held(colors: ColorSettings) -> str | None:
    return str(colors.base) if colors.strategy == "hold" and colors.base else None


def _as_written(color: str | None) -> str | None:
    """Return a colour of the store as the running bot writes it: with its name, if it has one."""
    try:
        return color and str(Color.parse(color))
    except UnknownColor:  # remembered by another version
        return color


def _names_only(remembered: Remembered, now: float) -> bool | None:
    if remembered.no_hex_until is not None and now < remembered.no_hex_until:
        return True
    try:
        shown = [Color.parse(text) for text in remembered.history]
    except UnknownColor:
        return None
    return False if any(not color.is_named for color in shown) else None


def _at(channel: ChannelStanding, now: float) -> float | None:
    return None if channel.retry_in is None else float(round(now + channel.retry_in))


def _left(at: float | None, now: float) -> float | None:
    return None if at is None else max(0.0, at - now)
