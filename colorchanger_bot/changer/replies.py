"""The results of commands in words: as a reply in chat, as a line on the page, and as a line in the log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from colorchanger_bot.changer import results
from colorchanger_bot.changer.actions import ACTIONS, MOST_COLORS
from colorchanger_bot.changer.channels import MOST_CHANNELS
from colorchanger_bot.changer.pending_changes import Change
from colorchanger_bot.color import Color, Ground, Theme
from colorchanger_bot.errors import UnknownColor
from colorchanger_bot.words import did_you_mean, duration, seconds_range

MOST_CHARACTERS = 500
"""Of one chat message (Twitch API, "Send Chat Message")."""

_USAGE: Final[Mapping[str, str]] = {
    "hex": "which colour? For example: hex #ff8800, or: set hot pink",
    "rainbow": "rainbow takes degrees from colour to colour, more than 0 and less than 360, and reverse; "
    "for example: rainbow 15 reverse",
    "palette": f"which colours? At most {MOST_COLORS}, for example: palette red #ff8800 hot_pink",
    "gradient": f"from which colour to which? At most {MOST_COLORS}, for example: gradient red blue",
    "shades": "shades of which colour? For example: shades dodger blue",
    "daily": "daily is one colour a day; daily clock follows the time of day",
    "delay": "how many seconds, from 0 to 3600? For example: delay 2, or: delay 1 3",
    "like": "like whom? For example: like somebody",
    "join": "which channel? For example: join afriend",
}
_ON: Final[Mapping[Theme, str]] = {
    "both": " readable on both themes",
    "dark": " readable on the dark theme",
    "light": " readable on the light theme",
    "any": "",
}
_NOT_POSSIBLE: Final[Mapping[results.Obstacle, str]] = {
    "no earlier color": "no earlier colour is known",
    "already original": "your colour is already the one from before",
    "color unknown": "I do not know your colour yet: write a message first",
    "never chose a color": "{name} never chose a colour",
    "no such user": "there is nobody called {name} on Twitch",
    "no such channel": "there is no channel #{name} on Twitch",
    "already joined": "already reading #{name}",
    "too many channels": f"Twitch allows {MOST_CHANNELS} channels; leave one first",
    "not joined": "reading {channels}; for example: leave {name}",
    "only channel": "#{name} is the only channel I read",
    "channels not ours": "this bot chooses its channels itself",
    "not here": "not here: your colours change in #{name} only",
    "own account": "this account did not join here: it is logged out with colorchanger logout",
}


def chat_reply(result: results.CommandResult, called: str) -> str:
    """Return the reply in chat, one line; `called` is the command as people type it, such as `!color`."""
    hint = _hint(result)
    text = f"{_sentence(result)}. {hint[0]}: {called} {hint[1]}" if hint else _sentence(result)
    if isinstance(result, results.Help):
        text = f"commands: {called} {text}"  # not a call itself, for it comes back as a message of the account
    return " ".join(text.split())[:MOST_CHARACTERS].rstrip()


def page_reply(result: results.CommandResult) -> str:
    """Return the answer on the page, which has buttons in place of commands, and in the log."""
    return " ".join(_sentence(result).split())


def _hint(result: results.CommandResult) -> tuple[str, str] | None:
    """What to type next, with the reason."""
    match result:
        case results.Status(enabled=False) | results.StrategySet(enabled=False) | results.DelaySet(enabled=False):
            return "To turn it on", "on"
        case results.Status(held=Color()) | results.DelaySet(held=Color()) | results.Held():
            return "To change again", "on"
        case results.NotPossible(obstacle="only channel"):
            return "To stop the colours", "off"
        case _:
            return None


def _sentence(result: results.CommandResult) -> str:
    match result:
        case results.Status():
            return _status(result)
        case results.Changed(change):
            return _changed(change)
        case results.Held(color, change, hard_to_read):
            return f"{_held(color, change)}{_warning(hard_to_read)}"
        case results.StrategySet():
            return _strategy(result)
        case results.NotDone():
            return _not_done(result)
        case _:
            return _done(result)


def _done(result: results.CommandResult) -> str:
    match result:
        case results.TurnedOn("hold"):
            return "on, but your colour stays: the strategy is hold"
        case results.TurnedOn("daily"):
            return "on: a new colour each day (daily)"
        case results.TurnedOn(strategy):
            return f"on: a new colour after each of your messages ({strategy})"
        case results.TurnedOff(restored):
            return f"off: your colour is {restored} again, as before" if restored else "off: your colour stays as it is"
        case results.DelaySet(low, high, enabled, held):
            seconds = f"{seconds_range(low, high)} after a message"
            now = "" if enabled else "; it is off now"
            return f"a new colour {seconds}{f'; held at {held} now' if enabled and held else now}"
        case results.Rechecking():
            return "trying any colour again; if Twitch refuses it, back to its own names"
        case results.ChannelJoined(login):
            return f"reading #{login} from now on"
        case results.ChannelLeft(login):
            return f"no longer reading #{login}"
        case results.Help():
            return " | ".join(ACTIONS)
        case _:
            return _community(result)


def _community(result: results.CommandResult) -> str:
    match result:
        case results.Invited(url, code, seconds):
            how = f"open {url} and allow it (code {code}, valid for {duration(seconds)})"
            return f"to get a new colour after each of your messages here, {how}"
        case results.AlreadyJoined():
            return "your colour changes here already"
        case results.Left():
            return "you have left: all that was stored about you is deleted"
        case _:
            raise TypeError(f"no words for {type(result).__name__}")


def _status(status: results.Status) -> str:
    if status.held is not None:
        text = f"Held at {status.held}"
        if status.current not in (status.held, None):
            text += f", now {status.current}"
    else:
        text = f"on, {status.strategy}{f', now {status.current}' if status.current else ''}"
    if not status.enabled:
        text = "off"
    elif status.trouble:
        text += f"; last change failed: {status.trouble}"
    if status.enabled and status.names is not None and status.held is None:
        text += f"; only Twitch's colour names: {_names(status.names)}"
    if status.replies_left_out:
        count = status.replies_left_out
        replies = "1 reply was" if count == 1 else f"{count} replies were"
        text += f"; {replies} left out, close to Twitch's limit for chat messages"
    return text


def _changed(change: Change) -> str:
    match change.result:
        case "changed" | "unneeded":
            return f"your colour is {change.color}{' again, as before' if change.is_restore else ''}"
        case "superseded":
            return "replaced by a newer change"
        case "pending" | "unknown":
            return "Twitch has not answered yet: your next message shows whether it worked"
        case _:
            return f"no new colour: {change.reason}"


def _held(color: Color, change: Change | None) -> str:
    if change is None:
        return f"{color} stays"
    said = _changed(change)
    return f"{said} and stays" if change.result in ("changed", "unneeded") else said


def _strategy(result: results.StrategySet) -> str:
    colors = [str(color) for color in result.colors]
    match result.strategy:
        case "random":
            text = "random: a new readable colour after each of your messages"
        case "presets":
            text = "presets: one of Twitch's own colour names after each of your messages"
        case "rainbow":
            steps = "in even steps" if result.step is None else f"in steps of {result.step:g} degrees"
            text = f"rainbow: round the colour wheel {steps}{', backwards' if result.reverse else ''}"
        case "palette":
            text = f"palette: {', '.join(colors)}, one after the other"
        case "gradient":
            text = f"gradient: from {' to '.join(colors)} and back"
        case "shades":
            text = f"shades of {result.base}"
        case "daily":
            text = "daily: the hue follows the time of day" if result.by_clock else "daily: one colour a day"
        case "standout":
            text = "standout: as different as possible from the others in chat"
        case strategy:
            text = strategy
    if result.names is not None:
        text += f"; from {_names(result.names)}"
    if result.hard_to_read:
        text += f"; hard to read: {', '.join(map(str, result.hard_to_read))}"
    return text if result.enabled else f"{text}; it is off now"


def _names(names: results.Names) -> str:
    """How many names there are, and what would make it more."""
    more = " (the theme setting can allow more)" if names.theme == "both" else ""
    return f"{names.count} of 15 names{_ON[names.theme]}{more}"


def _warning(grounds: tuple[Ground, ...]) -> str:
    themes = " and ".join(grounds)
    return f"; hard to read on the {themes} {'themes' if len(grounds) > 1 else 'theme'}" if themes else ""


def _not_done(result: results.NotDone) -> str:
    match result:
        case results.Misunderstood(command):
            return _USAGE.get(command, f"{command} does not take that")
        case results.UnknownWord(word, suggestion):
            shown = "".join(character for character in word if character.isprintable())
            hint = did_you_mean(suggestion) or f"I know: {', '.join(ACTIONS)}, or a colour"
            return f'I do not know "{shown}": {hint}'
        case results.NoColor(text, suggestion, is_hex):
            return str(UnknownColor(text, suggestion, is_hex=is_hex))
        case results.NotPossible():
            return _not_possible(result)
        case results.Failed(reason):
            return reason
        case _:
            raise TypeError(f"no words for {type(result).__name__}")


def _not_possible(result: results.NotPossible) -> str:
    name = result.names[0] if result.names else ""
    channels = ", ".join(f"#{each}" for each in result.names)
    return _NOT_POSSIBLE[result.obstacle].format(name=name, channels=channels)
