"""Members of a community in the store: never one of our own accounts, at most so many, and gone without a trace."""

from __future__ import annotations

from dataclasses import replace

from colorchanger_bot.changer.memory import Remembered
from colorchanger_bot.store.store import Login, Store, TokenPair

PAIR = TokenPair("access-1", "refresh-1", 12.5, frozenset({"user:manage:chat_color"}), 11.25)
NEXT = TokenPair("access-2", "refresh-2", 99.5, frozenset({"user:manage:chat_color"}), 98.25)


async def join(store: Store, login: str, user_id: str, *, pair: TokenPair = PAIR, at: float = 5.0) -> Login:
    made = await store.put_member(login, "client", pair, user_id, at=at, most=100)
    assert isinstance(made, Login)
    return made


async def test_a_member_comes_back_as_stored(store: Store) -> None:
    made = await join(store, "viewer", "42")
    assert (made.is_member, made.member_since, made.pair) == (True, 5.0, PAIR)
    assert await store.logins() == [made]


async def test_an_account_of_our_own_is_none(store: Store) -> None:
    assert not (await store.put_login("me", "client", PAIR, "1")).is_member


async def test_joining_again_replaces_the_pair_and_keeps_when_it_was(store: Store) -> None:
    first = await join(store, "viewer", "42")
    lost = await store.lose(first, "gone", 7.5)
    assert lost is not None
    assert (lost.lost, lost.lost_at) == ("gone", 7.5)
    again = await join(store, "viewer", "42", pair=NEXT, at=9.0)
    assert (again.id, again.member_since, again.lost, again.lost_at) == (first.id, 5.0, "", None)
    assert (again.pair, again.generation) == (NEXT, first.generation + 1)


async def test_an_own_account_is_never_made_a_member_known_by_id_or_by_name(store: Store) -> None:
    own = await store.put_login("me", "client", PAIR, "1")
    imported = await store.import_login("helper", "client", NEXT)
    assert await store.put_member("renamed", "client", NEXT, "1", at=5.0, most=100) == "already here"
    assert await store.put_member("helper", "client", PAIR, "2", at=5.0, most=100) == "already here"
    assert await store.logins() == [own, imported]


async def test_a_lost_own_account_stays_one(store: Store) -> None:
    own = await store.lose(await store.put_login("me", "client", PAIR, "1"), "gone", 1.0)
    assert await store.put_member("me", "client", NEXT, "1", at=5.0, most=100) == "already here"
    assert await store.logins() == [own]


async def test_a_member_who_logs_in_with_everything_becomes_an_account(store: Store) -> None:
    member = await join(store, "viewer", "42")
    own = await store.put_login("viewer", "client", NEXT, "42")
    assert (own.id, own.is_member) == (member.id, False)


async def test_a_token_of_a_member_from_the_environment_makes_an_account(store: Store) -> None:
    await join(store, "viewer", "42")
    imported = await store.import_login("", "client", NEXT)
    assert imported is not None
    known = await store.identify(imported, user_id="42", name="viewer", client_id="client", pair=NEXT)
    assert known is not None
    assert not known.is_member
    assert await store.logins() == [known]


async def test_when_it_is_full_only_who_is_there_already_may_join_again(store: Store) -> None:
    await store.put_login("me", "client", PAIR, "1")
    await join(store, "viewer", "42")
    assert await store.put_member("late", "client", PAIR, "43", at=5.0, most=1) == "full"
    assert isinstance(await store.put_member("viewer", "client", NEXT, "42", at=6.0, most=1), Login)
    assert [login.login for login in await store.logins()] == ["me", "viewer"]


async def test_a_new_pair_and_a_validation_end_being_lost(store: Store) -> None:
    for login in ("one", "two"):
        await store.lose(await join(store, login, login), "gone", 7.5)
    one, two = await store.logins()
    renewed = await store.replace_pair(one, NEXT)
    known = await store.identify(two, user_id="two", name="two", client_id="client", pair=PAIR)
    assert (renewed, known) == (
        replace(one, pair=NEXT, generation=one.generation + 1, lost="", lost_at=None),
        replace(two, lost="", lost_at=None),
    )


async def test_a_member_who_was_renamed_is_the_same(store: Store) -> None:
    first = await join(store, "old_name", "42")
    again = await join(store, "new_name", "42")
    assert (again.id, again.login, again.earlier) == (first.id, "new_name", ("old_name",))


async def test_a_member_written_back_into_an_older_copy_stays_a_member(store: Store) -> None:
    made = await store.lose(await join(store, "viewer", "42"), "gone", 7.5)
    assert made is not None
    await store.forget_login(made.id)
    assert await store.write_back([made]) == [made]
    (back,) = await store.logins()
    assert (back.member_since, back.lost_at, back.lost) == (5.0, 7.5, "gone")


async def test_forgetting_deletes_reports_colours_and_names(store: Store) -> None:
    made = await join(store, "old_name", "42")
    made = await join(store, "viewer", "42")
    await store.remember("42", Remembered(held="#FF0000"))
    await store.beat(1.0, {"accounts": [{"login": "viewer"}]})
    await store.forget_login(made.id)
    beat = await store.heartbeat()
    assert beat is not None
    assert (await store.logins(), beat.status["accounts"]) == ([], [])
    assert await store.recall("42") == Remembered()
    assert (await join(store, "viewer", "42")).earlier == ()
