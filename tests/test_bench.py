"""The bench measures what it says: every contestant really changes colours."""

from __future__ import annotations

import json
import sys

import pytest

from tests.bench.arena import Arena
from tests.bench.contestants import FLOOR, OURS, PLAIN, Contestant
from tests.bench.report import Limit, Row, as_json, as_text

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the bench reads /proc")


@pytest.mark.parametrize("contestant", [FLOOR, PLAIN, OURS], ids=lambda each: each.name)
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


async def test_a_contestant_that_exits_is_reported_with_its_output() -> None:
    broken = Contestant("broken", lambda _task, _home: ([sys.executable, "-c", "raise SystemExit('no way')"], {}))
    with pytest.raises(RuntimeError, match="broken made 0 subscriptions in 1 s: no way"):
        async with Arena.open(broken, within=1.0):
            pass


def row(ours: list[float], plain: list[float]) -> Row:
    return Row("time", "ms", [Limit(0.95, PLAIN.name), Limit(3.0)], {OURS.name: ours, PLAIN.name: plain})


def test_ratios_are_computed_per_round() -> None:
    # The machine was busy in the third round: both were slow, which the ratio does not show.
    assert row([1.0, 1.2, 9.0], [2.0, 2.4, 18.0]).ratios(PLAIN.name) == [0.5, 0.5, 0.5]


def test_a_limit_is_kept_exceeded_or_unknown() -> None:
    kept, exceeded = row([1.0, 1.0, 9.0], [2.0, 2.0, 2.0]), row([4.0], [2.0])
    assert [kept.verdict(limit) for limit in kept.limits] == [True, True]
    assert [exceeded.verdict(limit) for limit in exceeded.limits] == [False, False]
    assert row([], [2.0]).verdict(Limit(3.0)) is None


def test_the_table_and_the_json_say_the_same() -> None:
    rows = [row([1.0, 1.5, 2.0], [2.0, 2.0, 2.0])]
    text = as_text(rows, [PLAIN.name, OURS.name])
    assert "1.5 (1 to 2)" in text
    assert "0.75 (0.5 to 1)" in text
    assert "0.95 x plain TwitchIO kept; 3 kept" in text
    (data,) = json.loads(json.dumps(as_json(rows, {"cores": 2})))["rows"]
    assert data["ratios"][PLAIN.name] == [0.5, 0.75, 1.0]
    assert data["kept"] == {"0.95 x plain TwitchIO": True, "3": True}
