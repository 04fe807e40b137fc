"""`colorchanger demo`: the real bot, logged in by the real device flow, against a local Twitch, in the terminal."""

from __future__ import annotations

import asyncio
import io
import random
import statistics
import sys
import tempfile
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from colorchanger_bot.auth.device import log_in
from colorchanger_bot.auth.scopes import needed_scopes
from colorchanger_bot.changer.changes import Change
from colorchanger_bot.cli.options import save
from colorchanger_bot.clock import SystemClock
from colorchanger_bot.color import DARK, LIGHT, Color
from colorchanger_bot.sandbox import CROWD, LocalTwitch, Script
from colorchanger_bot.service import logs
from colorchanger_bot.service.service import Service
from colorchanger_bot.settings.load import Settings
from colorchanger_bot.store.store import Store
from colorchanger_bot.twitch.http import open_session
from colorchanger_bot.twitch.oauth import OAuth

ME = "you"
DELAY_SECONDS = (0.1, 0.3)
WHOLE_SECONDS = 9.0
"""The chat of any number of messages fits into about so long."""
CHANGE_SECONDS = 3.0
SHOWN_LINES = 14
SVG_WIDTH = 104
UNCHOSEN = Color.parse("#9146FF")
"""What chat draws for somebody who never chose a colour (Twitch picks one; this stands for it)."""


@dataclass(slots=True)
class Stage:
    """What the audience sees."""

    lines: deque[tuple[str, Color, str]] = field(default_factory=lambda: deque(maxlen=SHOWN_LINES))

    def render(self) -> Table:
        """Return the chat as it looks on both themes."""
        table = Table.grid(padding=(0, 1), expand=True)
        table.add_column(ratio=1)
        table.add_column(ratio=1)
        table.add_row(Text(" Twitch's dark theme", style="dim"), Text(" Twitch's light theme", style="dim"))
        for login, color, text in self.lines:
            table.add_row(_line(login, color, text, DARK), _line(login, color, text, LIGHT))
        return table


def _line(login: str, color: Color, text: str, ground: Color) -> Text:
    ink = "#EFEFF1" if ground is DARK else "#0E0E10"
    line = Text(style=f"{ink} on {ground.hex}", no_wrap=True, overflow="crop")
    line.append(f" {login}", style=f"bold {color.hex}")
    line.append(f": {text}")
    line.pad_right(200)
    return line


async def play(messages: int, *, debug: bool = False, svg: Path | None = None) -> None:
    """Play the demo with so many own messages; ends by itself. The last picture is saved as `svg`, if given."""
    console = Console(highlight=False)
    with tempfile.TemporaryDirectory(prefix="colorchanger-demo-") as folder:
        async with LocalTwitch(auto_approve=ME, device_interval=0.5) as twitch:
            twitch.add_user(ME, UNCHOSEN.hex, turbo=True)
            for login, color in CROWD:
                twitch.add_user(login, color)
            settings = _settings(twitch, Path(folder))
            logs.setup(settings.log, debug=debug)
            async with Store.open(settings.storage.url) as store:
                await _log_in(twitch, settings, store, console)
                async with Service.running(settings, store) as service:
                    stage, summary = await _chat(twitch, service, messages, console)
    console.print(f"\n{summary}")
    if svg is not None:
        _save(stage, summary, svg)


def _settings(twitch: LocalTwitch, folder: Path) -> Settings:
    app = twitch.add_app()
    return Settings.of(
        {
            "app": {"client_id": app.client_id},
            "color": {"delay": DELAY_SECONDS, "restore": False},
            "storage": {"url": f"sqlite:///{(folder / 'demo.sqlite3').as_posix()}"},
            "log": {"level": "WARNING"},
            "twitch": {"api_url": twitch.api_url, "id_url": twitch.id_url, "eventsub_url": twitch.eventsub_url},
        }
    )


async def _log_in(twitch: LocalTwitch, settings: Settings, store: Store, console: Console) -> None:
    async with open_session() as session:
        clock = SystemClock()
        oauth = OAuth(session, client_id=settings.app.client_id, client_secret="", id_url=twitch.id_url, clock=clock)
        made = await log_in(
            oauth,
            store,
            needed_scopes(settings),
            clock=clock,
            show=lambda code: console.print(
                f"A local Twitch runs on {twitch.id_url}. Logging in with the code {code.user_code} ..."
            ),
        )
        console.print(
            f"Logged in as [bold]{made.login}[/bold], a made-up account that writes and watches its colour change.\n"
        )


async def _chat(twitch: LocalTwitch, service: Service, messages: int, console: Console) -> tuple[Stage, str]:
    changes: list[Change] = []
    changed = asyncio.Event()

    def on_change(change: Change) -> None:
        if change.result == "changed":
            changes.append(change)
            changed.set()

    service.changer.on_change(on_change)
    await twitch.wait_subscribed(ME, ME, timeout=10)
    lines = list(Script(ME, random.Random()).lines(messages))
    pace = min(1.0, WHOLE_SECONDS / (sum(line.pause for line in lines) + messages * DELAY_SECONDS[1]))
    stage = Stage()
    live = console.is_terminal
    with Live(stage.render(), console=console, auto_refresh=False, transient=False) if live else _Quiet() as screen:
        for line in lines:
            await asyncio.sleep(line.pause * pace)
            color = _shown(twitch, line.login)
            changed.clear()
            await twitch.say(line.login, in_=ME, text=line.text)
            stage.lines.append((line.login, color, line.text))
            if live:
                screen.update(stage.render(), refresh=True)
            else:
                console.print(f"{color.hex}  {line.login}: {line.text}", markup=False)
            if line.login == ME:
                # The last change is waited for too: it is what the last message brings about.
                async with asyncio.timeout(CHANGE_SECONDS):
                    await changed.wait()
    return stage, _summary(messages, changes)


def _shown(twitch: LocalTwitch, login: str) -> Color:
    color = twitch.user(login).color
    return Color.parse(color) if color else UNCHOSEN


def _summary(messages: int, changes: list[Change]) -> str:
    median = statistics.median(change.seconds for change in changes)
    delay = f"{DELAY_SECONDS[0]:g} to {DELAY_SECONDS[1]:g} s of delay"
    return (
        f"{messages} messages, {len(changes)} colour changes, median {median * 1000:.0f} ms from message to colour"
        f" (with {delay})"
    )


def _save(stage: Stage, summary: str, path: Path) -> None:
    console = Console(record=True, width=SVG_WIDTH, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(stage.render())
    console.print(f"\n {summary}", highlight=False)
    save(path, console.export_svg(title="colorchanger demo"))


class _Quiet:
    """Stands for the live picture where there is no terminal."""

    def __enter__(self) -> _Quiet:
        return self

    def __exit__(self, *_: object) -> None:
        sys.stdout.flush()

    def update(self, *_: object, **__: object) -> None:
        """Draw nothing."""
