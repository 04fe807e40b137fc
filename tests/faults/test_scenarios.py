"""Every fault as its own test. The scenarios run at the same time, because they mostly wait."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.faults import changes, channels, joins, lines, stops
from tests.faults.stage import SCENARIOS, Scenario

TABLES = (lines, joins, changes, channels, stops)
LONG_SECONDS = 10.0
TOGETHER = 6
"""How many short scenarios run at a time. The long ones mostly wait, so all of them start at once."""

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def outcomes(request: pytest.FixtureRequest) -> AsyncIterator[dict[str, asyncio.Task[float]]]:
    """The scenarios of this run, by name, as running tasks."""
    chosen = [
        SCENARIOS[str(item.callspec.params["name"])]
        for item in request.session.items
        if isinstance(item, pytest.Function) and item.originalname == "test_scenario"
    ]
    loop = asyncio.get_running_loop()
    complaints: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _loop, context: complaints.append(context))
    room = asyncio.Semaphore(TOGETHER)

    async def play(scenario: Scenario) -> float:
        if scenario.seconds > LONG_SECONDS:
            return await scenario.run()
        async with room:
            return await scenario.run()

    tasks = {each.name: asyncio.create_task(play(each)) for each in sorted(chosen, key=lambda each: -each.seconds)}
    yield tasks
    for task in tasks.values():
        task.cancel()
    await asyncio.gather(*tasks.values(), return_exceptions=True)
    await asyncio.sleep(0.1)
    assert complaints == []
    left = asyncio.all_tasks() - {asyncio.current_task()}
    assert [str(task) for task in left] == []


@pytest.mark.parametrize("name", SCENARIOS)
async def test_scenario(name: str, outcomes: dict[str, asyncio.Task[float]]) -> None:
    await outcomes[name]
