"""What is told of an account, and in which words."""

from __future__ import annotations

import json

import pytest

from colorchanger_bot.auth.renewal import NO_REFRESH, OTHER_APPLICATION
from colorchanger_bot.auth.scopes import VITAL, lacks
from colorchanger_bot.errors import LOG_IN
from colorchanger_bot.sandbox import LocalTwitch, faults
from colorchanger_bot.service.login_application import register
from colorchanger_bot.settings.load import Settings
from colorchanger_bot.twitch.oauth import APPLICATION_ONLY
from colorchanger_bot.web.plain import plain
from tests.fakes import until
from tests.web.conftest import Served, Visitor


async def lines(visitor: Visitor) -> list[str]:
    """What the page tells of the account, newest first."""
    (account,) = json.loads(await visitor.state())["accounts"]
    return [line["text"] for line in account["log"]]


async def test_a_message_is_told_with_its_channel(visitor: Visitor, service: Served, twitch: LocalTwitch) -> None:
    await twitch.say("me", in_="me", text="hello")
    await until(lambda: service.changer[twitch.user("me").id].changes == 1)
    assert await lines(visitor) == [f"your name turned {service.changer[twitch.user('me').id].current} in #me"]


async def test_a_command_is_told_without_a_channel_and_a_failure_with_its_reason(
    visitor: Visitor, twitch: LocalTwitch
) -> None:
    await visitor.look()
    await visitor.say("me", "set #ff8800")
    twitch.faults.add("PUT /helix/chat/color", faults.status(400, message="not today"), times=2)
    await visitor.say("me", "set #00aa55")
    told = await lines(visitor)
    assert told[-1] == "your name turned #FF8800"
    assert any(line.startswith("no new colour: ") and "not today" in line for line in told)


async def test_what_is_set_while_the_page_is_open_is_told(visitor: Visitor) -> None:
    await visitor.look()
    await visitor.say("me", "rainbow")
    assert (await lines(visitor))[0] == "new colours come from rainbow now"
    await visitor.say("me", "off")
    assert "new colours switched off" in await lines(visitor)


async def test_the_history_says_where_the_message_was(visitor: Visitor, service: Served, twitch: LocalTwitch) -> None:
    await twitch.say("me", in_="me", text="hello")
    await until(lambda: service.changer[twitch.user("me").id].changes == 1)
    (account,) = json.loads(await visitor.state())["accounts"]
    assert account["painter"]["strip"][0]["channel"] == "me"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"Twitch ended the login; {LOG_IN}", "Twitch ended the login"),
        (f"Twitch ended the login; {LOG_IN} me", "Twitch ended the login"),
        (OTHER_APPLICATION, "its login is of another application and cannot be renewed here"),
        (NO_REFRESH, "it cannot be renewed"),
        (APPLICATION_ONLY, "this is a login of an application, not of an account"),
        ("the token has ended, and it came without a refresh token", "the login has ended and cannot be renewed"),
        (
            lacks({"user:read:chat"}, VITAL),
            "the login lacks the permission to change your colour",
        ),
        ("Twitch refuses each token that it issues", "Twitch refuses each login that it issues"),
        ("OAuth scopes", "permissions"),
        (
            f"config.toml, line 2: app.client_id is empty: {register(Settings())}",
            "ColorChanger is not registered at Twitch yet: open /setup",
        ),
    ],
)
def test_the_page_has_words_that_people_know(text: str, words: str) -> None:
    assert plain(text) == words


def test_a_secret_is_hidden_before_the_words_that_announce_it_are_gone() -> None:
    assert "abcdefghij" not in plain("access_token=abcdefghij0123456789")
