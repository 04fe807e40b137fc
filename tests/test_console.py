"""What is written for a person: wrapped on a terminal only, with colours only where there are some."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from colorchanger_bot import console


class Terminal(io.StringIO):
    """A stream that calls itself a terminal."""

    def isatty(self) -> bool:
        return True


@contextmanager
def environment(**variables: str) -> Iterator[None]:
    before = dict(os.environ)
    for name in ("NO_COLOR", "COLORTERM", "TERM", "COLUMNS"):
        os.environ.pop(name, None)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def wrapped(text: str, columns: int) -> list[str]:
    with environment(COLUMNS=str(columns)):
        return console.wrapped(text, Terminal()).split("\n")


def test_what_goes_into_a_pipe_is_left_as_it_is() -> None:
    with environment(COLUMNS="20"):
        assert console.wrapped("word " * 50, io.StringIO()) == "word " * 50


def test_a_long_line_is_continued_below_its_beginning() -> None:
    assert wrapped("  me: one two three four", 14) == ["  me: one two", "    three four"]


@given(words=st.lists(st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=12)),
       columns=st.integers(10, 90))  # fmt: skip
def test_no_word_is_broken_and_none_is_lost_at_any_width(words: list[str], columns: int) -> None:
    lines = wrapped(" ".join(words), columns)
    assert " ".join(lines).split() == words
    for line in lines:
        assert len(line) <= columns or len(line.split()) == 1


def test_colours_and_wide_letters_are_measured_as_they_are_shown() -> None:
    assert wrapped("\x1b[31mred\x1b[0m and blue", 12) == ["\x1b[31mred\x1b[0m and blue"]
    assert wrapped("色色色 色色色", 10) == ["色色色", "  色色色"]


@pytest.mark.parametrize(
    ("variables", "stream", "has"),
    [
        ({"TERM": "xterm"}, Terminal(), True),
        ({"TERM": "xterm", "NO_COLOR": "1"}, Terminal(), False),
        ({"TERM": "dumb"}, Terminal(), False),
        ({"TERM": "xterm"}, io.StringIO(), False),
        ({"TERM": "xterm"}, None, False),
    ],
)
def test_there_are_colours_only_on_a_terminal_that_has_them(
    variables: dict[str, str], stream: TextIO | None, has: bool
) -> None:
    with environment(**variables):
        assert console.has_colors(stream) == has


def test_a_swatch_is_as_exact_as_the_terminal() -> None:
    with environment(TERM="xterm", COLORTERM="truecolor"):
        assert console.swatch("#FF8800", Terminal()) == "\x1b[48;2;255;136;0m  \x1b[0m "
    with environment(TERM="xterm"):
        assert console.swatch("#FF8800", Terminal()) == "\x1b[48;5;208m  \x1b[0m "
        assert console.swatch("nonsense", Terminal()) == ""
    with environment(TERM="xterm", NO_COLOR="1"):
        assert console.swatch("#FF8800", Terminal()) == ""


def test_a_closed_stream_is_no_terminal() -> None:
    with open(os.devnull, encoding="utf-8") as closed:
        pass
    assert not console.is_terminal(closed)


@pytest.mark.parametrize(("encoding", "can"), [("utf-8", True), ("ascii", False), ("latin-1", False)])
def test_what_the_encoding_lacks_cannot_be_shown(encoding: str, can: bool) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    assert console.can_show("▀█", stream) == can


@pytest.mark.skipif(sys.platform == "win32", reason="a terminal of Unix")
def test_the_width_is_that_of_the_terminal_itself() -> None:
    import fcntl
    import pty
    import struct
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 57, 0, 0))
    with environment(), os.fdopen(theirs, "w") as stream:
        assert console.width(stream) == 57
    os.close(ours)
