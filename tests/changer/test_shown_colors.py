"""What an account shows, as messages and answers tell it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from colorchanger_bot.changer.shown_colors import HISTORY, SETTLE_SECONDS, ShownColors
from colorchanger_bot.color import Color

colors = st.sampled_from([Color(0x111111 * number) for number in range(1, 6)])
times = st.floats(0, 100)
events = st.lists(
    st.tuples(st.sampled_from(["message", "change", "sending", "unconfirmed"]), colors, times), max_size=40
)


def after(happened: list[tuple[str, Color, float]]) -> tuple[ShownColors, float]:
    """What is known after some events, and the time."""
    shown, now = ShownColors(), 0.0
    for event, color, gap in happened:
        now += gap
        match event:
            case "message":
                shown.on_message(color, now)
            case "change":
                shown.sending = None
                shown.on_change(color, now)
            case "sending":
                shown.sending = color
            case _:
                shown.sending, shown.unconfirmed = None, color
    return shown, now


@given(events)
def test_the_history_is_bounded_and_starts_with_the_current_colour(happened: list[tuple[str, Color, float]]) -> None:
    shown, _ = after(happened)
    assert len(shown.history) <= HISTORY
    assert shown.current == next(iter(shown.history), None)


@given(events, colors)
def test_a_confirmed_change_is_what_is_shown(happened: list[tuple[str, Color, float]], color: Color) -> None:
    shown, now = after(happened)
    shown.on_change(color, now)
    assert (shown.current, shown.unconfirmed, shown.changed_at) == (color, None, now)


@given(events, colors)
def test_a_message_in_a_colour_without_an_answer_confirms_it_once(
    happened: list[tuple[str, Color, float]], color: Color
) -> None:
    shown, now = after(happened)
    shown.sending, shown.unconfirmed = None, color
    assert shown.is_owed(color, now)
    assert shown.on_message(color, now)
    assert (shown.current, shown.unconfirmed, shown.changed_at) == (color, None, now)
    assert not shown.on_message(color, now)


@given(events)
def test_a_message_whose_colour_nobody_knows_is_owed_a_change(happened: list[tuple[str, Color, float]]) -> None:
    shown, now = after(happened)
    assert shown.is_owed(None, now)


@given(events, colors)
def test_long_after_a_change_every_colour_is_what_is_shown(
    happened: list[tuple[str, Color, float]], color: Color
) -> None:
    shown, now = after(happened)
    shown.sending = None
    now += SETTLE_SECONDS + 1
    assert shown.is_owed(color, now)
    shown.on_message(color, now)
    assert shown.current == color


RED, BLUE = Color.parse("red"), Color.parse("blue")


@pytest.mark.parametrize("start", [0.0, 1e6])
def test_an_older_colour_right_after_a_change_was_on_its_way(start: float) -> None:
    shown = ShownColors()
    shown.on_message(RED, start)
    shown.on_change(BLUE, start + 1)
    assert not shown.is_owed(RED, start + 2)
    shown.on_message(RED, start + 2)
    assert shown.current == BLUE


def test_a_message_during_a_request_or_without_a_colour_confirms_nothing() -> None:
    shown = ShownColors()
    shown.unconfirmed = RED
    assert not shown.on_message(None, 1.0)
    shown.sending = BLUE
    assert not shown.on_message(RED, 2.0)
    assert (shown.current, shown.unconfirmed) == (None, RED)


def test_another_colour_than_the_unanswered_one_settles_what_became_of_it() -> None:
    shown = ShownColors()
    assert shown.unconfirmed is None
    shown.unconfirmed = RED
    assert not shown.on_message(BLUE, 1.0)
    assert (shown.current, shown.unconfirmed) == (BLUE, None)
