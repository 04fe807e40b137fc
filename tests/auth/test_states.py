"""The states of a login are those of the table, and no order of events leads past the rules."""

from __future__ import annotations

import itertools
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from colorchanger_bot.auth import states
from colorchanger_bot.auth.states import Event, Life, State, Step

EVENTS: tuple[Event, ...] = get_args(Event)
STATES = [State.GOOD, State.FRESH, State.DOUBTFUL, State.REFUSED, State.BLOCKED, State.UNSAVED, State.LOST]
WORKS = [None, True, False]


def rows(first: str) -> dict[str, list[str]]:
    """The table of the docstring whose head begins with this word: name of the row, then its cells."""
    text = str(states.__doc__)
    table = text[text.index(f"    {first} ") :].split("\n\n", maxsplit=1)[0]
    lines = [[cell.strip() for cell in line.strip().split("  ") if cell.strip()] for line in table.splitlines()]
    return {name: cells for name, *cells in lines[1:]}


@pytest.mark.parametrize("event", EVENTS)
def test_what_follows_is_what_the_table_says(event: Event) -> None:
    for state, expected in zip(STATES, rows("event")[event], strict=True):
        if expected == "-":
            with pytest.raises(ValueError, match="cannot happen"):
                Life(state).after(event)
        else:
            assert Life(state).after(event).state is State[expected]


@pytest.mark.parametrize("state", STATES)
def test_what_is_done_next_is_what_the_table_says(state: State) -> None:
    text = str(states.__doc__)
    line = next(line for line in text.splitlines()[::-1] if line.startswith(f"    {state.name} "))
    _, *cells = [cell.strip() for cell in line.split("  ") if cell.strip()]
    for works, cell in zip(WORKS, cells, strict=True):
        now, _, later = cell.partition(": ")
        now, _, ahead = now.partition(",")[0].partition(" (")
        life = Life(state, works)
        assert life.step(ahead=False, may_spend=True) == now
        assert life.step(ahead=False, may_spend=False) == (later or now)
        if ahead:
            assert life.step(ahead=True, may_spend=True) == ahead.rstrip(")")


def test_the_table_has_every_event_and_state() -> None:
    assert list(rows("event")) == list(EVENTS)
    assert set(STATES) == set(State)


@given(st.lists(st.sampled_from(EVENTS)))
def test_only_a_refused_login_whose_token_is_dead_is_given_up(events: list[Event]) -> None:
    life = Life()
    for event in events:
        before = life
        try:
            life = life.after(event)
        except ValueError:
            assert life == before
            continue
        if life.state is State.LOST and before.state is not State.LOST:
            assert (before.state, event) == (State.REFUSED, "given up")
        if before.state is State.UNSAVED:
            assert life.state in (State.UNSAVED, State.FRESH)  # a pair that was issued is never left behind


def test_nothing_is_spent_while_a_pair_waits_to_be_saved_and_nothing_is_lost_while_a_token_works() -> None:
    for state, works, ahead, may_spend in itertools.product(STATES, WORKS, [True, False], [True, False]):
        step: Step = Life(state, works).step(ahead=ahead, may_spend=may_spend)
        if state is State.UNSAVED:
            assert step == "save"
        if step == "lose":
            assert (works, may_spend) == (False, False)
            assert state in (State.REFUSED, State.LOST)
        if state is State.DOUBTFUL and works is not False:
            assert step in ("validate", "use")


@pytest.mark.parametrize("works", WORKS)
def test_how_a_refresh_ended_says_nothing_of_the_access_token_but_a_new_pair_begins_anew(works: bool | None) -> None:
    for event in ("refused", "blocked", "unanswered"):
        assert Life(State.GOOD, works).after(event).works is works
    assert Life(State.GOOD, works).after("issued").works is None
    assert Life(State.UNSAVED, works).after("saved").works is None
    assert Life(State.GOOD, works).after("dead").works is False
    assert Life(State.GOOD, works).after("valid").works is True


def test_only_a_token_that_is_dead_stays_so_when_it_is_asked_about_again() -> None:
    for state in STATES:
        assert Life(state, False).questioned() == Life(state, False)
        assert Life(state, True).questioned() == Life(state, None)


def test_a_new_token_that_works_is_used_while_it_is_too_early_to_replace_it() -> None:
    assert Life(State.FRESH, True).step(ahead=True, may_spend=False) == "use"
    assert Life(State.FRESH, True).step(ahead=False, may_spend=False) == "pause"
