"""The first and the last lines of a run."""

from __future__ import annotations

from typing import Any

import pytest

from colorchanger_bot.changer.memory import Remembered
from colorchanger_bot.service.plan import plan
from colorchanger_bot.service.standing import Report, Standing, work_out
from colorchanger_bot.settings.load import Settings
from colorchanger_bot.store.store import Login, TokenPair

LOGIN = Login(1, "42", "me", "client", TokenPair("access", "refresh"))


def planned(settings: Settings, login: Login = LOGIN, **overrides: Any) -> Standing:
    return work_out(login, settings, Remembered(overrides=overrides), {"me": Report("me")}, 0.0)


@pytest.mark.parametrize(
    ("overrides", "line"),
    [
        ({}, "me: random, 1 to 3 s after a message in #me"),
        ({"delay": [0, 0]}, "me: random, right after a message in #me"),
        ({"strategy": "rainbow", "delay": [2, 2]}, "me: rainbow, 2 s after a message in #me"),
        ({"strategy": "hold", "base": "hot_pink"}, "me: held at hot_pink; it changes again with !color next"),
        ({"enabled": False}, "me: switched off by !color off; type in chat: !color on"),
    ],
)
def test_each_account_says_what_it_will_do(overrides: dict[str, Any], line: str) -> None:
    settings = Settings()
    assert plan([planned(settings, **overrides)], settings, "there") == f"1 account, store there\n  {line}"


def test_an_account_that_needs_a_login_says_so() -> None:
    settings = Settings()
    lost = Login(1, "42", "me", "client", TokenPair("access", "refresh"), lost="Twitch ended the login")
    text = plan([planned(settings, lost)], settings, "there")
    assert text.endswith("me: needs login: Twitch ended the login; run: colorchanger login")
