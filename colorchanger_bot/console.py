"""Writing for a person: lines on a terminal, with colours where it shows them, and files that somebody asked for.

Sentences are wrapped between words on a terminal; what may be copied, and what goes into a pipe, is left as it is.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import unicodedata
from pathlib import Path
from typing import TextIO

from colorchanger_bot.errors import ConfigError
from colorchanger_bot.redaction import one_line

FEWEST_COLUMNS = 10
"""A terminal that says it is narrower is taken to be this wide."""
_STYLE = re.compile("\x1b\\[[0-9;]*m")
_HEX = re.compile("#[0-9A-Fa-f]{6}")
_WORDS = re.compile(r"(\s+)")
_CUBE = (0, 95, 135, 175, 215, 255)
"""The levels of red, green and blue in a palette of 256 colours."""


def say(text: str, *, error: bool = False) -> None:
    """Print sentences, wrapped between words on a terminal."""
    echo(wrapped(text, sys.stderr if error else sys.stdout), error=error)


def echo(text: str, *, error: bool = False, end: str = "\n") -> None:
    """Print at once, as it is; the work goes on even if nobody reads it any more."""
    try:
        if stream := sys.stderr if error else sys.stdout:  # a closed one is None
            print(text, end=end, file=stream, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2 if error else 1)  # else Python complains at exit about the rest


def save(path: Path, text: str) -> None:
    """Write a file that somebody asked for.

    Raises:
        ConfigError: it cannot be written.
    """
    try:
        path.write_text(text, encoding="utf-8", newline="\n")
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise ConfigError([f"{one_line(str(path))}: cannot be written: {why}"]) from None


# The terminal


def is_terminal(stream: TextIO | None) -> bool:
    """Return whether a person looks at this stream."""
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # closed
        return False


def has_colors(stream: TextIO | None) -> bool:
    """Return whether to write colours there: on a terminal that has them, unless `NO_COLOR` is set."""
    return is_terminal(stream) and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def width(stream: TextIO | None) -> int | None:
    """Return the columns of a terminal; None for anything else, which has no width."""
    return max(FEWEST_COLUMNS, _columns(stream)) if is_terminal(stream) else None


def size() -> tuple[int, int]:
    """Return columns and lines of the terminal, or of a usual one where there is none."""
    return shutil.get_terminal_size()


def _columns(stream: TextIO | None) -> int:
    if os.environ.get("COLUMNS", "").isdecimal():
        return int(os.environ["COLUMNS"])
    try:
        return os.get_terminal_size(stream.fileno() if stream else 1).columns or 80
    except OSError:
        return size()[0]


def swatch(hex_color: str, stream: TextIO | None = None) -> str:
    """Return a patch of a colour (`#rrggbb`) and a space; empty where the stream shows no colours."""
    if not _HEX.fullmatch(hex_color) or not has_colors(stream or sys.stdout):
        return ""
    red, green, blue = (int(hex_color[place : place + 2], 16) for place in (1, 3, 5))
    if os.environ.get("COLORTERM", "") in ("truecolor", "24bit"):
        color = f"2;{red};{green};{blue}"
    else:
        cube = (min(range(6), key=lambda level: abs(_CUBE[level] - part)) for part in (red, green, blue))
        color = f"5;{16 + sum(level * 6**power for level, power in zip(cube, (2, 1, 0), strict=True))}"
    return f"\x1b[48;{color}m  \x1b[0m "


def can_show(text: str, stream: TextIO | None = None) -> bool:
    """Return whether the encoding of a stream has all these characters."""
    try:
        text.encode((stream or sys.stdout).encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def wrapped(text: str, stream: TextIO | None, *, indent: str | None = None) -> str:
    """Return the text with each line wrapped between words at the stream's width.

    What follows the first line of a paragraph is indented by `indent`, by default two columns more than that line.
    """
    columns = width(stream)
    if columns is None:
        return text
    return "\n".join(_wrapped_line(line, columns, indent) for line in text.split("\n"))


def _wrapped_line(line: str, columns: int, indent: str | None) -> str:
    if cells(line) <= columns:
        return line
    if indent is None:
        indent = " " * (len(line) - len(line.lstrip(" ")) + 2)
    if len(indent) > columns // 2:
        indent = ""
    lines, current = list[str](), ""
    for piece in _WORDS.split(line):
        if cells(current + piece.rstrip()) <= columns or not current.strip():
            current += piece
        elif piece.strip():
            lines.append(current.rstrip())
            current = indent + piece
    return "\n".join([*lines, current.rstrip()])


def cells(text: str) -> int:
    """How many columns a text takes."""
    return sum(_cell(character) for character in _STYLE.sub("", text))


def _cell(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
