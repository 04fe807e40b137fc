"""The picture of a chat in the terminal: its last lines, on both themes."""

from __future__ import annotations

import io
import sys
from collections import deque
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from colorchanger_bot.color import DARK, LIGHT, Color
from colorchanger_bot.console import save, width

SHOWN_LINES = 14
SVG_WIDTH = 104


@dataclass(slots=True)
class ChatPicture:
    """The last lines of chat, drawn on both themes."""

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


def screen(picture: ChatPicture) -> Live | nullcontext[None]:
    """The live picture, on a terminal that can show one."""
    columns = width(sys.stdout)
    if columns is None:
        return nullcontext()
    # Leave room for the "^C" that a terminal shows, or the line wraps and the picture moves down.
    console = Console(highlight=False, width=columns - 3)
    return Live(picture.render(), console=console, auto_refresh=False) if console.is_terminal else nullcontext()


def save_svg(picture: ChatPicture, summary: str, path: Path) -> None:
    """Save the picture, with a line below it."""
    console = Console(record=True, width=SVG_WIDTH, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(picture.render())
    console.print(f"\n {summary}", highlight=False)
    save(path, console.export_svg(title="colorchanger demo"))
