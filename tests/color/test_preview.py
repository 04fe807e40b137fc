"""The preview, and the pictures of the documentation: `python -m tests.test_preview` draws them again."""

import io
import json
import re
import time
from datetime import UTC, datetime
from html.parser import HTMLParser
from itertools import islice
from pathlib import Path
from random import Random
from typing import get_args
from xml.etree import ElementTree as ET

import pytest
from coloraide import Color as Oracle
from rich.console import Console

from colorchanger_bot.color import DARK, LIGHT, PRESETS, STRATEGIES, Color, Plan, Theme, uses
from colorchanger_bot.color.preview import Row, as_html, as_json, as_svg, print_table, rows
from colorchanger_bot.errors import ConfigError

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
DOCS = Path(__file__).parents[2] / "docs"
PURPLE = Color(0x8F3AFF)
SUNSET = tuple(map(Color.parse, ("#8F3AFF", "#E0457B", "#C77600", "#0B8A66", "#2D7DD2")))

PICTURES = {
    "random": Plan(),
    "rainbow": Plan(strategy="rainbow", start=20.0),
    "palette": Plan(strategy="palette", colors=SUNSET, order="shuffle"),
    "gradient": Plan(strategy="gradient", colors=SUNSET[:3], steps=10),
    "shades": Plan(strategy="shades", base=PURPLE),
    "presets": Plan(strategy="presets"),
    "daily": Plan(strategy="daily"),
    "clock": Plan(strategy="daily", period="clock"),
    "standout": Plan(strategy="standout"),
    "hold": Plan(strategy="hold", base=PURPLE),
    "rainbow-names": Plan(strategy="rainbow", start=20.0),
}


def picture(name: str) -> str:
    found = rows(PICTURES[name], 20, Random(1), NOW, presets_only=name.endswith("-names"))
    return as_svg(list(found), f"Twenty colours of {name}, on dark and on light")


def sound(strategy: str, theme: Theme = "both") -> Plan:
    return Plan(strategy=strategy, theme=theme, colors=SUNSET, base=PURPLE)


# Rows


@pytest.mark.parametrize("theme", get_args(Theme))
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_as_many_rows_as_asked_for_with_true_numbers(strategy: str, theme: Theme) -> None:
    found = list(rows(sound(strategy, theme), 60, Random(1), NOW))
    assert len(found) == 60
    last = None
    for row in found:
        color = Oracle(row.hex)
        assert row.contrast_dark == pytest.approx(color.contrast(Oracle("#18181b")), abs=1e-9)
        assert row.contrast_light == pytest.approx(color.contrast(Oracle("#ffffff")), abs=1e-9)
        assert row.step == (None if last is None else pytest.approx(color.delta_e(last, method="ok"), abs=1e-6))
        last = color


@pytest.mark.parametrize("strategy", sorted(STRATEGIES.keys() - {"hold"}))
def test_every_row_is_another_colour(strategy: str) -> None:
    _, *after = rows(sound(strategy), 200, Random(1), NOW)
    assert all(row.step for row in after)


def test_by_the_clock_time_passes_until_the_colour_changes() -> None:
    _, *after = rows(sound("daily")._replace(period="clock"), 100, Random(1), NOW)
    assert min(row.step or 0 for row in after) >= 0.15


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_with_names_only_every_row_is_a_name(strategy: str) -> None:
    hexes = {row.hex for row in rows(sound(strategy), 50, Random(1), NOW, presets_only=True)}
    assert hexes <= {name.hex for name in PRESETS}


def test_a_colour_that_is_held_is_shown_again_and_none_shows_nothing() -> None:
    held = list(rows(sound("hold"), 3, Random(1), NOW))
    assert [(row.hex, row.step) for row in held] == [("#8F3AFF", None), ("#8F3AFF", 0.0), ("#8F3AFF", 0.0)]
    assert list(rows(Plan(strategy="hold"), 3, Random(1), NOW)) == []


def test_the_same_seed_shows_the_same() -> None:
    one, other, third = (list(rows(Plan(), 30, Random(seed), NOW)) for seed in (1, 1, 2))
    assert one == other != third


def test_a_plan_that_cannot_be_built_raises() -> None:
    with pytest.raises(ConfigError):
        list(rows(Plan(strategy="palette"), 1, Random(1), NOW))


def test_the_calendar_may_end() -> None:
    late = datetime(9998, 12, 28, tzinfo=UTC)
    assert len(list(rows(Plan(strategy="daily"), 40, Random(1), late))) == 40


def test_rows_come_one_by_one() -> None:
    begin = time.perf_counter()
    assert len(list(islice(rows(Plan(), 10**9, Random(1), NOW), 5))) == 5
    assert time.perf_counter() - begin < 5


# As JSON


def test_json_has_exactly_the_keys_of_the_contract() -> None:
    first, second = (as_json(row) for row in rows(Plan(), 2, Random(1), NOW))
    assert "\n" not in first
    assert list(json.loads(first)) == ["hex", "contrast_dark", "contrast_light", "step"]
    assert json.loads(first)["step"] is None
    assert json.loads(second)["step"] >= 0.15


def test_json_rounds_to_six_decimals() -> None:
    assert as_json(Row("#FF0000", 4.43, 3.9984767707539985, None)) == (
        '{"hex": "#FF0000", "contrast_dark": 4.43, "contrast_light": 3.998477, "step": null}'
    )


# As a table


def printed(found: list[Row], width: int = 100, **options: object) -> str:
    paper = io.StringIO()
    print_table(Console(file=paper, width=width, **options), found)  # type: ignore[arg-type]
    return paper.getvalue()


def test_a_table_has_a_line_for_each_row_with_its_numbers() -> None:
    found = [Row("#FF0000", 4.43, 3.99, None), Row("#8F3AFF", 3.44, 5.15, 0.31)]
    header, red, purple, *legend = printed(found).splitlines()
    assert [line.partition(":")[0] for line in legend] == ["dark, light", "step"]
    assert header.split() == ["on", "dark", "on", "light", "colour", "name", "dark", "light", "step"]
    assert red.split() == ["YourName", "YourName", "#FF0000", "red", "4.43", "3.99"]
    assert purple.split() == ["YourName", "YourName", "#8F3AFF", "3.44", "5.15", "0.310"]
    assert len(header) == len(purple)


@pytest.mark.parametrize("width", [50, 60])
def test_a_narrow_terminal_gets_the_numbers_without_the_names(width: int) -> None:
    header, red, *_ = printed([Row("#FF0000", 4.43, 3.99, 0.31)], width=width).splitlines()
    assert header.split() == ["on", "dark", "on", "light", "colour", "dark", "light", "step"]
    assert red.split() == ["YourName", "YourName", "#FF0000", "4.43", "3.99", "0.310"]


def test_a_table_shows_names_in_true_colour_on_both_grounds() -> None:
    text = printed([Row("#8F3AFF", 3.44, 5.15, None)], force_terminal=True, color_system="truecolor")
    for ground in ("48;2;24;24;27", "48;2;255;255;255"):
        assert f"38;2;143;58;255;{ground}m  YourName" in text


# As a page


class Page(HTMLParser):
    """What a page is made of."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.styles: list[str] = []
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.styles += [value or "" for key, value in attrs if key == "style"]
        self.links += [value or "" for key, value in attrs if key in ("src", "href")]


def test_a_page_shows_each_colour_on_dark_and_on_light_and_needs_nothing_else() -> None:
    found = list(rows(Plan(), 25, Random(1), NOW))
    text = as_html(Plan(), iter(found))
    page = Page(text)
    assert page.styles == [f"color:{row.hex}" for row in found] * 2
    assert page.links == []
    assert not {"script", "img", "link", "iframe"} & set(page.tags)
    assert "url(" not in text
    assert "@import" not in text
    assert f".dark {{ background: {DARK.hex}" in text
    assert f".light {{ background: {LIGHT.hex}" in text


def test_a_page_escapes_what_it_says() -> None:
    assert "<script>" not in as_html(Plan(strategy="<script>"), [])


# As pictures, and the page that shows them


def test_a_picture_has_each_name_on_both_grounds() -> None:
    found = list(rows(Plan(), 13, Random(1), NOW))
    root = ET.fromstring(as_svg(found, "a < b"))  # noqa: S314 - our own
    space = "{http://www.w3.org/2000/svg}"
    assert root.get("aria-label") == "a < b"
    assert [text.get("fill") for text in root.iter(f"{space}text")] == [row.hex for row in found] * 2
    assert [rect.get("fill") for rect in root.iter(f"{space}rect")] == [DARK.hex, LIGHT.hex]


@pytest.mark.parametrize("name", PICTURES)
def test_the_pictures_of_the_documentation_are_what_the_code_draws(name: str) -> None:
    assert (DOCS / "pictures" / f"{name}.svg").read_text("utf-8") == picture(name)


def test_the_page_on_colours_shows_every_picture_and_every_key() -> None:
    text = (DOCS / "colors.md").read_text("utf-8")
    assert set(re.findall(r"\(pictures/([\w-]+)\.svg\)", text)) == set(PICTURES)
    for name in STRATEGIES:
        _, _, section = text.partition(f"\n## {name}\n")
        body = section.partition("\n## ")[0]
        assert f'strategy = "{name}"' in body
        assert set(re.findall(r"^(\w+) = ", body, re.MULTILINE)) - {"strategy"} == uses(name)


if __name__ == "__main__":
    for drawn in PICTURES:
        (DOCS / "pictures" / f"{drawn}.svg").write_text(picture(drawn), "utf-8", newline="\n")
