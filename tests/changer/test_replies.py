"""The results of commands in words: every one has some, and each place gets its own."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from colorchanger_bot.changer import results
from colorchanger_bot.changer.actions import ACTIONS
from colorchanger_bot.changer.pending_changes import Change, Result
from colorchanger_bot.changer.replies import chat_reply, page_reply
from colorchanger_bot.color import STRATEGIES, Color, Theme

RED, PINK = Color.parse("red"), Color.parse("hot_pink")
SEVEN = results.Names(7, "both")

a_color = st.integers(0, 0xFFFFFF).map(Color)
a_line = st.text(st.characters(categories=["L", "N", "P"]), max_size=20)
each_kind = [
    st.builds(results.Status, enabled=st.booleans(), strategy=a_line, held=st.none() | a_color,
              current=st.none() | a_color, trouble=a_line, replies_left_out=st.integers(0, 9),
              names=st.none() | st.builds(results.Names, st.integers(3, 15), st.sampled_from(get_args(Theme)))),
    st.builds(results.TurnedOn, st.sampled_from(list(STRATEGIES))),
    st.builds(results.TurnedOff, st.none() | a_color),
    st.builds(results.Changed, st.builds(Change, a_line, a_line, st.sampled_from(get_args(Result)), a_color,
                                         st.floats(0, 9), a_line, st.booleans())),
    st.builds(results.Held, a_color, st.none(), st.sampled_from([(), ("dark",), ("light",), ("dark", "light")])),
    st.builds(results.StrategySet, st.sampled_from(list(STRATEGIES)), base=a_color, enabled=st.booleans()),
    st.builds(results.DelaySet, st.floats(0, 9), st.floats(9, 99), st.booleans(), st.none() | a_color),
    st.builds(results.Rechecking),
    st.builds(results.ChannelJoined, a_line),
    st.builds(results.ChannelLeft, a_line),
    st.builds(results.Invited, a_line, a_line, st.floats(0, 1800)),
    st.builds(results.AlreadyJoined),
    st.builds(results.Left),
    st.builds(results.Help),
    st.builds(results.Misunderstood, st.sampled_from(list(ACTIONS))),
    st.builds(results.UnknownWord, st.text(max_size=40), st.sampled_from(["", "next"])),
    st.builds(results.NoColor, a_line, a_line, st.booleans()),
    st.builds(results.NotPossible, st.sampled_from(get_args(results.Obstacle)), st.just(("somebody",))),
    st.builds(results.Failed, a_line.filter(bool)),
]  # fmt: skip
everything = st.one_of(each_kind)


def test_the_words_are_tried_for_every_result() -> None:
    roots = {results.CommandResult, results.NotDone}
    classes = [each for each in vars(results).values() if isinstance(each, type)]
    assert len(each_kind) == sum(issubclass(each, results.CommandResult) and each not in roots for each in classes)


@given(everything)
def test_every_result_is_one_line_of_at_most_500_characters(result: results.CommandResult) -> None:
    for text in (chat_reply(result, "!color"), page_reply(result)):
        assert text
        assert "\n" not in text
    assert len(chat_reply(result, "!color")) <= 500


@given(everything)
def test_only_chat_names_the_command_and_as_the_person_types_it(result: results.CommandResult) -> None:
    assert "!color" not in page_reply(result)
    assert "!color" not in chat_reply(result, "?paint")


@given(everything)
def test_no_reply_is_a_call_itself(result: results.CommandResult) -> None:
    assert not chat_reply(result, "!color").startswith("!color")


def status(**keys: Any) -> results.Status:
    known: dict[str, Any] = {"enabled": True, "strategy": "random", "held": None, "current": None, "trouble": ""}
    return results.Status(**{**known, "names": None, "replies_left_out": 0, **keys})


@pytest.mark.parametrize(
    ("result", "text"),
    [
        (status(), "on, random"),
        (status(current=RED), "on, random, now red"),
        (status(enabled=False, held=RED), "off. To turn it on: !color on"),
        (status(held=PINK, current=PINK), "Held at hot_pink. To change again: !color on"),
        (status(held=Color(0xFF0001), current=RED), "Held at #FF0001, now red. To change again: !color on"),
        (status(trouble="503"), "on, random; last change failed: 503"),
        (status(replies_left_out=1), "on, random; 1 reply was left out, close to Twitch's limit for chat messages"),
        (status(replies_left_out=2), "on, random; 2 replies were left out, close to Twitch's limit for chat messages"),
        (
            status(names=SEVEN),
            "on, random; only Twitch's colour names: 7 of 15 names readable on both themes"
            " (the theme setting can allow more)",
        ),
        (results.TurnedOn("random"), "on: a new colour after each of your messages (random)"),
        (results.TurnedOn("hold"), "on, but your colour stays: the strategy is hold"),
        (
            results.StrategySet("presets", names=SEVEN),
            "presets: one of Twitch's own colour names after each of your messages; from 7 of 15 names readable on both"
            " themes (the theme setting can allow more)",
        ),
        (
            results.StrategySet("palette", colors=(RED, PINK), hard_to_read=(RED,)),
            "palette: red, hot_pink, one after the other; hard to read: red",
        ),
        (
            results.StrategySet("standout", enabled=False),
            "standout: as different as possible from the others in chat; it is off now. To turn it on: !color on",
        ),
        (results.Held(RED, None), "red stays. To change again: !color on"),
        (
            results.Held(RED, Change("1", "me", "changed", PINK, 0.1), ("light",)),
            "your colour is hot_pink and stays; hard to read on the light theme. To change again: !color on",
        ),
        (results.DelaySet(2, 2), "a new colour 2 s after a message"),
        (
            results.DelaySet(2, 2, enabled=False),
            "a new colour 2 s after a message; it is off now. To turn it on: !color on",
        ),
        (
            results.DelaySet(1, 3, held=RED),
            "a new colour 1 to 3 s after a message; held at red now. To change again: !color on",
        ),
        (results.NotPossible("only channel", ("me",)),
         "#me is the only channel I read. To stop the colours: !color off"),
    ],
)  # fmt: skip
def test_the_words(result: results.CommandResult, text: str) -> None:
    assert chat_reply(result, "!color") == text
