"""What a plan will look like: the next colours as data, table, HTML page or picture."""

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import MAXYEAR, datetime, timedelta
from html import escape
from itertools import islice
from random import Random
from typing import NamedTuple

from rich.console import Console
from rich.text import Text

from colorchanger_bot.color import DARK, LIGHT, PRESETS, Color, Moment, Plan, build

_SAMPLE = "YourName"
_HISTORY = 10
_NAME_WIDTH, _TABLE_WIDTH = 13, 67
"""In columns of the terminal; names and margins are left out where they do not fit."""
_LEGEND = (
    "dark, light: contrast with that theme; 3 or more is readable.\n"
    "step: difference from the colour above; 0.15 or more is easy to see."
)
# For strategies that need colours when the settings have none: Twitch names that are readable on both themes.
_SAMPLES: dict[str, object] = {"colors": ["orange_red", "dodger_blue", "sea_green"], "base": "dodger_blue"}
# `daily` changes with time alone, so time passes in a preview: a day for each row, or quarters of an hour until the
# colour changes, for a whole day at most.
_DAY, _QUARTER, _QUARTERS = timedelta(days=1), timedelta(minutes=15), 96
# A picture has this many names in a row, each this many pixels wide and high.
_ACROSS, _WIDTH, _HEIGHT = 10, 92, 30


class Row(NamedTuple):
    """One colour of a preview; `step` is the OKLab distance to the one before, None for the first."""

    hex: str
    contrast_dark: float
    contrast_light: float
    step: float | None


def rows(plan: Plan, n: int, rng: Random, now: datetime, presets_only: bool = False) -> Iterator[Row]:
    """The next `n` colours of a plan; if the strategy keeps a colour, the same one again.

    Raises:
        ConfigError: the plan cannot be built.
    """
    strategy = build(plan)
    seen = _chatters(rng) if strategy.wants_seen else ()
    history: list[Color] = []
    times = _times(plan, now)
    for _ in range(n):
        moments = (Moment(history, rng, time, seen, presets_only) for time in islice(times, _patience(plan)))
        shown = history[0] if history else None
        color = next(filter(None, map(strategy.next, moments)), shown)
        if color is None:
            return
        yield Row(color.hex, color.contrast(DARK), color.contrast(LIGHT), color.distance(shown) if shown else None)
        history = [color, *history[: _HISTORY - 1]]


def samples_for(plan: Plan, strategy: str) -> dict[str, object]:
    """Return example values for the keys that a strategy needs and that the plan does not have."""
    needed = {"palette": "colors", "gradient": "colors", "shades": "base", "hold": "base"}.get(strategy)
    return {needed: _SAMPLES[needed]} if needed and not getattr(plan, needed) else {}


def as_json(row: Row) -> str:
    """A row as one line of JSON: an object with the keys of `Row`, numbers to six decimals."""
    return json.dumps({key: round(value, 6) if isinstance(value, float) else value for key, value in _items(row)})


def print_table(console: Console, rows: Iterable[Row]) -> None:
    """Print each row as it comes: a name on both backgrounds, and the numbers."""
    room = _NAME_WIDTH if console.width >= _TABLE_WIDTH else 0
    sample = f"  {_SAMPLE}  " if console.width >= _TABLE_WIDTH - _NAME_WIDTH else f" {_SAMPLE} "
    wide = len(sample)
    grounds = f"{'on dark':^{wide}}{'on light':^{wide}}"
    header = f"{grounds} {'colour':<8} {'name':<{room}.{room}}{'dark':>6}{'light':>7}{'step':>7}"
    console.print(Text(header, no_wrap=True, overflow="crop"))
    shown = False
    for row in rows:
        shown = True
        line = Text(no_wrap=True, overflow="crop")
        for ground in (DARK, LIGHT):
            line.append(sample, style=f"bold {row.hex} on {ground.hex}")
        step = "" if row.step is None else f"{row.step:.3f}"
        name = Color.parse(row.hex).name or ""
        line.append(f" {row.hex:<8} {name:<{room}.{room}}{row.contrast_dark:6.2f}{row.contrast_light:7.2f}{step:>7}")
        console.print(line)
    if shown:
        console.print(Text(_LEGEND, style="dim"))


def as_html(plan: Plan, rows: Iterable[Row]) -> str:
    """A self-contained page that shows the colours as names in a dark and in a light chat."""
    found = list(rows)
    title = f"ColorChanger: {plan.strategy}"
    facts = f"theme {plan.theme}, contrast at least {plan.min_contrast:g}, step at least {plan.min_step:g}"
    chats = "".join(
        f'<section class="{ground}" aria-label="{ground} chat">{"".join(map(_message, found))}</section>'
        for ground in ("dark", "light")
    )
    return _PAGE.format(title=escape(title), facts=escape(facts), chats=chats, dark=DARK.hex, light=LIGHT.hex)


def as_svg(rows: Sequence[Row], label: str) -> str:
    """A picture of the colours, in reading order, as names on a dark background and below on a light one."""
    lines = [rows[start : start + _ACROSS] for start in range(0, len(rows), _ACROSS)]
    width, height = _ACROSS * _WIDTH, _HEIGHT * len(lines)
    grounds = "".join(
        f'<rect y="{place * height}" width="{width}" height="{height}" fill="{ground.hex}"/>'
        for place, ground in enumerate((DARK, LIGHT))
    )
    names = "\n".join(
        f'<text x="{across * _WIDTH + _WIDTH // 2}" y="{down * _HEIGHT + 20}" fill="{row.hex}">{_SAMPLE}</text>'
        for down, line in enumerate(lines + lines)
        for across, row in enumerate(line)
    )
    return _PICTURE.format(label=escape(label), width=width, height=2 * height, grounds=grounds, names=names)


def _items(row: Row) -> Iterator[tuple[str, str | float | None]]:
    return zip(Row._fields, row, strict=True)


def _message(row: Row) -> str:
    """One line of chat with its numbers."""
    step = "" if row.step is None else f", step {row.step:.3f}"
    numbers = f"{row.hex}, {row.contrast_dark:.2f} on dark, {row.contrast_light:.2f} on light{step}"
    return f'<p><b style="color:{row.hex}">{_SAMPLE}</b>: this is what it looks like <small>{numbers}</small></p>\n'


def _times(plan: Plan, now: datetime) -> Iterator[datetime]:
    """The times of the colours: from now on, and from now again when the calendar ends."""
    pace = _QUARTER if plan.period == "clock" else _DAY
    while True:
        time = now
        while time.year < MAXYEAR:
            yield time
            time += pace


def _patience(plan: Plan) -> int:
    """How often to ask for one row: only `daily` by the clock needs more than once."""
    return _QUARTERS if plan.strategy == "daily" and plan.period == "clock" else 1


def _chatters(rng: Random) -> tuple[Color, ...]:
    """Thirty other chatters, most of them with one of the names, as in a real channel."""
    names = [rng.choice(PRESETS) for _ in range(20)]
    return (*names, *(Color(rng.randrange(1 << 24)) for _ in range(10)))


_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ margin: 0; font: 14px/1.5 Inter, Roobert, "Helvetica Neue", Helvetica, Arial, sans-serif; }}
header {{ padding: 12px 20px; border-bottom: 1px solid #8888; }}
h1 {{ margin: 0; font-size: 18px; }}
main {{ display: grid; grid-template-columns: repeat(auto-fit, minmax(340px, 1fr)); }}
section {{ padding: 10px 20px; }}
p {{ margin: 0; padding: 3px 0; }}
small {{ opacity: .7; white-space: nowrap; }}
.dark {{ background: {dark}; color: #EFEFF1; }}
.light {{ background: {light}; color: #0E0E10; }}
</style>
<header><h1>{title}</h1>{facts}</header>
<main>{chats}</main>
</html>
"""

_PICTURE = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" aria-label="{label}">
<title>{label}</title>
{grounds}
<g font-family="Inter, Helvetica, Arial, sans-serif" font-size="15" font-weight="700" text-anchor="middle">
{names}
</g>
</svg>
"""
