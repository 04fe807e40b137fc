"""The changer: one painter for each account, whoever asks."""

from __future__ import annotations

import asyncio
import random

from colorchanger_bot.changer.changer import Changer
from colorchanger_bot.changer.memory import Remembered, ShortMemory
from colorchanger_bot.settings.load import ColorSettings
from tests.fakes import FakeClock, FakeColors


class SlowMemory(ShortMemory):
    """Takes a moment to recall, in which others have their turn."""

    async def recall(self, user_id: str) -> Remembered:
        await asyncio.sleep(0)
        return Remembered(history=["#FF0000"])


async def test_an_account_that_two_manage_at_once_has_one_painter_which_knows_its_past() -> None:
    changer = Changer(FakeColors(), memory=SlowMemory(), clock=FakeClock(), rng=random.Random(1))
    managed = [changer.manage("1", "me", ColorSettings()) for _ in range(3)]
    first, *others = await asyncio.gather(*managed)
    assert others == [first, first]
    assert list(changer) == [first]
    assert [color.hex for color in first.history] == ["#FF0000"]
