"""The bench measures what it says: every contestant really does the job."""

from __future__ import annotations

import json
import sys

import pytest

from tests.bench.arena import Arena
from tests.bench.contestants import OURS, PLAIN, Contestant, floor, ours, plain
from tests.bench.report import Limit, Row, as_markdown, as_text

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the bench reads /proc")


@pytest.mark.parametrize("contestant", [floor, plain, ours], ids=lambda each: each.name)
async def test_each_contestant_changes_the_colour_of_each_of_its_accounts(contestant: Contestant) -> None:
    async with Arena.open(contestant, accounts=2, channels=2, within=30.0) as arena:
        assert len(arena.twitch.subscriptions) == 4
        for login in arena.logins:
            assert 0 < await arena.change(login) < 5
        assert {change.login for change in arena.twitch.color_changes} == set(arena.logins)
        before = arena.cpu()
        spent = await arena.costs(lambda: arena.chatter(200))
        assert 0 < spent <= arena.cpu() - before
        assert 10 < arena.memory() < 500


async def test_a_contestant_that_ends_is_reported_with_its_last_line_of_errors() -> None:
    broken = Contestant("broken", lambda _task, _home: ([sys.executable, "-c", "raise SystemExit('no way')"], {}))
    with pytest.raises(RuntimeError, match="broken made 0 subscriptions in 1 s: no way"):
        async with Arena.open(broken, within=1.0):
            pass


def row(mine: list[float], theirs: list[float]) -> Row:
    return Row("time", "ms", [Limit(0.95, PLAIN), Limit(3.0)], {OURS: mine, PLAIN: theirs})


def test_ratios_are_taken_round_by_round() -> None:
    # The machine was busy in the third round: both were slow, and the ratio does not show it.
    assert row([1.0, 1.2, 9.0], [2.0, 2.4, 18.0]).ratios(PLAIN) == [0.5, 0.5, 0.5]


def test_a_limit_is_kept_or_exceeded_or_not_measured() -> None:
    kept, exceeded = row([1.0, 1.0, 9.0], [2.0, 2.0, 2.0]), row([4.0], [2.0])
    assert [kept.verdict(limit) for limit in kept.limits] == [True, True]
    assert [exceeded.verdict(limit) for limit in exceeded.limits] == [False, False]
    assert row([], [2.0]).verdict(Limit(3.0)) is None


def test_the_tables_show_medians_ratios_and_limits() -> None:
    measured = row([1.0, 1.5, 2.0], [2.0, 2.0, 2.0])
    text, page = as_text([measured], [PLAIN, OURS]), as_markdown([measured])
    for shown in (text, page):
        assert "1.5 (1 to 2)" in shown
        assert "0.75 (0.5 to 1)" in shown
        assert "0.95 x plain TwitchIO; 3" in shown
    assert page.splitlines()[0] == "|  | unit | plain TwitchIO | ColorChanger | ours / plain TwitchIO | limit |"
    assert as_markdown([row([4.0], [2.0])]).endswith("0.95 x plain TwitchIO: EXCEEDED; 3: EXCEEDED |")


def test_a_row_survives_json() -> None:
    measured = row([1.23456, 1.5], [2.0, 2.0])
    again = Row.of(json.loads(json.dumps(measured.as_json())))
    assert again == row([1.235, 1.5], [2.0, 2.0])
