"""Values and suggestions as text for people."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from colorchanger_bot.redaction import one_line
from colorchanger_bot.words import SHOWN_CHARACTERS, did_you_mean, nearest, reason, shortened, shown

_scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
_values = st.recursive(_scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))


@given(value=_values)
def test_any_value_is_shown_in_one_short_line(value: Any) -> None:
    assert len(shown(value)) <= SHOWN_CHARACTERS
    assert one_line(shown(value)) == shown(value)


@given(value=st.booleans() | st.integers(-(10**18), 10**18) | st.text(st.characters(codec="ascii"), max_size=9))
def test_a_value_is_shown_as_toml(value: Any) -> None:
    spelt = shown([value])
    assert "\\x7f" in spelt or tomllib.loads(f"x = {spelt}")["x"] == [value]


@given(text=st.text(), most=st.integers(4, 50))
def test_a_shortened_text_ends_with_dots(text: str, most: int) -> None:
    short = shortened(text, most)
    assert len(short) <= most
    assert short == one_line(text) or short.endswith("...")


@pytest.mark.parametrize(
    ("name", "meant"), [("thme", "theme"), ("theme", "theme"), ("Thme", "theme"), ("zzz", ""), ("", "")]
)
def test_the_nearest_name_is_suggested(name: str, meant: str) -> None:
    assert nearest(name, ["delay", "theme", "steps"]) == meant


def test_without_a_name_there_is_no_suggestion() -> None:
    assert (did_you_mean("theme"), did_you_mean("")) == ("did you mean theme?", "")


async def test_a_taken_port_is_told_in_the_words_of_the_system() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="attempting to bind") as caught:
        await asyncio.get_running_loop().create_server(asyncio.Protocol, *taken.getsockname())
    assert reason(caught.value) == os.strerror(errno.EADDRINUSE)
