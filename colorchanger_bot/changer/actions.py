"""What each word after `!color` does to the colours of an account."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from colorchanger_bot.changer import results
from colorchanger_bot.changer.channels import join, leave, login_in
from colorchanger_bot.changer.painter import Painter
from colorchanger_bot.changer.pending_changes import Change
from colorchanger_bot.changer.platform import Platform
from colorchanger_bot.changer.results import CommandResult
from colorchanger_bot.color import Color, Ground, fitting_names, unreadable_on
from colorchanger_bot.errors import UnknownUser

ANSWER_SECONDS = 12.0
"""How long a reply waits for Twitch: a request may take 10 s, and the change goes on without the reply."""
MOST_COLORS = 30
"""In a palette or gradient that is typed in chat."""
T = TypeVar("T")


Action = Callable[[Painter, str, Platform], Awaitable[CommandResult]]


async def hold(painter: Painter, color: Color) -> CommandResult:
    """Show a colour now and stay at it."""
    before = painter.held
    await painter.hold(color)
    change = await _in_time(painter, painter.show(color))
    if change.result == "rejected":
        await painter.hold(before)
    shown = change.color if change.result == "changed" and change.color is not None else color
    return results.Held(color, change, _hard_to_read(painter, shown))


async def _status(painter: Painter, _rest: str, _platform: Platform) -> CommandResult:
    return results.Status(
        enabled=painter.settings.enabled,
        strategy=painter.strategy.name,
        held=painter.held,
        current=painter.current,
        trouble=painter.trouble,
        names=_names(painter),
        replies_left_out=painter.replies_left_out,
    )


async def _on(painter: Painter, _rest: str, _platform: Platform) -> CommandResult:
    await painter.adjust(enabled=True, release=True)
    return results.TurnedOn(painter.strategy.name)


async def _off(painter: Painter, _rest: str, _platform: Platform) -> CommandResult:
    await painter.adjust(enabled=False)
    change = await _in_time(painter, painter.restore()) if painter.settings.restore else None
    return results.TurnedOff(change.color if change is not None and change.result == "changed" else None)


async def _set(painter: Painter, rest: str, _platform: Platform) -> CommandResult:
    return await hold(painter, Color.parse(rest)) if rest else results.Misunderstood("hex")


async def _next(painter: Painter, _rest: str, _platform: Platform) -> CommandResult:
    if painter.held is not None:
        await painter.hold(None)
    change = await _in_time(painter, painter.show())
    return results.Changed(change._replace(color=change.color or painter.current))


async def _undo(painter: Painter, _rest: str, _platform: Platform) -> CommandResult:
    earlier = painter.earlier
    if earlier is None:
        return results.NotPossible("no earlier color")
    if painter.held is not None:
        return await hold(painter, earlier)
    return results.Changed(await _in_time(painter, painter.show(earlier)))


async def _keep(painter: Painter, _rest: str, _platform: Platform) -> CommandResult:
    color = painter.current
    if color is None:
        return results.NotPossible("color unknown")
    if painter.is_changing:
        return await hold(painter, color)
    await painter.hold(color)
    return results.Held(color, None, _hard_to_read(painter, color))


async def _restore(painter: Painter, _rest: str, _platform: Platform) -> CommandResult:
    change = await _in_time(painter, painter.restore())
    if change is None:
        return results.NotPossible("already original")
    if painter.held is not None and change.result == "changed":
        await painter.hold(change.color)  # or the next message would bring the held colour back
    return results.Changed(change)


async def _rainbow(painter: Painter, rest: str, _platform: Platform) -> CommandResult:
    words = rest.lower().split()
    reverse = "reverse" in words
    numbers = [word for word in words if word != "reverse"]
    step = _number(numbers[0].removesuffix("°")) if numbers else None
    if len(numbers) > 1 or (numbers and step is None):
        return results.Misunderstood("rainbow")
    return await _use(painter, "rainbow", step=step, reverse=reverse)


async def _palette(painter: Painter, rest: str, _platform: Platform) -> CommandResult:
    colors = _colors(rest)
    if not 1 <= len(colors) <= MOST_COLORS:
        return results.Misunderstood("palette")
    return await _use(painter, "palette", colors=[color.hex for color in colors])


async def _gradient(painter: Painter, rest: str, _platform: Platform) -> CommandResult:
    colors = _colors(rest)
    if not 2 <= len(colors) <= MOST_COLORS:
        return results.Misunderstood("gradient")
    return await _use(painter, "gradient", colors=[color.hex for color in colors], steps=None)


async def _shades(painter: Painter, rest: str, _platform: Platform) -> CommandResult:
    if not rest:
        return results.Misunderstood("shades")
    return await _use(painter, "shades", base=Color.parse(rest).hex)


async def _daily(painter: Painter, rest: str, _platform: Platform) -> CommandResult:
    period = {"": "day", "day": "day", "clock": "clock"}.get(rest.lower())
    return results.Misunderstood("daily") if period is None else await _use(painter, "daily", period=period)


async def _delay(painter: Painter, rest: str, _platform: Platform) -> CommandResult:
    numbers = [_number(word.removesuffix("s")) for word in rest.replace(",", " ").split()]
    wanted = [number for number in numbers if number is not None]
    if not wanted or len(wanted) != len(numbers) or len(wanted) > 2:
        return results.Misunderstood("delay")
    await painter.adjust(delay=(min(wanted), max(wanted)))
    return results.DelaySet(*painter.settings.delay, painter.settings.enabled, painter.held)


async def _recheck(painter: Painter, _rest: str, _platform: Platform) -> CommandResult:
    await painter.recheck()
    return results.Rechecking()


async def _like(painter: Painter, rest: str, platform: Platform) -> CommandResult:
    login = login_in(rest)
    if login is None:
        return results.Misunderstood("like")
    try:
        color = await platform.color_of(painter.user_id, login)
    except UnknownUser:
        return results.NotPossible("no such user", (login,))
    return results.NotPossible("never chose a color", (login,)) if color is None else await hold(painter, color)


async def _help(_painter: Painter, _rest: str, _platform: Platform) -> CommandResult:
    return results.Help()


def _plain(strategy: str) -> Action:
    """Return the command of a strategy without keys of its own."""

    async def use(painter: Painter, _rest: str, _platform: Platform) -> CommandResult:
        return await _use(painter, strategy)

    return use


ACTIONS: dict[str, Action] = {
    "status": _status,
    "on": _on,
    "off": _off,
    "hex": _set,
    "set": _set,
    "next": _next,
    "undo": _undo,
    "keep": _keep,
    "random": _plain("random"),
    "rainbow": _rainbow,
    "presets": _plain("presets"),
    "palette": _palette,
    "gradient": _gradient,
    "shades": _shades,
    "daily": _daily,
    "standout": _plain("standout"),
    "delay": _delay,
    "like": _like,
    "join": join,
    "leave": leave,
    "recheck": _recheck,
    "restore": _restore,
    "help": _help,
}


async def _use(painter: Painter, strategy: str, **keys: Any) -> CommandResult:
    """Choose the colours by a strategy from now on.

    Raises:
        ConfigError: a value is out of range.
    """
    await painter.adjust(release=True, strategy=strategy, **keys)
    settings = painter.settings
    colors = settings.colors if "colors" in keys else ()
    return results.StrategySet(
        strategy,
        colors=colors,
        base=settings.base if "base" in keys else None,
        step=settings.step if strategy == "rainbow" else None,
        reverse=strategy == "rainbow" and settings.reverse,
        by_clock=strategy == "daily" and settings.period == "clock",
        names=_names(painter) or (_fitting(painter) if strategy == "presets" else None),
        hard_to_read=tuple(color for color in colors if _hard_to_read(painter, color)),
        enabled=settings.enabled,
    )


async def _in_time(painter: Painter, change: Awaitable[T]) -> T | Change:
    """Wait for a change as long as a reply may take; the change itself goes on."""
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            return await change
    except TimeoutError:
        return Change(painter.user_id, painter.login, "pending", None, ANSWER_SECONDS)


def _names(painter: Painter) -> results.Names | None:
    return _fitting(painter) if painter.names_only else None


def _fitting(painter: Painter) -> results.Names:
    settings = painter.settings
    return results.Names(len(fitting_names(settings.theme, settings.min_contrast)), settings.theme)


def _hard_to_read(painter: Painter, color: Color) -> tuple[Ground, ...]:
    return unreadable_on(color, painter.settings.theme, painter.settings.min_contrast)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if abs(number) < 1e6 else None


def _colors(text: str) -> list[Color]:
    """Read colours, separated by commas, where a name may contain a space, else by spaces.

    Raises:
        UnknownColor: one of them is none.
    """
    parts = text.split(",") if "," in text else text.split()
    return [Color.parse(part) for part in parts if part.strip()]
