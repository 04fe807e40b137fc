"""Strategies that follow a path: the wheel, a list, a gradient, the calendar."""

from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from random import Random
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from colorchanger_bot.color import Color, Moment, Theme, build, space
from colorchanger_bot.color.blend import blend
from colorchanger_bot.color.readable import band, fitting_names, readable
from tests.color.worlds import COLORS, NOON, colors, plan, steps

THEMES = get_args(Theme)
lists = st.lists(st.integers(0, 0xFFFFFF).map(Color), min_size=2, max_size=6, unique=True)


def turns(found: list[Color]) -> list[float]:
    """The degrees of hue from each colour to the next, from -180 to 180."""
    hues = [space.oklch(color.rgb)[2] for color in found]
    return [(other - one + 180) % 360 - 180 for one, other in pairwise(hues)]


# Rainbow


@pytest.mark.parametrize("theme", THEMES)
def test_the_steps_of_a_rainbow_look_even(theme: Theme) -> None:
    found = list(steps(colors(plan("rainbow", theme=theme), 500)))
    assert min(found) >= 0.15
    assert max(found) < 1.2 * 0.15


@pytest.mark.parametrize(("reverse", "way"), [(False, 1), (True, -1)])
def test_a_rainbow_goes_one_way_round(reverse: bool, way: int) -> None:
    assert min(way * turn for turn in turns(colors(plan("rainbow", reverse=reverse), 200))) > 0


def test_a_rainbow_has_all_the_colours() -> None:
    hues = {int(space.oklch(color.rgb)[2] // 60) for color in colors(plan("rainbow"), 60)}
    assert hues == set(range(6))


@pytest.mark.parametrize("step", [60.0, 90.0])
def test_a_rainbow_takes_the_step_that_is_asked_for(step: float) -> None:
    found = turns(colors(plan("rainbow", step=step, theme="dark", start=0.0, min_step=0.1), 200))
    assert found == pytest.approx([step] * len(found), abs=4)


@pytest.mark.parametrize("step", [1.0, 5.0, 15.0, 30.0, 67.0, 359.0])
@pytest.mark.parametrize("reverse", [False, True])
def test_a_step_that_is_asked_for_is_kept_however_alike_the_colours_look(step: float, reverse: bool) -> None:
    walk = build(plan("rainbow", step=step, reverse=reverse, start=0.0))
    hues: list[float] = []
    shown: list[Color] = []
    for _ in range(100):
        color = walk.next(Moment(shown, Random(1), NOON))
        assert color is not None
        shown = [color]
        hue = walk.save()["hue"]
        assert isinstance(hue, float)
        hues.append(hue)
    expected = (-step if reverse else step) % 360
    assert {(other - one) % 360 for one, other in pairwise(hues)} == {expected}


@pytest.mark.parametrize("step", [0.001, 0.3, 0.7])
def test_a_step_too_small_for_another_colour_goes_on_to_the_next_one(step: float) -> None:
    found = colors(plan("rainbow", step=step, start=0.0), 200)
    assert len(found) == 200
    assert all(steps(found))
    assert sum(turn % 360 for turn in turns(found)) < 2 * 200 + 20


def test_a_rainbow_begins_where_it_is_told() -> None:
    first, *_ = colors(plan("rainbow", start=200.0), 1)
    assert space.oklch(first.rgb)[2] == pytest.approx(200, abs=2)


def test_a_rainbow_without_a_start_goes_on_from_the_colour_shown() -> None:
    shown = Color.parse("dodger_blue")
    first, *_ = colors(plan("rainbow"), 1, history=[shown])
    assert 0 < turns([shown, first])[0] < 60


@pytest.mark.parametrize(("reverse", "way"), [(False, 1), (True, -1)])
def test_a_rainbow_of_names_mostly_goes_one_way_round(reverse: bool, way: int) -> None:
    found = colors(plan("rainbow", theme="any", reverse=reverse), 300, presets_only=True)
    assert sum(way * turn > 0 for turn in turns(found)) > 0.8 * 299


# Palette


@given(lists)
def test_a_palette_keeps_its_order_and_its_colours(listed: list[Color]) -> None:
    found = colors(plan("palette", colors=tuple(listed)), 3 * len(listed))
    assert found == 3 * listed


@given(lists, st.integers(0, 99))
def test_a_shuffled_palette_shows_all_before_any_again(listed: list[Color], seed: int) -> None:
    found = colors(plan("palette", colors=tuple(listed), order="shuffle"), 4 * len(listed), seed=seed)
    rounds = [found[start : start + len(listed)] for start in range(0, len(found), len(listed))]
    assert all(set(one) == set(listed) for one in rounds)
    assert all(steps(found))


def test_a_shuffled_palette_is_shuffled_again_each_round() -> None:
    found = colors(plan("palette", order="shuffle"), 60 * len(COLORS))
    assert len({tuple(found[start : start + 6]) for start in range(0, len(found), 6)}) > 20


def test_a_palette_skips_the_colour_that_is_shown() -> None:
    assert colors(plan("palette"), 2, history=COLORS[:1]) == [COLORS[1], COLORS[2]]


@pytest.mark.parametrize("order", ["sequence", "shuffle"])
@pytest.mark.parametrize("count", [1, 3])
def test_a_palette_of_one_colour_sets_it_once(order: str, count: int) -> None:
    one = plan("palette", colors=COLORS[:1] * count, order=order)
    assert colors(one, 5) == [COLORS[0]]
    assert len(colors(one, 5, presets_only=True)) == 1


def test_a_palette_of_names_stays_as_it_is_with_names_only() -> None:
    names = tuple(map(Color.parse, ("blue", "firebrick")))
    assert colors(plan("palette", colors=names), 4, presets_only=True) == [*names, *names]


def test_a_palette_that_shrank_goes_on_from_the_start() -> None:
    long, short = build(plan("palette")), build(plan("palette", colors=COLORS[:2]))
    colors(plan("palette"), 5, strategy=long)
    short.load(long.save())
    assert colors(plan("palette"), 2, strategy=short) == list(COLORS[:2])


def test_a_shuffled_palette_that_changed_keeps_what_it_still_has() -> None:
    before, after = (build(plan("palette", order="shuffle", colors=COLORS[:count])) for count in (6, 4))
    shown = colors(plan("palette"), 1, strategy=before)
    after.load(before.save())
    found = colors(plan("palette"), len(set(COLORS[:4]) - set(shown)), strategy=after, history=shown)
    assert set(found) == set(COLORS[:4]) - set(shown)


# Gradient


@given(lists, st.integers(0, 9), st.sampled_from(THEMES))
def test_a_gradient_has_its_stops_in_their_order(stops: list[Color], more: int, theme: Theme) -> None:
    path = blend(tuple(stops), len(stops) + more, 0.15, band(theme, 3.0))
    assert len(path) == len(stops) + more
    assert (path[0], path[-1]) == (stops[0], stops[-1])
    rest = iter(path)
    assert all(stop in rest for stop in stops)


def test_a_gradient_goes_there_and_back() -> None:
    found = colors(plan("gradient", steps=12), 45)
    there, back, again = found[:12], found[11:23], found[22:34]
    assert there == back[::-1] == again
    assert found[22:] == found[:23]


def test_a_gradient_is_even_and_straight_through_oklab() -> None:
    stops = (Color.parse("#8F3AFF"), Color.parse("#00C8A0"))
    there = colors(plan("gradient", colors=stops, steps=9, theme="any"), 9)
    assert list(steps(there)) == pytest.approx([stops[0].distance(stops[1]) / 8] * 8, abs=0.006)


@pytest.mark.parametrize("theme", THEMES)
def test_a_gradient_leaves_the_stops_and_makes_the_rest_readable(theme: Theme) -> None:
    found = colors(plan("gradient", theme=theme, steps=30), 58)
    assert [color for color in found if color not in COLORS and not readable(color, theme, 3.0)] == []
    assert set(COLORS) <= set(found)


@pytest.mark.parametrize("theme", THEMES)
def test_a_gradient_without_steps_has_as_many_as_visibly_differ(theme: Theme) -> None:
    found = colors(plan("gradient", theme=theme), 100)
    assert min(steps(found)) >= 0.15
    assert len(set(found)) > len(COLORS)


@pytest.mark.parametrize("count", [6, 7, 25])
def test_a_gradient_has_the_number_of_steps_that_is_asked_for(count: int) -> None:
    assert len(set(colors(plan("gradient", steps=count, theme="any"), 200))) == count


def test_a_gradient_between_names_passes_over_what_maps_to_the_same_name() -> None:
    stops = (Color.parse("red"), Color.parse("dodger_blue"))
    found = colors(plan("gradient", colors=stops, steps=20), 40, presets_only=True)
    assert len(found) == 40
    assert all(steps(found))


# Daily


def test_a_day_has_one_colour_and_the_next_another() -> None:
    hourly = colors(plan("daily"), 24 * 30, pace=timedelta(hours=1))
    assert len(hourly) == 31
    assert min(steps(hourly)) >= 0.15


@pytest.mark.parametrize("presets_only", [False, True])
def test_the_colour_of_the_day_needs_no_memory(presets_only: bool) -> None:
    moments = [Moment((), Random(seed), NOON.replace(hour=seed), (), presets_only) for seed in range(24)]
    assert len({build(plan("daily")).next(moment) for moment in moments}) == 1


def test_the_day_is_that_of_the_time_zone_that_is_given() -> None:
    late = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)
    in_berlin = late.astimezone(timezone(timedelta(hours=1)))
    assert build(plan("daily")).next(Moment((), Random(1), late)) != build(plan("daily")).next(
        Moment((), Random(1), in_berlin)
    )


@pytest.mark.parametrize("theme", THEMES)
def test_days_go_evenly_round_the_wheel(theme: Theme) -> None:
    year = colors(plan("daily", theme=theme), 360)
    hues = [space.oklch(color.rgb)[2] // 30 for color in year]
    assert all(22 <= hues.count(sector) <= 38 for sector in range(12))


def test_by_the_clock_the_hue_follows_the_time_of_day() -> None:
    day = colors(plan("daily", period="clock"), 24 * 4, pace=timedelta(minutes=15))
    assert len(day) >= 6
    assert min(steps(day)) >= 0.15
    assert min(turns(day)) > 0
    midnight = Moment((), Random(1), datetime(2026, 11, 22, tzinfo=UTC))
    color = build(plan("daily", period="clock", start=120.0)).next(midnight)
    assert color is not None
    assert space.oklch(color.rgb)[2] == pytest.approx(120, abs=3)


@pytest.mark.parametrize("theme", THEMES)
def test_by_the_clock_names_follow_too(theme: Theme) -> None:
    day = colors(plan("daily", period="clock", theme=theme, min_step=0.0), 24 * 60, pace=timedelta(minutes=1),
                 presets_only=True)  # fmt: skip
    assert set(day) == set(fitting_names(theme, 3.0))


# Hold


def test_hold_leaves_the_colour() -> None:
    assert colors(plan("hold", base=None), 5) == []


@pytest.mark.parametrize("presets_only", [False, True])
def test_hold_with_a_base_sets_it_once(presets_only: bool) -> None:
    (held,) = colors(plan("hold", base=Color.parse("#FF8800")), 5, presets_only=presets_only)
    assert held == (Color.parse("chocolate") if presets_only else Color.parse("#FF8800"))


@pytest.mark.parametrize("kind", ["hold", "palette"])
def test_the_users_own_colours_are_not_made_readable(kind: str) -> None:
    keys: dict[str, Any] = {"base": Color(0x000001), "colors": (Color(0x000001),)}
    assert colors(plan(kind, **keys), 1) == [Color(0x000001)]
    assert not readable(Color(0x000001), "both", 3.0)
