"""What an owner says in chat after `!color`: read forgivingly, done, and answered in one line."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from difflib import get_close_matches
from typing import Protocol

from colorchanger_bot.color import Color
from colorchanger_bot.errors import UnknownColor
from colorchanger_bot.painter import Change, Painter

ANSWER_SECONDS = 12.0
"""How long an answer waits for Twitch: a request may take 10 s, and the change is made also without an answer."""
SHOWN_CHARACTERS = 40


class Speaker(Protocol):
    """How an account answers in chat."""

    async def reply(self, user_id: str, channel_id: str, text: str, *, reply_to: str) -> str | None:
        """Answer the message `reply_to` as `user_id`; return the new message's id, None if Twitch dropped it.

        Raises:
            ColorChangerError: it could not be sent.
        """
        ...


async def obey(painter: Painter, text: str) -> str:
    """Do what `text` (all that follows the command's name) asks for the account; return the answer, one line."""
    verb, _, rest = text.strip().partition(" ")
    if not verb:
        return status(painter)
    action = ACTIONS.get(verb.lower())
    if action is not None:
        return await action(painter, rest.strip())
    try:
        color = Color.parse(text)  # `!color hot pink` says all there is to say
    except UnknownColor:
        return _unknown(verb)
    return await _hold(painter, color)


def status(painter: Painter) -> str:
    """Return in one line how the account stands."""
    settings = painter.settings
    if not settings.enabled:
        return "off (!color on turns it on)"
    current = f", now {painter.current}" if painter.current else ""
    trouble = f"; last change failed: {painter.trouble}" if painter.trouble else ""
    return f"on, {painter.strategy.name}{current}{trouble}"


async def _status(painter: Painter, _rest: str) -> str:
    return status(painter)


async def _on(painter: Painter, _rest: str) -> str:
    await painter.adjust(enabled=True)
    return f"on: a new colour after each of your messages ({painter.strategy.name})"


async def _off(painter: Painter, _rest: str) -> str:
    await painter.adjust(enabled=False)
    if not painter.settings.restore:
        return "off: your colour stays as it is"
    restored = await _in_time(painter.restore())
    if restored is not None and restored.result == "changed":
        return f"off: your colour is {restored.color} again, as before"
    return "off: your colour stays as it is"


async def _set(painter: Painter, rest: str) -> str:
    if not rest:
        return "which colour? For example: hex #ff8800, or: set hot pink"
    try:
        color = Color.parse(rest)
    except UnknownColor as error:
        return str(error)
    return await _hold(painter, color)


async def _hold(painter: Painter, color: Color) -> str:
    await painter.adjust(strategy="hold", base=color.hex)
    return _tell(await _in_time(painter.show(color)), "and stays so (!color random goes on)")


async def _next(painter: Painter, _rest: str) -> str:
    return _tell(await _in_time(painter.show()))


async def _undo(painter: Painter, _rest: str) -> str:
    change = await _in_time(painter.undo())
    return "there is no colour before this one" if change is None else _tell(change)


async def _keep(painter: Painter, _rest: str) -> str:
    if painter.current is None:
        return "I do not know your colour yet: write a message first"
    await painter.adjust(strategy="hold", base=painter.current.hex)
    return f"{painter.current} stays (!color random goes on)"


async def _random(painter: Painter, _rest: str) -> str:
    await painter.adjust(strategy="random")
    return "random: a readable colour, clearly another one, after each of your messages"


async def _presets(painter: Painter, _rest: str) -> str:
    await painter.adjust(strategy="presets")
    return "presets: Twitch's own colour names, after each of your messages"


async def _help(_painter: Painter, _rest: str) -> str:
    return "!color " + " | ".join(ACTIONS)


ACTIONS: dict[str, Callable[[Painter, str], Awaitable[str]]] = {
    "status": _status,
    "on": _on,
    "off": _off,
    "hex": _set,
    "set": _set,
    "next": _next,
    "undo": _undo,
    "keep": _keep,
    "random": _random,
    "presets": _presets,
    "help": _help,
}


async def _in_time(change: Awaitable[Change | None]) -> Change | None:
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            return await change
    except TimeoutError:
        return Change("", "", "unavailable", None, ANSWER_SECONDS, "Twitch has not answered yet")


def _tell(change: Change | None, more: str = "") -> str:
    """Return how a change ended, in words."""
    if change is None:
        return "nothing to change"
    match change.result:
        case "changed" | "unneeded":
            return f"your colour is {change.color} {more}".strip()
        case "superseded":
            return "something newer came in between"
        case "unknown":
            return "Twitch did not answer: your next message shows whether it worked"
        case _:
            return f"no new colour: {change.reason}"


def _unknown(verb: str) -> str:
    shown = "".join(character for character in verb[:SHOWN_CHARACTERS] if character.isprintable())
    close = get_close_matches(verb.lower()[:SHOWN_CHARACTERS], ACTIONS, n=1)
    hint = f"did you mean {close[0]}?" if close else f"I know: {', '.join(ACTIONS)}, or a colour"
    return f'I do not know "{shown}": {hint}'
