"""The readable colours of each hue."""

from random import Random
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from colorchanger_bot.color import space, wheel
from colorchanger_bot.color.readable import Theme, band, highest_contrast, readable
from colorchanger_bot.color.value import Color

hues = st.floats(0, 360, exclude_max=True)
themes = st.sampled_from(get_args(Theme))
PLANS = [("both", 3.0), ("dark", 3.0), ("light", 3.0), ("any", 3.0), ("both", 4.2), ("dark", 7.0), ("light", 4.5)]


@pytest.mark.parametrize(("theme", "least"), PLANS)
def test_ring_and_pool_are_readable(theme: Theme, least: float) -> None:
    within = band(theme, least)
    colors = {*wheel.ring(within), *wheel.pool(within)}
    assert [rgb for rgb in colors if not readable(Color(rgb), theme, least)] == []


@pytest.mark.parametrize(("theme", "least"), PLANS)
def test_the_ring_has_each_hue_in_its_place(theme: Theme, least: float) -> None:
    for hue, rgb in enumerate(wheel.ring(band(theme, least))):
        assert abs((space.oklch(rgb)[2] - hue + 180) % 360 - 180) < 4


@given(hues, themes, st.floats(1, 4), st.floats(0, 1))
def test_no_readable_colour_of_a_hue_is_more_vivid_than_its_peak(
    hue: float, theme: Theme, least: float, lightness: float
) -> None:
    within = band(theme, least)
    chroma = space.most_chroma(lightness, hue)
    rgb = space.from_oklch(lightness, chroma, hue)
    if within.low * 1.02 < space.luminance(rgb) < within.high * 0.98:
        assert chroma <= wheel.peak(hue, within)[1] + 0.005


# Below 1.2 colours darker than the dark ground would count too.
@given(hues, themes, st.floats(1.2, 4), st.floats(0.03, 0.3))
def test_the_lightness_range_is_readable_inside_and_ends_where_it_must(
    hue: float, theme: Theme, least: float, chroma: float
) -> None:
    within = band(theme, least)
    limits = wheel.lightness_range(hue, chroma, within)
    if limits is None:
        assert chroma > wheel.peak(hue, within)[1] - 0.01
        return
    low, high = limits
    for share in (0.05, 0.5, 0.95):
        inside = low + (high - low) * share
        assert space.most_chroma(inside, hue) >= chroma - 1e-3
        assert readable(Color(space.from_oklch(inside, chroma, hue)), theme, least)
    for outside in (low - 0.03, high + 0.03):
        shown = space.most_chroma(outside, hue) >= chroma - 1e-3
        assert not shown or not readable(Color(space.from_oklch(outside, chroma, hue)), theme, least)


@given(hues, themes, st.integers(0, 1000))
def test_draws_are_readable_vivid_and_of_their_hue(hue: float, theme: Theme, seed: int) -> None:
    within = band(theme, 3.0)
    part = wheel.vivid_slice(hue, within)
    rgb = wheel.draw(part, hue, within, Random(seed), lambda rgb: True)
    assert rgb is not None
    assert readable(Color(rgb), theme, 3.0)
    _, chroma, drawn_hue = space.oklch(rgb)
    assert part.muted - 0.01 < chroma < part.vivid + 0.01
    assert abs((drawn_hue - hue + 180) % 360 - 180) < 4


def test_draws_fill_lightness_and_chroma_evenly() -> None:
    within = band("both", 3.0)
    part = wheel.cut(330.0, 0.05, 0.2, within)
    rng = Random(1)
    drawn = [wheel.draw(part, 330.0, within, rng, lambda rgb: True) for _ in range(4000)]
    chromas = [space.oklch(rgb)[1] for rgb in drawn if rgb is not None]
    quarters = [sum(0.05 + 0.0375 * i <= chroma < 0.0875 + 0.0375 * i for chroma in chromas) for i in range(4)]
    assert min(quarters) > 0.9 * 1000
    assert max(quarters) < 1.1 * 1000


def test_a_draw_that_nothing_satisfies_ends() -> None:
    within = band("both", 3.0)
    assert wheel.draw(wheel.vivid_slice(30.0, within), 30.0, within, Random(1), lambda rgb: False) is None


@given(themes, st.floats(1, 30))
def test_every_hue_has_a_colour_whatever_the_contrast(theme: Theme, least: float) -> None:
    within = band(theme, least)
    for hue in range(0, 360, 45):
        assert wheel.vivid_slice(hue, within).corners
    if least <= highest_contrast(theme):
        corners = wheel.vivid_slice(200.0, within).corners
        assert all(readable(Color(rgb), theme, least) for rgb in corners)
