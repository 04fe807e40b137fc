"""A clock that a test moves, and Twitch's answers on it."""

from __future__ import annotations

import pytest

from tests.eventsub.helix import FakeHelix
from tests.fakes import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def helix(clock: FakeClock) -> FakeHelix:
    return FakeHelix(clock)
