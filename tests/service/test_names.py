"""Accounts in the settings belong to the ids that had their names, and what is nobody's is said."""

from __future__ import annotations

from typing import Any

from colorchanger_bot.service.names import bound, renamed, unmatched
from colorchanger_bot.settings.load import Settings
from colorchanger_bot.store.store import Login, TokenPair


def login(id_: int, name: str, *earlier: str) -> Login:
    return Login(id_, str(id_), name, "client", TokenPair("access", "refresh"), earlier=earlier)


def listing(*names: str) -> Settings:
    """Settings in which each account has a channel that is called like it."""
    accounts: list[dict[str, Any]] = [{"login": name, "channels": [f"of_{name}"]} for name in names]
    return Settings.of({"accounts": accounts})


def channels(settings: Settings, *logins: Login) -> list[tuple[str, ...]]:
    settings = bound(settings, logins)
    found = [settings.account(each.login) for each in logins]
    return [each.channels if each else () for each in found]


def test_an_account_that_was_renamed_keeps_its_settings() -> None:
    assert channels(listing("old"), login(1, "new", "old")) == [("of_old",)]
    assert channels(listing("oldest"), login(1, "new", "old", "oldest")) == [("of_oldest",)]


def test_the_newest_of_several_names_counts() -> None:
    assert channels(listing("oldest", "old"), login(1, "new", "old", "oldest")) == [("of_old",)]


def test_the_present_name_counts_more_than_an_earlier_one() -> None:
    assert channels(listing("old", "new"), login(1, "new", "old")) == [("of_new",)]


def test_somebody_who_takes_the_name_of_an_account_does_not_get_its_settings() -> None:
    assert channels(listing("old"), login(1, "new", "old"), login(2, "old")) == [("of_old",), ()]
    assert channels(listing("old"), login(2, "old"), login(1, "new", "old")) == [(), ("of_old",)]


def test_an_account_whose_name_is_claimed_by_another_one_keeps_its_own_settings() -> None:
    first, second, third = login(1, "a2", "a"), login(2, "a", "b"), login(3, "b", "c")
    for logins in ((first, second, third), (third, second, first)):
        assert sorted(channels(listing("a", "b", "c"), *logins)) == [("of_a",), ("of_b",), ("of_c",)]
        assert channels(listing("a", "b", "c"), *logins)[logins.index(second)] == ("of_b",)


def test_settings_that_were_corrected_are_taken_at_their_word() -> None:
    assert channels(listing("new", "old"), login(1, "new", "old"), login(2, "old")) == [("of_new",), ("of_old",)]


def test_accounts_that_nobody_is_logged_in_as_are_named() -> None:
    first, second = unmatched(listing("me", "frend", "someone"), [login(1, "me"), login(2, "friend")])
    assert first == (
        'accounts[frend].login = "frend": no account of this name is logged in; did you mean friend? '
        "If the name is right, run: colorchanger login"
    )
    assert "no account of this name is logged in; logged in: friend, me." in second


def test_nothing_is_nobodys_as_long_as_nobody_is_logged_in() -> None:
    assert list(unmatched(listing("me"), [])) == []


def test_an_account_that_brings_its_token_is_not_missing() -> None:
    settings = Settings.of({"accounts": [{"login": "other", "access_token": "a" * 30}]})
    assert list(unmatched(settings, [login(1, "me")])) == []


def test_an_account_that_is_listed_under_an_earlier_name_is_said_once() -> None:
    settings, logins = listing("old"), [login(1, "new", "old", "oldest")]
    assert list(renamed(settings, logins)) == ["old is called new now: change it in the settings"]
    assert list(unmatched(settings, logins)) == []


def test_that_somebody_else_has_the_name_now_is_said_too() -> None:
    (line,) = renamed(listing("old"), [login(1, "new", "old"), login(2, "old")])
    assert line.endswith("; until then, the account that is called old now has no settings")


def test_an_account_whose_present_name_is_not_known_yet_is_not_said() -> None:
    logins = [login(1, "id-1", "old")]
    assert list(renamed(listing("old"), logins)) == []
    assert channels(listing("old"), *logins) == [("of_old",)]
