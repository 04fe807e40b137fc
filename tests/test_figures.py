"""The figures in the docs: every page shows what was measured, and no figure stands outside the measured ones."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.bench.figures import DOCS, FILE, MARKED, read, rendered

ROOT = DOCS.parent
PAGES = [*sorted(DOCS.glob("*.md")), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
FIGURE = re.compile(r"\d(?:\.\d+)? ?(?:ms|us|µs|MiB|kB)\b|% of (?:a|one) core|\d x (?:plain|the floor)")
"""A time below a second, a size of memory, a share of processor time: what the bench measures."""


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_a_page_shows_the_figures_that_were_measured(page: Path) -> None:
    text = page.read_text("utf-8")
    assert rendered(text, read()) == text, "run: python -m tests.bench --docs"


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_no_figure_of_speed_or_memory_stands_outside_the_measured_ones(page: Path) -> None:
    text = MARKED.sub("", page.read_text("utf-8"))
    assert [line for line in text.splitlines() if FIGURE.search(line)] == []


def test_the_figures_say_when_and_where_they_were_measured_without_names_or_paths() -> None:
    figures = read()
    assert {"messages", "people", "memory", "start", "reliability"} <= set(figures)
    for each in figures.values():
        assert {"date", "python", "twitchio", "aiohttp", "system", "cores"} <= set(each["measured"])
        assert each["rows"]
    assert not re.search(r'"[^"]*(?:/home|/root|/tmp|/work|@)[^"]*"', FILE.read_text("utf-8"))


def test_a_changed_figure_or_an_edited_page_is_noticed() -> None:
    page = "before\n<!-- figures: start -->\nold\n<!-- end of figures -->\nafter"
    (row,) = [row for row in read()["start"]["rows"] if row["what"] == "CPU until subscribed"]
    shown = rendered(page, read())
    assert shown.startswith("before\n<!-- figures: start -->\n| ")
    assert shown.endswith("<!-- end of figures -->\nafter")
    changed = {"start": read()["start"] | {"rows": [row | {"values": {"ColorChanger": [99.0]}}]}}
    assert "| 99 |" in rendered(page, changed)
    assert rendered(shown.replace("| s |", "| h |"), read()) == shown
    with pytest.raises(KeyError):
        rendered("<!-- figures: nonsense -->\n<!-- end of figures -->", read())
