"""What a person may write as a colour, and what a colour is."""

import contextlib
import copy
import pickle
import time

import pytest
from coloraide.css.color_names import name2val_map
from hypothesis import given
from hypothesis import strategies as st

from colorchanger_bot.color.names import CSS, TWITCH, squash
from colorchanger_bot.color.value import PRESETS, Color
from colorchanger_bot.errors import ColorChangerError, UnknownColor

rgbs = st.integers(0, 0xFFFFFF)


@given(rgbs)
def test_a_hex_is_read_with_and_without_its_sign_in_any_case(rgb: int) -> None:
    digits = f"{rgb:06x}"
    written = (digits, digits.upper(), f"#{digits}", f"  #{digits.upper()}\n")
    assert {Color.parse(text) for text in written} == {Color(rgb)}


@pytest.mark.parametrize("text", ["#f80", "f80", "F80", "#FF8800", " #f80 "])
def test_a_short_hex_doubles_its_digits(text: str) -> None:
    assert Color.parse(text) == Color(0xFF8800)


@pytest.mark.parametrize(
    "text", ["BlueViolet", "blue violet", "blue_violet", "blue-violet", "BLUE  VIOLET", "bLuEvIoLeT"]
)
def test_a_name_of_twitch_is_read_in_any_spelling(text: str) -> None:
    assert Color.parse(text).wire == "blue_violet"


@pytest.mark.parametrize("name", TWITCH)
def test_all_names_of_twitch_are_read_and_written(name: str) -> None:
    color = Color.parse(name)
    assert (color.rgb, color.name, color.wire, str(color)) == (TWITCH[name], name, name, name)


def test_the_css_names_are_those_of_the_standard() -> None:
    standard = {name: tuple(round(value) for value in values[:3]) for name, values in name2val_map.items()}
    del standard["transparent"]
    assert {name: tuple(rgb.to_bytes(3, "big")) for name, rgb in CSS.items()} == standard


@pytest.mark.parametrize("name", TWITCH)
def test_css_and_twitch_mean_the_same_by_their_common_names(name: str) -> None:
    assert CSS[squash(name)] == TWITCH[name]


@pytest.mark.parametrize(("text", "rgb"), [("rebecca purple", 0x663399), ("grey", 0x808080), ("Tomato", 0xFF6347)])
def test_css_names_are_read(text: str, rgb: int) -> None:
    assert Color.parse(text) == Color(rgb)


@pytest.mark.parametrize(
    ("text", "suggestion"),
    [("blue voilet", "blue_violet"), ("reed", "red"), ("rebecapurple", "rebeccapurple"), ("qqqqq", None), ("", None)],
)
def test_an_unknown_name_raises_with_the_closest_one(text: str, suggestion: str | None) -> None:
    with pytest.raises(UnknownColor) as caught:
        Color.parse(text)
    assert caught.value.suggestion == suggestion


@pytest.mark.parametrize(
    "text",
    [
        "#",
        "#f",
        "#ff",
        "#ffff",
        "#fffffff",
        "##fff",
        "#ggg",
        "-12345",
        "0x1234",
        "\u0663\u0663\u0663",
        "\uff11\uff12\uff13",
    ],
)
def test_what_is_nearly_a_hex_is_none(text: str) -> None:
    with pytest.raises(UnknownColor):
        Color.parse(text)


@given(st.text(max_size=200))
def test_any_text_is_a_colour_or_an_error_that_is_safe_to_echo(text: str) -> None:
    with contextlib.suppress(UnknownColor):
        assert Color.parse(text).hex
        return
    with pytest.raises(ColorChangerError) as caught:
        Color.parse(text)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 120


def test_control_and_direction_marks_are_not_echoed() -> None:
    with pytest.raises(UnknownColor) as caught:
        Color.parse("\x1b[31mno\u202e\x00 such\r\ncolour")
    assert caught.value.text == "[31mno suchcolour"


def test_a_long_text_is_cut_and_answered_at_once() -> None:
    begin = time.perf_counter()
    with pytest.raises(UnknownColor) as caught:
        Color.parse("blueviolet" * 100_000)
    assert len(caught.value.text) == 40
    assert time.perf_counter() - begin < 1


def test_a_colour_equals_what_looks_the_same() -> None:
    assert Color.parse("#0000ff") == Color.parse("blue") == Color(0xFF)
    assert len({Color.parse("#00f"), Color.parse("blue")}) == 1
    assert Color(0xFF) != Color(0xFE)
    assert Color(0xFF) != 0xFF


@given(rgbs)
def test_what_is_written_is_read_back(rgb: int) -> None:
    color = Color(rgb)
    assert Color.parse(color.hex) == Color.parse(color.wire) == Color.parse(str(color)) == color
    assert color.is_named == (color in PRESETS) == (color.name is not None)


def test_a_hex_without_name_is_sent_as_upper_case_hex() -> None:
    color = Color.parse("8f3aff")
    assert (color.wire, str(color), color.hex, color.name, color.is_named) == ("#8F3AFF",) * 3 + (None, False)
    assert repr(color) == "Color(0x8F3AFF)"


@pytest.mark.parametrize("rgb", [-1, 0x1000000])
def test_a_number_that_is_no_colour_raises(rgb: int) -> None:
    with pytest.raises(ValueError, match="from 0 to 0xFFFFFF"):
        Color(rgb)


def test_a_colour_cannot_be_changed() -> None:
    color = Color(1)
    with pytest.raises(AttributeError):
        color.rgb = 2
    with pytest.raises(AttributeError):
        del color.rgb
    with pytest.raises(AttributeError):
        color.note = "mine"  # pyright: ignore[reportAttributeAccessIssue]
    assert color == Color(1)


def test_a_colour_can_be_copied_and_pickled() -> None:
    color = Color(0x8F3AFF)
    assert pickle.loads(pickle.dumps(color)) == copy.deepcopy(color) == copy.copy(color) == color  # noqa: S301


def test_there_are_15_presets_in_the_order_of_the_reference() -> None:
    assert [color.name for color in PRESETS] == list(TWITCH)
    assert len(PRESETS) == 15


def test_contrast_and_distance_of_colours() -> None:
    black, white = Color(0), Color(0xFFFFFF)
    assert black.contrast(white) == pytest.approx(21)
    assert black.distance(white) == pytest.approx(1)
    assert white.distance(white) == 0
