"""Which colours of other people are known, and which of them a strategy gets to see."""

from __future__ import annotations

import random

from colorchanger_bot.changer.chooser import CHANNELS, CHATTERS, ChatterColors, Chooser
from colorchanger_bot.color import Color, Moment, Strategy
from colorchanger_bot.settings.load import ColorSettings
from tests.fakes import FakeClock

RED, BLUE = Color.parse("red"), Color.parse("blue")


class Looking(Strategy):
    """Keeps the moment for which a colour was asked."""

    name = "looking"
    wants_seen = True

    def __init__(self) -> None:
        self.moments: list[Moment] = []

    def next(self, moment: Moment) -> Color | None:
        self.moments.append(moment)
        return RED


class Blind(Looking):
    """Looks at nobody."""

    wants_seen = False


def test_each_chatter_has_one_colour_the_latest_and_the_newest_comes_first() -> None:
    chatters = ChatterColors()
    for user_id, color in (("1", "#FF0000"), ("2", "#00FF00"), ("1", "#0000FF")):
        chatters.add("here", user_id, color)
    assert chatters.of("here") == (BLUE, Color.parse("#00FF00"))


def test_who_never_chose_a_colour_is_left_out() -> None:
    chatters = ChatterColors()
    for user_id, color in (("1", "#FF0000"), ("2", ""), ("3", "no colour")):
        chatters.add("here", user_id, color)
    assert chatters.of("here") == (RED,)


def test_channels_are_kept_apart() -> None:
    chatters = ChatterColors()
    chatters.add("here", "1", "#FF0000")
    chatters.add("there", "1", "#0000FF")
    assert (chatters.of("here"), chatters.of("there"), chatters.of("elsewhere")) == ((RED,), (BLUE,), ())


def test_of_many_chatters_those_who_wrote_last_are_known() -> None:
    chatters = ChatterColors()
    for number in range(CHATTERS):
        chatters.add("here", str(number), Color(number).hex)
    chatters.add("here", "0", "#FF0000")
    chatters.add("here", "new", "#0000FF")
    assert chatters.of("here") == (BLUE, RED, *(Color(number) for number in range(CHATTERS - 1, 1, -1)))


def test_of_many_channels_those_with_the_latest_messages_are_known() -> None:
    chatters = ChatterColors()
    for number in range(CHANNELS):
        chatters.add(str(number), "1", "#FF0000")
    chatters.add("0", "1", "#FF0000")
    chatters.add("new", "1", "#FF0000")
    known = [number for number in (*map(str, range(CHANNELS)), "new") if chatters.of(number)]
    assert known == ["0", *map(str, range(2, CHANNELS)), "new"]


def test_only_a_strategy_that_looks_at_others_gets_their_colours_in_that_channel() -> None:
    chatters = ChatterColors()
    chatters.add("here", "1", "#FF0000")
    chatters.add("there", "2", "#0000FF")
    for strategy, seen in ((Looking(), (RED,)), (Blind(), ())):
        clock = FakeClock()
        chooser = Chooser(ColorSettings().plan(), chatters=chatters, clock=clock, rng=random.Random(1), custom=strategy)
        assert chooser.next((BLUE,), "here", names_only=True) == RED
        (moment,) = strategy.moments
        assert (moment.seen, moment.history, moment.presets_only, moment.now) == (seen, (BLUE,), True, clock.now())
