"""A login asks for what the settings need and no more, and a permission that is typed has to look like one."""

from __future__ import annotations

from typing import Any

import pytest

from colorchanger_bot.auth.scopes import lacks, missing, needed_scopes, parse, purpose
from colorchanger_bot.settings.load import Settings

ALWAYS = {"user:read:chat", "user:manage:chat_color"}


@pytest.mark.parametrize(
    ("sections", "more"),
    [
        ({}, {"user:write:chat"}),
        ({"commands": {"reply": "always"}}, {"user:write:chat"}),
        ({"commands": {"reply": "never"}}, set[str]()),
        ({"commands": {"enabled": False}}, set[str]()),
        ({"commands": {"enabled": False}, "accounts": [{"login": "me", "follow_live": True}]}, {"user:read:follows"}),
        ({"commands": {"enabled": False}, "accounts": [{"login": "me"}]}, set[str]()),
    ],
    ids=str,
)
def test_no_more_is_asked_for_than_the_settings_need(sections: dict[str, Any], more: set[str]) -> None:
    assert needed_scopes(Settings.of(sections)) == ALWAYS | more


@pytest.mark.parametrize(
    "text", ["user:read:follows,bits:read", " bits:read  user:read:follows ", "bits:read,\tuser:read:follows,"]
)
def test_permissions_are_typed_between_spaces_or_commas(text: str) -> None:
    assert parse(text) == {"user:read:follows", "bits:read"}


def test_no_permission_may_be_typed_too() -> None:
    assert parse("") == parse(" , ") == frozenset()


@pytest.mark.parametrize("text", ["follows", "USER:READ:CHAT", "user:read:chat!", "a:b:c:d:e", "user:", "1:2"])
def test_what_is_no_permission_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a scope of Twitch"):
        parse(text)


def test_a_missing_permission_is_named_with_its_purpose() -> None:
    assert lacks({"user:read:chat"}) == "the login lacks user:manage:chat_color (to change your colour)"
    assert lacks({"bits:read"}, ["user:read:chat", "channel:bot"]) == (
        "the login lacks user:read:chat (to see your messages) and channel:bot (as you asked)"
    )
    assert purpose("channel:bot") == "as you asked"


def test_permissions_that_are_not_known_yet_are_not_missed() -> None:
    assert missing(frozenset()) == []
    assert missing({"bits:read"}) == ["user:read:chat", "user:manage:chat_color"]
