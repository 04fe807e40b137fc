"""What each word after `!color` does to an account's colours, and the one line that answers it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Protocol

from colorchanger_bot.changer.painter import Change, Painter
from colorchanger_bot.color import Color
from colorchanger_bot.errors import ConfigError, UnknownColor

ANSWER_SECONDS = 12.0
"""How long an answer waits for Twitch: a request may take 10 s, and the change is made also without an answer."""
MOST_COLORS = 30
"""In a palette or gradient that is typed in chat."""

MOST_CHANNELS = 100
"""Twitch lets an account read so many channels (EventSub, "channel.chat.message")."""

Action = Callable[[Painter, str], Awaitable[str]]
_LOGIN = re.compile(r"[a-z0-9_]{1,25}")


class World(Protocol):
    """What some words need beyond the account's own colour."""

    async def color_of(self, user_id: str, login: str) -> Color | None:
        """Return the colour of somebody else, asked as `user_id`; None for one who never chose.

        Raises:
            UnknownUser: there is nobody of that name.
            ColorChangerError: Twitch does not tell.
        """
        ...

    def channels(self, user_id: str) -> tuple[str, ...] | None:
        """Return the channels that the account reads; None where they are not ours to choose."""
        ...

    def counts(self, user_id: str, channel_id: str) -> bool:
        """Return whether what the account writes in this channel counts: another account may read it here as well."""
        ...

    async def read(self, user_id: str, channels: tuple[str, ...]) -> None:
        """Let the account read these channels from now on, and over a restart."""
        ...


def status(painter: Painter) -> str:
    """Return in one line how the account stands."""
    settings = painter.settings
    if not settings.enabled:
        return "off (!color on turns it on)"
    current = f", now {painter.current}" if painter.current else ""
    trouble = f"; last change failed: {painter.trouble}" if painter.trouble else ""
    return f"on, {painter.strategy.name}{current}{trouble}"


async def hold(painter: Painter, color: Color) -> str:
    """Show a colour now and keep it."""
    await painter.adjust(strategy="hold", base=color.hex)
    return _tell(await _in_time(painter.show(color)), "and stays so (!color random goes on)")


async def _status(painter: Painter, _rest: str) -> str:
    return status(painter)


async def _on(painter: Painter, _rest: str) -> str:
    await painter.adjust(enabled=True)
    return f"on: a new colour after each of your messages ({painter.strategy.name})"


async def _off(painter: Painter, _rest: str) -> str:
    await painter.adjust(enabled=False)
    if painter.settings.restore:
        restored = await _in_time(painter.restore())
        if restored is not None and restored.result == "changed":
            return f"off: your colour is {restored.color} again, as before"
    return "off: your colour stays as it is"


async def _set(painter: Painter, rest: str) -> str:
    if not rest:
        return "which colour? For example: hex #ff8800, or: set hot pink"
    return await hold(painter, Color.parse(rest))


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


async def _restore(painter: Painter, _rest: str) -> str:
    change = await _in_time(painter.restore())
    return "your colour is the one from before already" if change is None else _tell(change, "again, as before")


async def _random(painter: Painter, _rest: str) -> str:
    await painter.adjust(strategy="random")
    return "random: a readable colour, clearly another one, after each of your messages"


async def _presets(painter: Painter, _rest: str) -> str:
    await painter.adjust(strategy="presets")
    return "presets: Twitch's own colour names, after each of your messages"


async def _rainbow(painter: Painter, rest: str) -> str:
    words = rest.lower().split()
    reverse = "reverse" in words
    numbers = [word for word in words if word != "reverse"]
    step = _number(numbers[0].removesuffix("°")) if numbers else None
    if len(numbers) > 1 or (numbers and step is None):
        return "rainbow takes degrees from colour to colour, and reverse; for example: rainbow 15 reverse"
    await painter.adjust(strategy="rainbow", step=step, reverse=reverse)
    pace = "in even steps" if step is None else f"in steps of {step:g} degrees"
    return f"rainbow: round the wheel {pace}{', backwards' if reverse else ''}"


async def _palette(painter: Painter, rest: str) -> str:
    colors = _colors(rest)
    if not colors:
        return "which colours? For example: palette red #ff8800 hot_pink"
    await painter.adjust(strategy="palette", colors=[color.hex for color in colors])
    return f"palette: {', '.join(map(str, colors))}, one after the other"


async def _gradient(painter: Painter, rest: str) -> str:
    colors = _colors(rest)
    if len(colors) < 2:
        return "from which colour to which? For example: gradient red blue"
    await painter.adjust(strategy="gradient", colors=[color.hex for color in colors], steps=None)
    return f"gradient: from {' to '.join(map(str, colors))} and back"


async def _shades(painter: Painter, rest: str) -> str:
    if not rest:
        return "shades of which colour? For example: shades dodger blue"
    base = Color.parse(rest)
    await painter.adjust(strategy="shades", base=base.hex)
    return f"shades: of {base}"


async def _daily(painter: Painter, rest: str) -> str:
    period = {"": "day", "day": "day", "clock": "clock"}.get(rest.lower())
    if period is None:
        return "daily is one colour a day; daily clock goes with the time of day"
    await painter.adjust(strategy="daily", period=period)
    return "daily: one colour a day" if period == "day" else "daily: the hue goes with the time of day"


async def _standout(painter: Painter, _rest: str) -> str:
    await painter.adjust(strategy="standout")
    return "standout: as unlike the others in chat as possible"


async def _delay(painter: Painter, rest: str) -> str:
    numbers = [_number(word.removesuffix("s")) for word in rest.replace(",", " ").split()]
    wanted = [number for number in numbers if number is not None]
    if not wanted or len(wanted) != len(numbers) or len(wanted) > 2:
        return "how many seconds? For example: delay 2, or: delay 1 3"
    await painter.adjust(delay=(min(wanted), max(wanted)))
    least, most = painter.settings.delay
    return (
        f"a new colour {least:g} s after a message" if least == most else f"a new colour {least:g} to {most:g} s after"
    )


async def _recheck(painter: Painter, _rest: str) -> str:
    painter.recheck()
    return "the next colour may be any again: if Twitch refuses it, I go back to its own names"


async def _like(painter: Painter, rest: str, world: World) -> str:
    login = _login(rest)
    if login is None:
        return "like whom? For example: like somebody"
    color = await world.color_of(painter.user_id, login)
    return f"{login} never chose a colour" if color is None else await hold(painter, color)


async def _join(painter: Painter, rest: str, world: World) -> str:
    login, channels = _login(rest), world.channels(painter.user_id)
    if channels is None:
        return NOT_OURS
    if login is None:
        return "which channel? For example: join afriend"
    if login in channels:
        return f"#{login} is read already"
    if len(channels) >= MOST_CHANNELS:
        return f"Twitch allows {MOST_CHANNELS} channels; leave one first"
    await world.read(painter.user_id, (*channels, login))
    return f"from now on also in #{login}"


async def _leave(painter: Painter, rest: str, world: World) -> str:
    login, channels = _login(rest), world.channels(painter.user_id)
    if channels is None:
        return NOT_OURS
    if login not in channels:
        return f"I read {', '.join(f'#{channel}' for channel in channels)}; for example: leave {channels[0]}"
    if len(channels) == 1:
        return f"#{login} is the only channel that is read; !color off stops the colours"
    await world.read(painter.user_id, tuple(channel for channel in channels if channel != login))
    return f"no longer in #{login}"


async def _help(_painter: Painter, _rest: str) -> str:
    return "!color " + " | ".join(WORDS)


ACTIONS: dict[str, Action] = {
    "status": _status,
    "on": _on,
    "off": _off,
    "hex": _set,
    "set": _set,
    "next": _next,
    "undo": _undo,
    "keep": _keep,
    "random": _random,
    "rainbow": _rainbow,
    "presets": _presets,
    "palette": _palette,
    "gradient": _gradient,
    "shades": _shades,
    "daily": _daily,
    "standout": _standout,
    "delay": _delay,
    "recheck": _recheck,
    "restore": _restore,
    "help": _help,
}

WORLDLY: dict[str, Callable[[Painter, str, World], Awaitable[str]]] = {
    "like": _like,
    "join": _join,
    "leave": _leave,
}
WORDS = (*ACTIONS, *WORLDLY)
NOT_OURS = "which channels this bot reads is its own affair"


def _login(text: str) -> str | None:
    """The login that somebody wrote, perhaps with a sign in front."""
    login = text.strip().lstrip("@#").lower()
    return login if _LOGIN.fullmatch(login) else None


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if abs(number) < 1e6 else None


def _colors(text: str) -> list[Color]:
    """Read colours: separated by commas, where a name may hold a space, else by spaces.

    Raises:
        UnknownColor: one of them is none.
    """
    parts = text.split(",") if "," in text else text.split()
    return [Color.parse(part) for part in parts[:MOST_COLORS] if part.strip()]


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


def in_words(error: ConfigError | UnknownColor) -> str:
    """Return what is wrong with what was typed, without the places of a settings file."""
    if isinstance(error, UnknownColor):
        return str(error)
    problem = error.problems[0]
    return problem.removeprefix("color.")
