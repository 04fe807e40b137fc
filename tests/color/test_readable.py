"""What can be read on Twitch, and the nearest colour that can."""

from typing import get_args

import pytest
from coloraide import Color as Oracle
from hypothesis import given
from hypothesis import strategies as st

from colorchanger_bot.color import space
from colorchanger_bot.color.readable import (
    DARK,
    LIGHT,
    Theme,
    band,
    fit,
    fitting_names,
    highest_contrast,
    make_readable,
    nearest_name,
    readable,
)
from colorchanger_bot.color.value import PRESETS, Color

colors = st.integers(0, 0xFFFFFF).map(Color)
themes = st.sampled_from(get_args(Theme))
GROUNDS = {"both": ("#18181b", "#ffffff"), "dark": ("#18181b",), "light": ("#ffffff",), "any": ()}


def oracle_contrasts(color: Color, theme: Theme) -> list[float]:
    return [Oracle(color.hex).contrast(Oracle(ground)) for ground in GROUNDS[theme]]


def wcag_contrasts(color: Color, theme: Theme) -> list[float]:
    """As WCAG writes it down, with its rounded weights."""

    def luminance(rgb: int) -> float:
        channels = [byte / 255 for byte in rgb.to_bytes(3, "big")]
        light = [value / 12.92 if value <= 0.03928 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
        return sum(weight * value for weight, value in zip((0.2126, 0.7152, 0.0722), light, strict=True)) + 0.05

    pairs = [(luminance(color.rgb), luminance(int(ground[1:], 16))) for ground in GROUNDS[theme]]
    return [max(pair) / min(pair) for pair in pairs]


@given(colors, themes, st.floats(1, 21))
def test_readable_is_what_the_contrast_says(color: Color, theme: Theme, least: float) -> None:
    margins = [contrast - least for contrast in oracle_contrasts(color, theme)]
    if all(abs(margin) > 1e-9 for margin in margins):
        assert readable(color, theme, least) == all(margin > 0 for margin in margins)


@given(colors, themes, st.data())
def test_made_readable_is_readable_by_any_way_to_compute_it(color: Color, theme: Theme, data: st.DataObject) -> None:
    least = data.draw(st.floats(1, highest_contrast(theme)))
    result = make_readable(color, theme, least)
    assert readable(result, theme, least)
    if result != color:
        assert all(contrast >= least for contrast in oracle_contrasts(result, theme) + wcag_contrasts(result, theme))


@pytest.mark.parametrize(("rgb", "least"), [(0x00E28F, 4.1953125), (0x19EC3F, 4.1984767), (0x20EC48, 4.1904677)])
def test_a_band_narrower_than_a_step_of_8_bits_still_has_a_readable_colour(rgb: int, least: float) -> None:
    assert readable(make_readable(Color(rgb), "both", least), "both", least)


@given(colors, themes, st.floats(1, 4.2))
def test_what_is_readable_stays(color: Color, theme: Theme, least: float) -> None:
    result = make_readable(color, theme, least)
    assert make_readable(result, theme, least) == result
    assert (result == color) == readable(color, theme, least)


@given(colors, themes, st.floats(1, 4))
def test_making_readable_keeps_the_hue_and_adds_no_chroma(color: Color, theme: Theme, least: float) -> None:
    _, chroma, hue = space.oklch(color.rgb)
    _, new_chroma, new_hue = space.oklch(make_readable(color, theme, least).rgb)
    assert new_chroma <= chroma + 0.01
    turned = abs((new_hue - hue + 180) % 360 - 180)
    assert turned * 3.1416 / 180 * new_chroma < 0.01


@given(colors, themes, st.floats(1, 4))
def test_making_readable_moves_no_farther_than_it_must(color: Color, theme: Theme, least: float) -> None:
    result = make_readable(color, theme, least)
    lightness, chroma, hue = space.oklch(color.rgb)
    moved = space.oklch(result.rgb)[0] - lightness
    shorter = space.from_oklch(lightness + moved * 0.9, chroma, hue)
    assert abs(moved) < 0.05 or not readable(Color(shorter), theme, least)


@pytest.mark.parametrize("theme", get_args(Theme))
def test_the_highest_contrast_can_be_had_and_a_tenth_more_cannot(theme: Theme) -> None:
    highest = highest_contrast(theme)
    greys = [Color(level * 0x010101) for level in range(256)]
    assert readable(make_readable(Color(0x808080), theme, highest), theme, highest)
    if theme in ("both", "dark"):
        assert not any(readable(grey, theme, highest + 0.1) for grey in greys)


def test_the_ceiling_of_both_themes_is_known() -> None:
    assert highest_contrast("both") == 4.2


@given(colors, themes, st.floats(0, 1000))
def test_out_of_reach_is_answered_with_the_most_readable(color: Color, theme: Theme, beyond: float) -> None:
    result = make_readable(color, theme, highest_contrast(theme) + 0.2 + beyond)
    best = {"both": band("both", 21.0).low, "dark": 1.0, "light": 0.0, "any": None}[theme]
    if best is not None:
        assert space.luminance(result.rgb) == pytest.approx(best, abs=0.01)


@given(st.floats(0, 1), st.floats(0, 0.4), st.floats(0, 360), st.floats(1, 4.2))
def test_any_oklch_colour_fits_the_narrowest_theme(lightness: float, chroma: float, hue: float, least: float) -> None:
    assert readable(Color(fit(lightness, chroma, hue, band("both", least))), "both", least)


@pytest.mark.parametrize(("theme", "count"), [("both", 7), ("dark", 12), ("light", 10), ("any", 15)])
def test_so_many_names_are_readable(theme: Theme, count: int) -> None:
    names = fitting_names(theme, 3.0)
    assert set(names) == {name for name in PRESETS if readable(name, theme, 3.0)}
    assert len(names) == count


def test_fitting_names_go_round_the_wheel() -> None:
    hues = [space.oklch(name.rgb)[2] for name in fitting_names("any", 3.0)]
    assert hues == sorted(hues)


@given(themes, st.floats(1, 21))
def test_at_least_three_names_fit_and_the_most_readable_ones(theme: Theme, least: float) -> None:
    names = fitting_names(theme, least)
    assert len(set(names)) == len(names) >= 3
    assert set(names) >= {name for name in PRESETS if readable(name, theme, least)}


@given(colors, themes, st.floats(1, 21), st.sets(st.sampled_from(PRESETS), max_size=14))
def test_a_stand_in_is_the_most_alike_of_the_best_that_are_left(
    color: Color, theme: Theme, least: float, avoid: set[Color]
) -> None:
    left = [name for name in PRESETS if name not in avoid]
    left = [name for name in left if readable(name, theme, least)] or left
    expected = min(left, key=color.distance)
    actual = nearest_name(color, theme=theme, min_contrast=least, avoid=avoid)
    assert actual in left
    assert color.distance(actual) == color.distance(expected)


def test_a_name_to_avoid_is_taken_when_nothing_else_is_left() -> None:
    assert nearest_name(Color(0xFE0000), theme="both", min_contrast=3.0, avoid=PRESETS) == Color.parse("red")


def test_the_grounds_are_those_of_twitch() -> None:
    assert (DARK.hex, LIGHT.hex) == ("#18181B", "#FFFFFF")
