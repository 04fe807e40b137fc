"""What is stored comes back, on either engine, and no older copy of a login overwrites a newer one."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Engine, event

from colorchanger_bot.changer.memory import Remembered
from colorchanger_bot.errors import StoreError
from colorchanger_bot.store.store import Store, TokenPair
from tests.stores import execute

PAIR = TokenPair("access-1", "refresh-1", 12.5, frozenset({"b", "a"}), 11.25)
NEXT = TokenPair("access-2", "refresh-2", 1764004000.654321, frozenset({"b", "a"}), 1764000000.75)


async def test_a_login_comes_back_as_it_was_stored(store: Store) -> None:
    put = await store.put_login("me", "client", PAIR, "42")
    assert await store.logins() == [put]
    assert put.pair == PAIR


async def test_logging_in_again_replaces_the_pair_and_keeps_the_number(store: Store) -> None:
    first = await store.put_login("me", "client", PAIR, "42")
    await store.lose(first, "refused")
    again = await store.put_login("me", "client", TokenPair("access-2", "refresh-2"), "42")
    assert (again.id, again.lost, again.generation) == (first.id, "", first.generation + 1)


async def test_an_account_that_was_renamed_stays_one_account(store: Store) -> None:
    first = await store.put_login("old_name", "client", PAIR, "42")
    again = await store.put_login("new_name", "client", PAIR, "42")
    assert [(login.id, login.login) for login in await store.logins()] == [(first.id, "new_name")]
    assert again.id == first.id


async def test_a_pair_from_the_environment_is_taken_once(store: Store) -> None:
    login = await store.import_login("me", "client", PAIR)
    assert login is not None
    newer = await store.replace_pair(login, TokenPair("access-2", "refresh-2"))
    assert await store.import_login("me", "client", PAIR) == newer
    assert await store.logins() == [newer]


async def test_another_pair_from_the_environment_is_taken(store: Store) -> None:
    await store.import_login("me", "client", PAIR)
    newer = await store.import_login("me", "client", TokenPair("access-9", "refresh-9"))
    assert await store.logins() == [newer]


async def test_a_pair_without_a_name_gets_one_and_is_known_again(store: Store) -> None:
    login = await store.import_login("", "client", PAIR)
    assert login is not None
    known = await store.identify(login, user_id="42", name="me", client_id="client", pair=PAIR)
    assert await store.import_login("", "client", PAIR) == known


async def test_a_stale_copy_overwrites_nothing(store: Store) -> None:
    stale = await store.put_login("me", "client", PAIR, "42")
    await store.put_login("me", "client", TokenPair("access-2", "refresh-2"), "42")
    assert await store.replace_pair(stale, TokenPair("access-3", "refresh-3")) is None
    assert await store.lose(stale, "refused") is None
    assert (await store.logins())[0].pair.access == "access-2"


async def test_a_pair_of_the_environment_does_not_come_back_after_a_logout(store: Store) -> None:
    login = await store.import_login("me", "client", PAIR)
    assert login is not None
    await store.forget_login(login.id)
    assert await store.import_login("me", "client", PAIR) is None
    assert await store.import_login("me", "client", TokenPair("access-2", "refresh-2")) is not None


async def test_the_number_of_a_login_that_is_gone_is_given_to_nobody_else(store: Store) -> None:
    mine = await store.import_login("me", "client", PAIR)
    assert mine is not None
    await store.forget_login(mine.id)
    other = await store.put_login("other", "client", TokenPair("access-2", "refresh-2"))
    assert other.id != mine.id
    assert await store.import_login("me", "client", PAIR) is None


async def test_a_login_that_gives_way_hands_on_what_was_imported_as_it(store: Store) -> None:
    first = await store.import_login("old_name", "client", PAIR)
    second = await store.import_login("me", "client", TokenPair("access-2", "refresh-2"))
    assert first is not None
    assert second is not None
    await store.identify(first, user_id="42", name="old_name", client_id="client", pair=first.pair)
    known = await store.identify(second, user_id="42", name="me", client_id="client", pair=second.pair)
    assert await store.logins() == [known]
    assert await store.import_login("old_name", "client", PAIR) == known


async def test_a_token_that_was_said_to_be_of_an_account_does_not_give_way_to_it(store: Store) -> None:
    claimed = await store.import_login("me", "client", PAIR)
    second = await store.import_login("you", "client", TokenPair("access-2", "refresh-2"))
    assert claimed is not None
    assert second is not None
    await store.identify(second, user_id="42", name="me", client_id="client", pair=second.pair)
    assert [(login.login, login.pair.access) for login in await store.logins()] == [
        ("token_000000000001", PAIR.access),
        ("me", "access-2"),
    ]
    await store.identify(claimed, user_id="43", name="you", client_id="client", pair=PAIR)
    assert [login.login for login in await store.logins()] == ["you", "me"]


async def test_colours_come_back_as_they_were_remembered(store: Store) -> None:
    assert await store.recall("42") == Remembered()
    remembered = Remembered({"strategy": "hold"}, ["#FF0000"], "hold", {"at": 1}, "#00FF00", 99.5)
    await store.remember("42", remembered)
    await store.remember("42", remembered)
    assert await store.recall("42") == remembered


async def test_a_heartbeat_says_who_and_when_until_it_is_ended(store: Store) -> None:
    assert await store.heartbeat() is None
    await store.beat(1.0, {"accounts": []})
    await store.beat(2.0, {"accounts": []})
    beat = await store.heartbeat()
    assert beat is not None
    assert (beat.at, beat.status) == (2.0, {"accounts": []})
    await store.stop_beating()
    assert await store.heartbeat() is None


async def test_a_write_ends_whole_though_its_caller_is_cancelled(url: str) -> None:
    # Cut off in the middle of a statement, the connection may stay open in its thread, and the database locked.
    async with Store.open(url) as store:
        write = asyncio.create_task(store.beat(1.0, {}))
        for _ in range(5):
            await asyncio.sleep(0)
        write.cancel()
        await asyncio.gather(write, return_exceptions=True)
        assert write.cancelled()
    async with Store.open(url) as store:
        beat = await store.heartbeat()
    assert beat is not None
    assert beat.at == 1.0


async def test_two_processes_see_each_others_writes(store: Store, url: str) -> None:
    async with Store.open(url) as other:
        await other.put_login("me", "client", PAIR)
    assert [login.login for login in await store.logins()] == ["me"]


async def test_a_login_lives_on_with_all_that_is_known_of_it(url: str) -> None:
    async with Store.open(url) as store:
        login = await store.put_login("me", "client", PAIR, "42")
        begun = await store.begin_refresh(login)
        assert begun == replace(login, doubt=True)
        newer = await store.replace_pair(login, NEXT)
        assert newer is not None
        assert newer == replace(login, pair=NEXT, generation=2)
        assert await store.replace_pair(login, PAIR) is None  # of an older generation
    async with Store.open(url) as store:
        assert await store.logins() == [newer]
        lost = await store.lose(newer, "the password was changed")
        assert lost == replace(newer, lost="the password was changed")
        await store.forget_login(newer.id)
        assert await store.logins() == []


async def test_of_two_rows_of_one_account_the_older_stays(store: Store) -> None:
    by_id = await store.put_login("old_name", "client", PAIR, "42")
    by_name = await store.put_login("new_name", "client", TokenPair("access-2", "refresh-2"))
    assert by_id.id < by_name.id
    made = await store.put_login("new_name", "client", NEXT, "42")
    assert (made.id, made.generation) == (by_id.id, by_id.generation + 1)
    assert await store.logins() == [made]


async def test_imports_whose_accounts_are_not_known_yet_stay_apart(store: Store) -> None:
    one = await store.import_login("", "client", PAIR)
    two = await store.import_login("", "client", NEXT)
    assert await store.logins() == [one, two]
    assert await store.put_login("me", "client", TokenPair("access-3", "refresh-3")) is not None
    assert len(await store.logins()) == 3


async def test_many_imports_are_as_one_after_the_other(store: Store) -> None:
    gone = await store.import_login("gone", "client", PAIR)
    assert gone is not None
    await store.forget_login(gone.id)
    new = [(f"user{number}", "client", TokenPair(f"new-{number}", f"next-{number}")) for number in range(3)]
    first = await store.import_logins([("gone", "client", PAIR), *new])
    assert first == [None, *await store.logins()]
    revision = await store.changes()
    assert revision is not None
    assert await store.import_logins([("gone", "client", PAIR), *new]) == first
    assert await store.changes(revision.revision) is None


async def test_of_several_imports_under_one_name_the_last_one_counts(store: Store) -> None:
    known = await store.put_login("me", "client", PAIR, "42")
    pairs = [(name, "client", TokenPair(f"new-{place}", "")) for place, name in enumerate(["you", "me", "you", ""])]
    taken = [login.id for login in await store.import_logins(pairs) if login]
    assert len(taken) == 4
    assert (taken[0], taken[1]) == (taken[2], known.id)
    stored = {login.login: login.pair.access for login in await store.logins()}
    assert (stored.pop("me"), stored.pop("you"), [*stored.values()]) == ("new-1", "new-2", ["new-3"])


async def test_thousands_of_imports_take_a_handful_of_statements(store: Store) -> None:
    pairs = [(f"user{number}", "client", TokenPair(f"access-{number}", "")) for number in range(1000)]
    statements: list[str] = []

    def note(*told: Any) -> None:
        statements.append(told[2])

    event.listen(Engine, "before_cursor_execute", note)
    try:
        made = await store.import_logins(pairs)
        assert await store.import_logins(pairs) == made
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    assert len(await store.logins()) == 1000
    assert len(statements) < 60


async def test_what_is_forgotten_takes_its_colours_along(store: Store) -> None:
    login = await store.put_login("me", "client", PAIR, "42")
    await store.remember_all({"42": Remembered(history=["#FF0000"]), "43": Remembered(history=["#00FF00"])})
    await store.forget_login(login.id)
    assert await store.recall("42") == Remembered()
    assert (await store.recall("43")).history == ["#00FF00"]


async def test_only_logins_that_changed_are_asked_for(store: Store) -> None:
    one = await store.put_login("one", "client", PAIR, "1")
    two = await store.put_login("two", "client", NEXT, "2")
    everything = await store.changes()
    assert everything is not None
    assert (everything.logins, everything.ids) == ([one, two], {one.id, two.id})
    assert await store.changes(everything.revision) is None
    newer = await store.replace_pair(two, TokenPair("access-3", "refresh-3"))
    await store.remember("1", Remembered())
    await store.beat(1.0, {})
    changed = await store.changes(everything.revision)
    assert changed is not None
    assert (changed.logins, changed.ids) == ([newer], {one.id, two.id})
    await store.forget_login(one.id)
    gone = await store.changes(changed.revision)
    assert gone is not None
    assert (gone.logins, gone.ids) == ([], {two.id})


async def test_a_beat_writes_only_the_accounts_that_changed(store: Store, url: str) -> None:
    one, two = ({"login": login, "state": "running"} for login in ("one", "two"))
    await store.beat(1.0, {"accounts": [one, two]})
    execute(url, 'UPDATE reports SET report = \'{"login": "two", "state": "not written again"}\' WHERE login = \'two\'')
    await store.beat(2.0, {"accounts": [one | {"state": "needs login"}, two]})
    beat = await store.heartbeat()
    assert beat is not None
    assert [each["state"] for each in beat.status["accounts"]] == ["needs login", "not written again"]
    await store.beat(3.0, {"accounts": [two]})
    beat = await store.heartbeat()
    assert beat is not None
    assert [each["login"] for each in beat.status["accounts"]] == ["two"]


async def test_what_another_process_reported_ends_with_the_first_beat(store: Store, url: str) -> None:
    async with Store.open(url) as other:
        await other.beat(1.0, {"accounts": [{"login": "one"}]})
    await store.beat(2.0, {"accounts": [{"login": "two"}]})
    beat = await store.heartbeat()
    assert beat is not None
    assert beat.status == {"accounts": [{"login": "two"}]}


async def test_texts_of_any_script_and_length_have_room(store: Store) -> None:
    channels = {f"channel{number}": "joined" for number in range(5)}
    accounts = [{"login": f"account{number:04}", "channels": channels} for number in range(1000)]
    await store.beat(1764000000.123456, {"accounts": accounts})
    beat = await store.heartbeat()
    assert beat is not None
    assert (beat.at, beat.status["accounts"]) == (1764000000.123456, accounts)
    for _ in range(2):  # written again, it stays
        await store.remember("42", Remembered(overrides={"said": "\U0001f3a8 and ü"}))
        await store.put_app("client", "secret")
    assert (await store.recall("42")).overrides == {"said": "\U0001f3a8 and ü"}
    assert await store.client_secrets() == {"client": "secret"}


async def test_processes_that_write_at_the_same_time_lose_nothing(url: str) -> None:
    async def bring(process: int) -> None:
        async with Store.open(url) as store:
            for number in range(5):
                name = f"user{process}_{number}"
                assert await store.import_login(name, "client", TokenPair(f"access-{name}", f"refresh-{name}"))

    await asyncio.gather(*map(bring, range(6)))
    async with Store.open(url) as store:
        logins = await store.logins()
    assert sorted(login.id for login in logins) == list(range(1, 31))
    assert all(login.pair.access == f"access-{login.login}" for login in logins)


async def test_one_of_several_refreshes_of_the_same_pair_is_stored(url: str) -> None:
    async with Store.open(url) as one, Store.open(url) as other:
        login = await one.put_login("me", "client", PAIR, "42")
        pairs = [TokenPair(f"access-{number}", f"refresh-{number}") for number in range(8)]
        stored = await asyncio.gather(
            *((one if number % 2 else other).replace_pair(login, pair) for number, pair in enumerate(pairs))
        )
        (newer,) = filter(None, stored)
        assert await other.login(login.id) == newer


async def test_an_error_of_the_database_shows_no_token(store: Store) -> None:
    """PostgreSQL puts the whole row into the second line of its error."""
    with pytest.raises(StoreError, match=r"(?i)null") as caught:
        await store.put_login("me", None, PAIR)  # pyright: ignore[reportArgumentType]
    assert len(str(caught.value).splitlines()) == 1
    assert "access-1" not in str(caught.value)
    assert caught.value.__context__ is None
    assert caught.value.__cause__ is None


def test_a_pair_never_shows_its_tokens() -> None:
    assert "access-1" not in repr(PAIR)
    assert "refresh-1" not in repr(PAIR)


async def test_the_channels_that_come_with_a_login_stay_until_others_come(store: Store) -> None:
    imported = await store.import_login("me", "client", PAIR, ["friend", "other"])
    assert imported is not None
    assert imported.channels == ("friend", "other")
    again = await store.put_login("me", "client", NEXT, "42")
    assert (again.id, again.channels) == (imported.id, ("friend", "other"))
    newer = await store.put_login("me", "client", PAIR, "42", channels=["me"])
    assert (newer.id, newer.channels) == (imported.id, ("me",))
    assert await store.logins() == [newer]
