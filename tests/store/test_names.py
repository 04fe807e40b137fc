"""A login belongs to an account by its id; its names, present and earlier, are labels."""

from __future__ import annotations

from colorchanger_bot.store.store import Login, Store, TokenPair

PAIR = TokenPair("access", "refresh")


async def renamed(store: Store, login: Login, name: str) -> Login:
    known = await store.identify(login, user_id=login.user_id or "", name=name, client_id="client", pair=login.pair)
    assert known is not None
    return known


async def test_a_login_keeps_its_earlier_names_the_newest_first(store: Store) -> None:
    login = await store.put_login("oldest", "client", PAIR, "1")
    for name in ("old", "old", "new"):
        login = await renamed(store, login, name)
    assert (login.login, login.earlier) == ("new", ("old", "oldest"))
    assert await store.logins() == [login]


async def test_a_name_that_an_account_has_again_is_no_earlier_one(store: Store) -> None:
    login = await store.put_login("me", "client", PAIR, "1")
    login = await renamed(store, await renamed(store, login, "other"), "me")
    assert login.earlier == ("other",)


async def test_a_new_login_under_a_new_name_keeps_the_earlier_one(store: Store) -> None:
    await store.put_login("old", "client", PAIR, "1")
    await store.put_login("new", "client", PAIR, "1")
    ((login, earlier),) = [(each.login, each.earlier) for each in await store.logins()]
    assert (login, earlier) == ("new", ("old",))


async def test_an_import_under_a_new_name_keeps_the_earlier_one(store: Store) -> None:
    await store.put_login("old", "client", PAIR, "1")
    imported = await store.import_login("new", "client", TokenPair("access-2", "refresh-2"))
    assert imported is not None
    known = await store.identify(imported, user_id="1", name="new", client_id="client", pair=imported.pair)
    assert known is not None
    assert known.earlier == ("old",)
    assert await store.logins() == [known]


async def test_a_guessed_name_is_not_an_earlier_one(store: Store) -> None:
    imported = await store.import_login("", "client", PAIR)
    assert imported is not None
    known = await store.identify(imported, user_id="1", name="me", client_id="client", pair=PAIR)
    assert known is not None
    assert known.earlier == ()


async def test_who_takes_the_name_of_an_account_does_not_take_its_login(store: Store) -> None:
    first = await store.put_login("me", "client", PAIR, "1")
    second = await store.put_login("me", "client", TokenPair("access-2", "refresh-2"), "2")
    assert second.id != first.id
    first, second = await store.logins()
    assert (first.login, first.user_id, first.pair.access, first.earlier) == ("id-1", "1", "access", ("me",))
    assert (second.login, second.user_id, second.pair.access, second.earlier) == ("me", "2", "access-2", ())
    first = await renamed(store, first, "renamed")
    assert (first.login, first.earlier) == ("renamed", ("me",))


async def test_two_accounts_can_swap_their_names(store: Store) -> None:
    alice = await store.put_login("alice", "client", PAIR, "1")
    bob = await store.put_login("bob", "client", TokenPair("access-2", "refresh-2"), "2")
    await renamed(store, alice, "bob")
    await renamed(store, bob, "alice")
    found = [(each.user_id, each.login, each.pair.access, each.earlier) for each in await store.logins()]
    assert found == [("1", "bob", "access", ("alice",)), ("2", "alice", "access-2", ("bob",))]


async def test_who_logs_out_leaves_no_names_behind(store: Store) -> None:
    login = await store.put_login("old", "client", PAIR, "1")
    await renamed(store, login, "new")
    await store.forget_login(login.id)
    made = await store.put_login("new", "client", PAIR, "1")
    assert made.earlier == ()
