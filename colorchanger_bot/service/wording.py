"""How an account is doing, in words: for a terminal, and for programs that read them as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from colorchanger_bot.errors import LOG_IN, JoinRefusal
from colorchanger_bot.service.members import MemberState, Sums
from colorchanger_bot.service.standing import Action, ChannelStanding, Standing
from colorchanger_bot.settings.load import CommandSettings
from colorchanger_bot.words import duration

RUN = "run: colorchanger run"
_TURBO = {None: "not known yet", False: "yes", True: "it seems not, so only Twitch's colour names"}
_PREFIX = {"needs login": "needs login: ", "in trouble": "in trouble: ", "waiting": "waiting: ", "off": ""}


_JOIN: Mapping[str, str] = {
    "waiting": "Waiting until you have allowed it on Twitch's page.",
    "already here": "This account already gets new colours here; nothing has changed.",
    "denied": "The code was declined on Twitch's page, or used elsewhere. Nothing is stored; you can try again.",
    "expired": "The code expired before it was entered. Nothing is stored; you can try again.",
    "blocked": "You cannot join this community. Nothing is stored.",
    "not allowed": "Only people on a list can join this community. Nothing is stored.",
    "full": "The community is full. Nothing is stored.",
    "left": "You have left. Everything about you is deleted here.",
    "no member": "This account is not a member. Nothing about it is stored here.",
    "failed": "It did not work, and nothing is stored. Try again later.",
    "unknown": "This code is not known here any more.",
}
"""What a viewer is told of a join, by its state."""
_REFUSALS: Mapping[JoinRefusal, str] = {
    "closed": "Nobody can join at the moment.",
    "full": "The community is full.",
    "busy": "Many people are joining right now. Try again in a few minutes.",
    "too often": "You have asked for several codes already. Use one of them, or try again in an hour.",
    "unavailable": "Twitch gives no code at the moment. Try again in a few minutes.",
}
_MEMBERS: Mapping[MemberState, str] = {
    "on": "on",
    "off": "off",
    "starting": "starting",
    "not read": "not read",
    "in trouble": "in trouble",
    "blocked": "kept out by a list",
    "closed": "waiting for community.enabled = true",
    "needs login": "must join again",
}


def join_text(state: str, login: str = "") -> str:
    """Return how a join is going, as a sentence for the viewer."""
    return f"You are in, {login}: your next message brings a new colour." if state == "joined" else _JOIN[state]


def join_refusal(reason: JoinRefusal) -> str:
    """Return why a viewer gets no code, as a sentence for the viewer."""
    return _REFUSALS[reason]


def members_text(sums: Sums) -> str:
    """Return how the members of the community are doing: `3 members: 2 on, 1 off`."""
    parts = ", ".join(f"{sums[state]:,} {words}" for state, words in _MEMBERS.items() if sums.get(state))
    total = sum(sums.values())
    return f"{total:,} {'member' if total == 1 else 'members'}{f': {parts}' if parts else ''}"


def community_line(channel: str, sums: Sums) -> str:
    """Return how the members of the community are doing, in one line."""
    return f"community{f' of #{channel}' if channel else ''}: {members_text(sums)}"


def advice(action: Action, commands: CommandSettings) -> str:
    """Return what a person at a terminal can do; empty if nothing needs to be done."""
    match action:
        case Action.LOG_IN:
            return LOG_IN
        case Action.RUN:
            return RUN
        case Action.TURN_ON:
            return f"type in chat: {commands.prefix}{commands.name} on"
        case Action.CHANGE_SETTINGS:
            return "set it to true"
        case Action.FIX_CHANNELS:
            return "check its channels"
        case Action.WAIT | Action.NONE:
            return ""


def state_text(standing: Standing, commands: CommandSettings) -> str:
    """Return the state in one line, with what helps."""
    text = _state(standing)
    if helps := advice(standing.action, commands):
        text += f"; {helps}"
    if standing.state == "off" and not standing.bot_runs:
        text += "; not running"
    return text


def _state(standing: Standing) -> str:
    match standing.state:
        case "running":
            return f"running, held at {standing.held}" if standing.held else "running"
        case "not running":
            return "logged in, but the bot does not run"
        case "starting":
            return f"starting: {standing.reason}" if standing.reason else "starting"
        case state:
            return _PREFIX[state] + standing.reason


def channel_text(channel: ChannelStanding) -> str:
    """Return how a channel is doing, as programs know it: `joined`, or `parked: why; next try in 5 min`."""
    if channel.state == "unknown":
        return ""
    return f"{channel.state}{_details(channel)}"


def channel_line(channel: ChannelStanding) -> str:
    """Return how a channel is doing, for people: `#me`, or `#friend paused: why; next try in 5 min`."""
    words = {"parked": " paused", "joining": " joining"}.get(channel.state, "")
    return f"#{channel.login}{words}{_details(channel)}"


def _details(channel: ChannelStanding) -> str:
    reason = f": {channel.reason}" if channel.reason else ""
    retry = f"; next try in {duration(channel.retry_in)}" if channel.retry_in else ""
    return f"{reason}{retry}"


def colors_text(names_only: bool | None) -> str:
    """Return which colours Twitch takes from an account, as far as is known."""
    if names_only is None:
        return "not known yet"
    return "names only (neither Turbo nor Prime, it seems)" if names_only else "any (Turbo or Prime)"


def account_lines(standing: Standing, commands: CommandSettings) -> list[str]:
    """Return all about an account, for `colorchanger accounts`."""
    age = "age unknown" if standing.token_age is None else f"{duration(standing.token_age)} old"
    left = standing.expires_in
    end = "" if left is None else f", expires in {duration(left)}" if left > 0 else ", expired"
    how = f"held at {standing.held}" if standing.held else standing.strategy
    renewed = "" if standing.action is Action.LOG_IN else " (renewed automatically)"
    return [
        f"{standing.login}: {state_text(standing, commands)}",
        f"  channels  {', '.join(map(channel_line, standing.channels))}",
        f"  token     {age}{end}{renewed}",
        f"  scopes    {', '.join(standing.scopes) or 'not known yet'}",
        f"  colours   {how}; Turbo or Prime: {_TURBO[standing.names_only]}",
    ]


def as_json(standing: Standing, commands: CommandSettings) -> dict[str, Any]:
    """Return an account as JSON values: texts for people, and beside them the data for programs."""
    return {
        "login": standing.login,
        "user_id": standing.user_id,
        "state": state_text(standing, commands),
        "needs_login": standing.needs_login,
        "channels": {each.login: channel_text(each) for each in standing.channels},
        "token_age": standing.token_age,
        "expires_in": standing.expires_in,
        "scopes": list(standing.scopes),
        "lacks": list(standing.missing_scopes),
        "colors": colors_text(standing.names_only),
        "enabled": standing.enabled,
        "color": standing.color,
        "status": standing.state,
        "reason": standing.reason,
        "action": standing.action.value,
        "channel_status": [each._asdict() for each in standing.channels],
        "strategy": standing.strategy,
        "held": standing.held,
        "names_only": standing.names_only,
        "messages": standing.messages,
        "changes": standing.changes,
        "replies_left_out": standing.replies_left_out,
    }
