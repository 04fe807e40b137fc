"""Random colours, names from a bag, shades of one colour, and colours that stand out: in large numbers."""

from collections import Counter
from functools import cache
from itertools import pairwise
from random import Random
from statistics import median
from typing import get_args

import pytest
from coloraide import Color as Oracle
from hypothesis import given
from hypothesis import strategies as st

from colorchanger_bot.color import DARK, LIGHT, Color, Plan, Theme, space
from colorchanger_bot.color.bag import Bag, round_of
from colorchanger_bot.color.readable import fitting_names
from tests.color.worlds import CHATTERS, colors, plan, steps

THEMES = get_args(Theme)
# The 0.1% point of chi-square with 35 degrees of freedom.
CHI_SQUARE = 66.6


@cache
def drawn(theme: Theme) -> list[Color]:
    """A hundred thousand random colours in all."""
    return colors(Plan(theme=theme), 25_000, seed=7)


def contrast(color: Color, ground: Color) -> float:
    """By another way than the product's: WCAG's own formula and rounded weights."""

    def glare(rgb: int) -> float:
        channels = [byte / 255 for byte in rgb.to_bytes(3, "big")]
        light = [value / 12.92 if value <= 0.03928 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
        return 0.2126 * light[0] + 0.7152 * light[1] + 0.0722 * light[2] + 0.05

    one, other = glare(color.rgb), glare(ground.rgb)
    return max(one, other) / min(one, other)


@pytest.mark.parametrize("theme", THEMES)
def test_every_random_colour_is_readable(theme: Theme) -> None:
    grounds = {"both": (DARK, LIGHT), "dark": (DARK,), "light": (LIGHT,), "any": ()}[theme]
    found = drawn(theme)
    assert len(found) == 25_000
    assert [color for color in found if any(contrast(color, ground) < 3 for ground in grounds)] == []


@pytest.mark.parametrize("theme", THEMES)
def test_every_random_colour_visibly_differs_from_the_last(theme: Theme) -> None:
    assert min(steps(drawn(theme))) >= 0.15


@pytest.mark.parametrize("theme", THEMES)
def test_random_hues_are_uniform_as_seen(theme: Theme) -> None:
    bins = Counter(int(space.oklch(color.rgb)[2] // 10) for color in drawn(theme))
    expected = len(drawn(theme)) / 36
    assert sum((bins[place] - expected) ** 2 / expected for place in range(36)) < CHI_SQUARE


@pytest.mark.parametrize("theme", THEMES)
def test_random_colours_are_vivid(theme: Theme) -> None:
    chromas = [space.oklch(color.rgb)[1] for color in drawn(theme)]
    assert median(chromas) >= 0.12
    assert min(chromas) > 0.07


@pytest.mark.parametrize("theme", THEMES)
def test_random_colours_hardly_ever_repeat(theme: Theme) -> None:
    assert len(set(drawn(theme))) > 0.98 * len(drawn(theme))


def test_an_independent_library_sees_the_same() -> None:
    found = [Oracle(color.hex) for color in drawn("both")[:500]]
    assert min(color.contrast(Oracle(ground)) for color in found for ground in ("#18181b", "#ffffff")) >= 3
    assert min(one.delta_e(two, method="ok") for one, two in pairwise(found)) >= 0.15


@pytest.mark.parametrize("theme", THEMES)
def test_a_random_colour_is_not_that_of_two_messages_ago_either(theme: Theme) -> None:
    found = drawn(theme)
    alike = sum(one.distance(other) < 0.05 for one, other in zip(found, found[2:], strict=False))
    assert alike < 0.02 * len(found)


@pytest.mark.parametrize("least", [4.0, 4.2])
def test_narrow_bands_keep_the_promises(least: float) -> None:
    found = colors(Plan(min_contrast=least), 1000)
    assert min(contrast(color, ground) for color in found for ground in (DARK, LIGHT)) >= least
    assert min(steps(found)) >= 0.15


@given(st.floats(1, 4.2), st.floats(0, 0.2), st.sampled_from(THEMES), st.integers(0, 9))
def test_any_sound_plan_keeps_the_promises(least: float, min_step: float, theme: Theme, seed: int) -> None:
    for kind in ("random", "standout", "rainbow"):
        found = colors(plan(kind, theme=theme, min_contrast=round(least, 1), min_step=min_step), 20, seed=seed)
        grounds = {"both": (DARK, LIGHT), "dark": (DARK,), "light": (LIGHT,), "any": ()}[theme]
        assert all(contrast(color, ground) >= round(least, 1) for color in found for ground in grounds)
        assert min(steps(found)) >= min_step


# Names


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("kind", ["random", "presets"])
def test_each_name_comes_once_before_any_comes_again(kind: str, theme: Theme) -> None:
    names = fitting_names(theme, 3.0)
    found = colors(plan(kind, theme=theme), 20 * len(names), presets_only=True)
    rounds = [found[start : start + len(names)] for start in range(0, len(found), len(names))]
    assert all(set(bag) == set(names) for bag in rounds)


def test_presets_are_names_for_every_account() -> None:
    assert all(color.is_named for color in colors(plan("presets"), 50, presets_only=False))


@given(st.sets(st.integers(0, 0xFFFFFF).map(Color), min_size=1, max_size=20), st.integers(0, 99))
def test_a_bag_gives_each_colour_once_a_round_and_none_twice_in_a_row(listed: set[Color], seed: int) -> None:
    bag, rng = Bag(sorted(listed, key=hash), 0.15), Random(seed)
    last, found = None, list[Color]()
    for _ in range(3 * len(listed)):
        last = bag.draw(last, rng)
        found.append(last)
    rounds = [found[start : start + len(listed)] for start in range(0, len(found), len(listed))]
    assert all(set(one) == listed for one in rounds)
    assert len(listed) == 1 or all(one != other for one, other in pairwise(found))


@pytest.mark.parametrize("theme", THEMES)
def test_a_round_has_no_two_alike_side_by_side(theme: Theme) -> None:
    names = fitting_names(theme, 3.0)
    found = round_of(names, 0.15)
    assert set(found) == set(names)
    assert min(steps([*found, found[0]])) >= 0.15


def test_a_bag_of_hundreds_of_look_alikes_is_no_trap() -> None:
    bag, rng, last = Bag(map(Color, range(400)), 0.15), Random(1), None
    found = [last := bag.draw(last, rng) for _ in range(400)]
    assert len(set(found)) == 400


# Shades


@pytest.mark.parametrize("base", ["red", "#8F3AFF", "navy", "gold", "teal", "pink"])
@pytest.mark.parametrize("theme", THEMES)
def test_shades_have_the_hue_of_their_base(base: str, theme: Theme) -> None:
    _, _, hue = space.oklch(Color.parse(base).rgb)
    found = colors(plan("shades", base=Color.parse(base), theme=theme), 300)
    for color in found:
        _, chroma, own = space.oklch(color.rgb)
        assert abs((own - hue + 180) % 360 - 180) * 3.1416 / 180 * chroma < 0.008
    assert len(set(found)) > 100


@pytest.mark.parametrize("theme", THEMES)
def test_shades_of_grey_are_greys_and_visibly_new(theme: Theme) -> None:
    found = colors(plan("shades", base=Color(0x808080), theme=theme), 300)
    assert max(space.oklch(color.rgb)[1] for color in found) < 0.01
    assert min(steps(found)) >= 0.15


# Standing out


def margin(color: Color, seen: tuple[Color, ...] = CHATTERS) -> float:
    return min(color.distance(other) for other in seen)


@pytest.mark.parametrize("presets_only", [False, True])
@pytest.mark.parametrize("theme", THEMES)
def test_standout_is_farther_from_the_others_than_chance(theme: Theme, presets_only: bool) -> None:
    chance = colors(plan("random", theme=theme), 300, presets_only=presets_only)
    chosen = colors(plan("standout", theme=theme), 300, presets_only=presets_only)
    assert median(map(margin, chosen)) > 1.25 * median(map(margin, chance))


@pytest.mark.parametrize("theme", THEMES)
def test_standout_comes_near_to_the_best_there_is(theme: Theme) -> None:
    best = max(map(margin, drawn(theme)[:5000]))
    assert median(map(margin, colors(plan("standout", theme=theme), 300))) > 0.7 * best


def test_standout_is_random_while_nobody_else_has_chatted() -> None:
    found = colors(plan("standout"), 300, seen=())
    assert len(set(found)) > 290
    assert found == colors(plan("random"), 300)
