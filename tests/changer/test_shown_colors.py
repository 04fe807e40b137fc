"""What an account shows, as messages and answers tell it."""

from __future__ import annotations

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


def test_an_older_colour_right_after_a_change_was_on_its_way() -> None:
    shown, red, blue = ShownColors(), Color.parse("red"), Color.parse("blue")
    shown.on_message(red, 0.0)
    shown.on_change(blue, 1.0)
    assert not shown.is_owed(red, 2.0)
    shown.on_message(red, 2.0)
    assert shown.current == blue
