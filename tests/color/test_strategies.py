"""What every strategy promises, and what is wrong with a plan."""

import json
import subprocess
import sys
from random import Random
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from colorchanger_bot import color as package
from colorchanger_bot.color import (
    PRESETS,
    STRATEGIES,
    Color,
    Moment,
    Plan,
    State,
    Strategy,
    Theme,
    build,
    problems,
    uses,
)
from colorchanger_bot.color.readable import fitting_names, highest_contrast, readable
from colorchanger_bot.errors import ConfigError
from tests.color.worlds import COLORS, NOON, colors, plan, steps

THEMES = get_args(Theme)
# Where every colour is made, none is the user's own.
GENERATED = ("random", "rainbow", "shades", "presets", "daily", "standout")

kinds = st.sampled_from(sorted(STRATEGIES))
themes = st.sampled_from(THEMES)
jsons: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("kind", GENERATED)
def test_generated_colours_are_readable_and_visibly_new(kind: str, theme: Theme) -> None:
    found = colors(plan(kind, theme=theme), 1000)
    assert len(found) == 1000
    assert [color for color in found if not readable(color, theme, 3.0)] == []
    assert min(steps(found)) >= 0.15


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("kind", GENERATED)
def test_with_names_only_the_names_are_readable_and_no_two_alike_in_a_row(kind: str, theme: Theme) -> None:
    found = colors(plan(kind, theme=theme), 400, presets_only=True)
    assert len(found) == 400
    assert set(found) <= set(fitting_names(theme, 3.0))
    assert min(steps(found)) > 0
    assert len(set(found)) >= 3


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("kind", ["random", "rainbow", "presets", "daily", "standout"])
def test_with_names_only_each_visibly_differs_from_the_last(kind: str, theme: Theme) -> None:
    assert min(steps(colors(plan(kind, theme=theme), 400, presets_only=True))) >= 0.15


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("kind", ["random", "rainbow", "presets", "daily"])
def test_with_names_only_all_that_fit_come_equally_often(kind: str, theme: Theme) -> None:
    found = colors(plan(kind, theme=theme), 1000, presets_only=True)
    names = fitting_names(theme, 3.0)
    assert all(abs(found.count(name) - 1000 / len(names)) < 8 for name in names)


@given(kinds, themes, st.booleans(), st.integers(0, 99), st.sampled_from(["sequence", "shuffle"]))
def test_a_restart_continues_where_it_was(kind: str, theme: Theme, presets_only: bool, seed: int, order: str) -> None:
    the_plan = plan(kind, theme=theme, order=order)
    before = build(the_plan)
    history = colors(the_plan, seed % 23, presets_only=presets_only, seed=seed, strategy=before)[::-1]
    after = build(the_plan)
    after.load(json.loads(json.dumps(before.save())))
    expected = colors(the_plan, 20, presets_only=presets_only, strategy=before, history=history)
    assert colors(the_plan, 20, presets_only=presets_only, strategy=after, history=history) == expected


@given(kinds, jsons | st.dictionaries(st.sampled_from(["hue", "used", "at", "bag", "names"]), jsons), st.booleans())
def test_an_invalid_state_means_a_fresh_start(kind: str, state: Any, signed: bool) -> None:
    if signed and isinstance(state, dict):
        state = {**state, "strategy": kind}
    strategy = build(plan(kind))
    strategy.load(state)
    found = colors(plan(kind), 5, strategy=strategy)
    assert found
    if not (signed and isinstance(state, dict)):
        assert found == colors(plan(kind), 5)


@pytest.mark.parametrize("kind", STRATEGIES)
def test_the_state_of_another_strategy_means_a_fresh_start(kind: str) -> None:
    afresh = colors(plan(kind), 9)
    for other in STRATEGIES:
        if other != kind:
            foreign, mine = build(plan(other)), build(plan(kind))
            colors(plan(other), 5, strategy=foreign)
            mine.load(foreign.save())
            assert colors(plan(kind), 9, strategy=mine) == afresh, other


@pytest.mark.parametrize("kind", STRATEGIES)
def test_a_state_is_small(kind: str) -> None:
    strategy = build(plan(kind))
    colors(plan(kind), 500, strategy=strategy)
    colors(plan(kind), 500, strategy=strategy, presets_only=True)
    assert len(json.dumps(strategy.save())) < 500


@given(kinds, themes, st.integers(0, 0xFFFFFF).map(Color), st.booleans())
def test_any_colour_may_have_been_shown_before(kind: str, theme: Theme, shown: Color, presets_only: bool) -> None:
    found = colors(plan(kind, theme=theme), 2, history=[shown], presets_only=presets_only)
    assert shown not in found[:1]


@given(
    kinds,
    themes,
    st.tuples(st.floats(0, 40), st.floats(0, 2)),
    st.booleans(),
    st.lists(st.integers(0, 0xFFFFFF).map(Color), min_size=2, max_size=5),
)
def test_out_of_reach_never_fails_or_hangs(
    kind: str, theme: Theme, reach: tuple[float, float], presets_only: bool, listed: list[Color]
) -> None:
    least, min_step = reach
    strained = plan(
        kind, theme=theme, min_contrast=round(least), min_step=round(min_step, 1), colors=(*listed,), base=listed[0]
    )
    found = colors(strained, 6, presets_only=presets_only)
    assert all(steps(found))
    if presets_only and kind not in ("palette", "gradient", "hold"):
        assert set(found) <= set(PRESETS)


@pytest.mark.parametrize("kind", STRATEGIES)
def test_names_only_and_no_readable_name_still_change(kind: str) -> None:
    assert not any(readable(name, "both", 4.2) for name in PRESETS)
    found = colors(plan(kind, min_contrast=4.2), 30, presets_only=True)
    assert all(steps(found))
    assert all(color.is_named for color in found)
    assert len(found) == 30 or kind == "hold"


def test_strategies_are_listed_by_their_names() -> None:
    assert list(STRATEGIES) == [
        "random", "rainbow", "palette", "gradient", "shades", "presets", "daily", "standout", "hold",
    ]  # fmt: skip
    assert all(kind.name == name for name, kind in STRATEGIES.items())
    assert [name for name, kind in STRATEGIES.items() if kind.wants_seen] == ["standout"]


def test_each_strategy_says_which_keys_are_its_own() -> None:
    assert uses("gradient") == {"colors", "steps"}
    assert set().union(*map(uses, STRATEGIES)) == set(Plan._fields) - {"strategy", "theme", "min_contrast", "min_step"}


@pytest.mark.parametrize("kind", STRATEGIES)
def test_a_sound_plan_has_no_problems(kind: str) -> None:
    assert problems(plan(kind)) == []
    assert isinstance(build(plan(kind)), STRATEGIES[kind])


@pytest.mark.parametrize(
    ("the_plan", "problem"),
    [
        (Plan(strategy="rainbw"), 'strategy: "rainbw" is unknown; choose one of random, rainbow,'),
        (Plan(strategy="palette"), "colors: palette needs at least 1, and has 0"),
        (Plan(strategy="gradient", colors=COLORS[:1]), "colors: gradient needs at least 2, and has 1"),
        (Plan(strategy="shades"), "base: shades needs a base colour"),
    ],
)
def test_a_plan_that_cannot_be_built_says_why(the_plan: Plan, problem: str) -> None:
    (sentence,) = problems(the_plan)
    assert sentence.startswith(problem)
    with pytest.raises(ConfigError) as caught:
        build(the_plan)
    assert caught.value.problems == [sentence]


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ({"min_contrast": 4.5}, "min_contrast: 4.5 is not from 1 to 4.2, the highest contrast possible on both themes"),
        ({"min_contrast": 0.9}, "min_contrast: 0.9 is not from 1 to 4.2"),
        ({"min_contrast": float("nan")}, "min_contrast: nan is not from 1"),
        ({"min_contrast": 18.0, "theme": "dark"}, "min_contrast: 18 is not from 1 to 17.7"),
        ({"min_step": 0.5}, "min_step: 0.5 is not from 0 to 0.3"),
        ({"min_step": -0.1}, "min_step: -0.1 is not from 0 to 0.3"),
        ({"step": 0.0}, "step: 0.0 is not more than 0"),
        ({"start": 400.0}, "start: 400.0 is not from 0 to 360 degrees"),
        ({"steps": 3}, "steps: 3 is not from 6 (one for each colour) to 1000"),
        ({"theme": "drak"}, "theme: drak is not one of both, dark, light, any"),
    ],
)
def test_a_value_out_of_reach_is_a_problem_but_can_be_built(keys: dict[str, object], problem: str) -> None:
    strained = plan("gradient", **keys)
    (sentence,) = problems(strained)
    assert sentence.startswith(problem)


@pytest.mark.parametrize("theme", THEMES)
def test_the_highest_contrast_is_no_problem(theme: Theme) -> None:
    assert problems(Plan(theme=theme, min_contrast=highest_contrast(theme))) == []


class Traffic(Strategy):
    """Red, yellow, green: how an embedder writes a strategy."""

    name = "traffic"

    def next(self, moment: Moment) -> Color:
        red, yellow, green = map(Color.parse, ("red", "gold", "green"))
        return {red: yellow, yellow: green}.get(moment.history[0], red) if moment.history else red


def test_a_custom_strategy_needs_only_a_name_and_next() -> None:
    traffic = Traffic()
    state: State = traffic.save()
    traffic.load(state)
    assert [str(color) for color in colors(Plan(), 4, strategy=traffic)] == ["red", "#FFD700", "green", "red"]


def test_the_base_class_chooses_nothing() -> None:
    with pytest.raises(NotImplementedError):
        Strategy().next(Moment((), Random(1), NOON))


def test_the_package_has_the_names_that_it_lists() -> None:
    assert {name: getattr(package, name) for name in package.__all__}.keys() == set(package.__all__)


def test_importing_colours_loads_nothing_slow() -> None:
    code = "import sys; from colorchanger_bot.color import *; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    slow = {"dataclasses", "inspect", "difflib", "numpy", "asyncio", "twitchio", "aiohttp", "coloraide"}
    assert "colorchanger_bot.color.draws" in loaded
    assert slow.isdisjoint(loaded)
