"""The metrics count what happens, failures too, under their documented names."""

# ruff: noqa: ASYNC240 - the files here are small

from __future__ import annotations

import asyncio
import json
import math
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from colorchanger_bot.sandbox import LocalTwitch, faults
from tests.fakes import until
from tests.web.conftest import Serve, Served, Visitor, visiting

CONTRACT = {
    "colorchanger_messages_total",
    "colorchanger_changes_total",
    "colorchanger_change_seconds_bucket",
    "colorchanger_subscribed_channels",
    "colorchanger_reconnects_total",
    "colorchanger_token_refreshes_total",
    "colorchanger_ratelimit_remaining",
}
Samples = dict[tuple[str, str], float]


async def scraped(visitor: Visitor) -> Samples:
    """Return all samples, by name and first label."""
    status, text = await visitor.get("/metrics")
    assert status == 200
    return {
        (sample.name, next(iter(sample.labels.values()), "")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_the_documented_metrics_exist(visitor: Visitor) -> None:
    names = {name for name, _ in await scraped(visitor)}
    assert names >= CONTRACT
    assert any(name.startswith(("process_", "python_")) for name in names)


async def test_the_requests_left_are_not_a_number_until_twitch_has_said(serve: Serve) -> None:
    async with serve(account=False) as service, visiting(service) as visitor:
        assert math.isnan((await scraped(visitor))["colorchanger_ratelimit_remaining", ""])


async def test_messages_and_changes_are_counted(visitor: Visitor, twitch: LocalTwitch) -> None:
    for number in range(1, 4):
        await twitch.say("me", in_="me", text="hello")
        await twitch.wait_for(lambda wanted=number: len(twitch.color_changes) == wanted)
    await asyncio.sleep(0.1)
    found = await scraped(visitor)
    assert found["colorchanger_messages_total", ""] == 3
    assert found["colorchanger_changes_total", "changed"] == 3
    assert found["colorchanger_change_seconds_count", ""] == 3
    assert found["colorchanger_subscribed_channels", ""] == 1
    assert 0 < found["colorchanger_ratelimit_remaining", ""] < 800


async def test_failures_are_counted_as_they_happen(
    visitor: Visitor,
    service: Served,
    twitch: LocalTwitch,
) -> None:
    twitch.faults.add("PUT /helix/chat/color", faults.status(400), times=2)
    await twitch.say("me", in_="me", text="hello")
    await until(lambda: next(iter(service.changer)).trouble)
    twitch.expire("me")
    await twitch.say("me", in_="me", text="again")
    await twitch.wait_for(lambda: sum(twitch.refreshes.values()) == 1)
    await until(lambda: service.keeper.refreshes["refreshed"])
    (session,) = next(iter(service.bots.values())).readers.sessions
    await twitch.eventsub.close_all(4000)
    await until(lambda: session.reconnects == 1)
    found = await scraped(visitor)
    assert found["colorchanger_changes_total", "rejected"] == 1
    assert found["colorchanger_token_refreshes_total", "refreshed"] == 1
    assert found["colorchanger_reconnects_total", "closed_4000"] == 1


async def test_channels_are_counted_once_by_how_many_read_them(
    serve: Serve, twitch: LocalTwitch, log_in: Callable[..., Awaitable[None]]
) -> None:
    for login in ("other", "third"):
        await log_in(login)
    accounts = [{"login": login, "channels": ["me"]} for login in ("me", "other", "third")]
    async with serve(accounts=accounts) as service, visiting(service) as visitor:
        await twitch.wait_for(lambda: len({each.user_id for each in twitch.subscriptions}) == 2)
        (readers,) = (bot.readers for bot in service.bots.values())
        await until(lambda: [channel.readers for channel in readers.channels] == [2])
        await twitch.eventsub.close_all(4000)
        await until(lambda: readers.handovers["closed"])
        found = await scraped(visitor)
        assert found["colorchanger_wanted_channels", ""] == 1
        assert sum(found["colorchanger_channel_readers", str(number)] for number in range(4)) == 1
        assert found["colorchanger_handovers_total", "closed"] >= 1


async def test_a_store_that_cannot_be_written_is_seen(visitor: Visitor, service: Served, store_url: str) -> None:
    before = await scraped(visitor)
    assert before["colorchanger_store_failing", ""] == 0
    last = "colorchanger_store_last_write_timestamp_seconds", ""
    assert time.time() - before[last] < 30
    path = Path(store_url.removeprefix("sqlite:///"))
    elsewhere = path.rename(path.with_name("elsewhere"))
    await until(lambda: service.store.trouble, seconds=20)
    during = await scraped(visitor)
    assert during["colorchanger_store_failing", ""] == 1
    elsewhere.rename(path)
    await until(lambda: not service.store.trouble)
    after = await scraped(visitor)
    assert after["colorchanger_store_failing", ""] == 0
    assert after[last] > during[last]


async def test_counters_do_not_fall_when_an_account_is_removed(
    visitor: Visitor,
    service: Served,
    twitch: LocalTwitch,
) -> None:
    await twitch.say("me", in_="me", text="hello")
    await twitch.wait_for(lambda: twitch.color_changes)
    before = await scraped(visitor)
    await service.changer.forget(twitch.user("me").id)
    after = await scraped(visitor)
    assert after["colorchanger_messages_total", ""] == before["colorchanger_messages_total", ""] == 1


async def test_the_grafana_dashboard_uses_metrics_that_exist(visitor: Visitor) -> None:
    _, text = await visitor.get("/metrics")
    names = {family.name for family in text_string_to_metric_families(text)}
    board = json.loads((Path(__file__).parents[2] / "docs/grafana.json").read_text("utf-8"))
    asked = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    assert len(asked) >= 8
    for expression in asked:
        assert any(name in expression for name in names), expression


async def test_the_operating_page_lists_exactly_the_metrics_that_exist(visitor: Visitor) -> None:
    _, text = await visitor.get("/metrics")
    ours = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE colorchanger_")}
    ours = {name for name in ours if not name.endswith("_created")}
    page = (Path(__file__).parents[2] / "docs/operating.md").read_text("utf-8")
    assert {line.split("`")[1] for line in page.splitlines() if line.startswith("| `colorchanger_")} == ours
