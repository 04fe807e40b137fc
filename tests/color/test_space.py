"""The colour maths, against coloraide, which shares no code with it."""

import pytest
from coloraide import Color as Oracle
from hypothesis import assume, example, given
from hypothesis import strategies as st

from colorchanger_bot.color import space

rgbs = st.integers(0, 0xFFFFFF)
hues = st.floats(0, 360, exclude_max=True)


def oracle(rgb: int) -> Oracle:
    return Oracle(f"#{rgb:06x}")


@given(rgbs)
def test_oklab_agrees(rgb: int) -> None:
    assert space.oklab(rgb) == pytest.approx(oracle(rgb).convert("oklab").coords(), abs=1e-6)


@given(rgbs)
def test_oklch_agrees_and_hue_where_there_is_one(rgb: int) -> None:
    expected = oracle(rgb).convert("oklch").coords(nans=False)
    lightness, chroma, hue = space.oklch(rgb)
    assert (lightness, chroma) == pytest.approx(expected[:2], abs=1e-6)
    if chroma > 1e-3:
        assert hue == pytest.approx(expected[2], abs=1e-6)


@given(rgbs, rgbs)
def test_contrast_agrees(one: int, other: int) -> None:
    assert space.contrast(one, other) == pytest.approx(oracle(one).contrast(oracle(other)), abs=1e-9)


@given(rgbs, rgbs)
def test_distance_agrees(one: int, other: int) -> None:
    assert space.distance(one, other) == pytest.approx(oracle(one).delta_e(oracle(other), method="ok"), abs=1e-6)


@given(st.floats(0, 1), hues, st.floats(0, 0.4))
def test_oklab_to_linear_agrees_inside_and_outside_the_gamut(lightness: float, hue: float, chroma: float) -> None:
    color = Oracle("oklch", [lightness, chroma, hue])
    _, a, b = color.convert("oklab").coords()
    expected = color.convert("srgb-linear").coords()
    assert space.oklab_to_linear(lightness, a, b) == pytest.approx(expected, abs=1e-6)


@given(st.floats(0, 1))
def test_encoding_and_decoding_agree_and_undo_each_other(value: float) -> None:
    assert space.srgb_to_linear(value) == pytest.approx(Oracle("srgb", [value] * 3).convert("srgb-linear")[0], abs=1e-9)
    assert space.linear_to_srgb(space.srgb_to_linear(value)) == pytest.approx(value, abs=1e-7)


@given(st.floats(-0.5, 1.5))
def test_rounding_to_8_bits_is_to_the_nearest_and_clips(value: float) -> None:
    shown = min(max(value, 0.0), 1.0)
    assert abs(space.from_linear(value, 0, 0) / 0x10000 - 255 * space.linear_to_srgb(shown)) <= 0.5 + 1e-6


@given(rgbs)
def test_every_colour_survives_oklch(rgb: int) -> None:
    assert space.from_oklch(*space.oklch(rgb)) == rgb


@given(st.floats(0.05, 0.95), hues)
@example(0.05078125, 262.0)  # in the dark, near blue: where slack of the gamut shows first
def test_gamut_mapping_reduces_chroma_as_css_does(lightness: float, hue: float) -> None:
    mapped = Oracle("oklch", [lightness, 0.4, hue]).fit("srgb", method="oklch-chroma", jnd=0)
    assert space.most_chroma(lightness, hue) == pytest.approx(mapped.convert("oklch")[1], abs=3e-4)


@given(st.floats(0.1, 0.95), st.floats(0, 0.4), hues)
def test_gamut_mapping_keeps_lightness_and_hue(lightness: float, chroma: float, hue: float) -> None:
    kept_lightness, kept_chroma, kept_hue = space.oklch(space.from_oklch(lightness, chroma, hue))
    assert kept_lightness == pytest.approx(lightness, abs=0.006)
    assert kept_chroma <= chroma + 0.006
    # What rounding to 8 bits can turn: half a step of chroma sideways.
    turned = abs((kept_hue - hue + 180) % 360 - 180)
    assert turned * 3.1416 / 180 * kept_chroma < 0.008


@pytest.mark.parametrize(("lightness", "rgb"), [(-1.0, 0x000000), (0.0, 0x000000), (1.0, 0xFFFFFF), (2.0, 0xFFFFFF)])
def test_beyond_black_and_white_there_is_no_chroma(lightness: float, rgb: int) -> None:
    assert space.from_oklch(lightness, 0.2, 30.0) == rgb


@given(rgbs)
def test_no_colour_of_a_hue_has_more_chroma_than_its_cusp(rgb: int) -> None:
    _, chroma, hue = space.oklch(rgb)
    # The edge at blue is so sharp that a hue computed a hair beside it has another cusp.
    assert chroma <= max(space.cusp(near)[1] for near in (hue - 0.01, hue, hue + 0.01)) + 1e-4


@pytest.mark.parametrize("corner", [0xFF0000, 0xFFFF00, 0x00FF00, 0x00FFFF, 0x0000FF, 0xFF00FF])
def test_the_corners_of_the_cube_are_cusps(corner: int) -> None:
    lightness, chroma, hue = space.oklch(corner)
    assert space.cusp(hue) == pytest.approx((lightness, chroma), abs=1e-4)


@given(hues)
@example(264.0)
@example(264.3)
def test_a_cusp_is_a_colour_that_srgb_can_just_show(hue: float) -> None:
    # Beside blue the gamut curves inwards: a line of constant hue leaves it and comes back before it reaches the cusp.
    assume(not 264.05 < hue % 360 < 264.25)
    lightness, chroma = space.cusp(hue)
    assert space.most_chroma(lightness, hue) == pytest.approx(chroma, abs=1e-4)
