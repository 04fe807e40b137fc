"""When one of two readers fails, no message of the others is missed; each fault on a local Twitch of its own."""

from __future__ import annotations

import asyncio

import pytest

from tests.faults.handovers import FAULTS, play

SILENT_SECONDS, SECONDS = 16.0, 3.0
ONE = [name for name in FAULTS if not name.startswith("all")]


@pytest.mark.parametrize("accounts", [2, 30])
async def test_nothing_is_missed_when_one_reader_fails(accounts: int) -> None:
    seconds = {name: SILENT_SECONDS if "silent" in name else SECONDS for name in ONE}
    playing = [play(name, accounts=accounts, seconds=seconds[name]) for name in ONE]
    found = dict(zip(ONE, await asyncio.gather(*playing), strict=True))
    assert {name: each.missed for name, each in found.items()} == dict.fromkeys(ONE, 0)
    assert all(each.said > 15 for each in found.values())


async def test_when_all_sockets_drop_less_than_a_second_is_missed() -> None:
    found = await play("all sockets drop", accounts=30, seconds=SECONDS)
    assert found.missed < 20
