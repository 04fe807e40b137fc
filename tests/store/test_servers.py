"""The store on real database servers: `.ci/servers` starts some.

`COLORCHANGER_TEST_SERVERS` has their addresses, between spaces; these databases are emptied.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from cryptography.fernet import Fernet

from colorchanger_bot.changer.memory import Remembered
from colorchanger_bot.errors import ConfigError, StoreError
from colorchanger_bot.store.database_server import Server
from colorchanger_bot.store.schema import Connection
from colorchanger_bot.store.store import Store, TokenPair

SERVERS = os.environ.get("COLORCHANGER_TEST_SERVERS", "").split()
PAIR = TokenPair("access-1", "refresh-1", 1764000000.123456, frozenset({"b", "a"}), 1763990000.25)
NEXT = TokenPair("access-2", "refresh-2", 1764004000.654321, frozenset({"b", "a"}), 1764000000.75)
OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()

pytestmark = pytest.mark.skipif(not SERVERS, reason="COLORCHANGER_TEST_SERVERS names no database")


def empty(connection: Connection) -> None:
    for table in ("schema_version", "logins", "apps", "imports", "colors", "heartbeat"):
        connection.execute(f"DROP TABLE IF EXISTS {table}")


@pytest.fixture(params=SERVERS or [""], ids=lambda url: url.partition(":")[0] or "none")
async def address(request: pytest.FixtureRequest) -> AsyncIterator[str]:
    async with Server.open(request.param) as server:
        await server.run(empty)
        yield request.param
        await server.run(empty)


async def test_a_login_lives_on_with_all_that_is_known_of_it(address: str) -> None:
    async with Store.open(address) as store:
        login = await store.put_login("me", "client", PAIR, "42")
        assert await store.begin_refresh(login)
        newer = await store.replace_pair(login, NEXT)
        assert newer
        assert await store.replace_pair(login, PAIR) is None  # of an older generation
    async with Store.open(address) as store:
        (found,) = await store.logins()
        assert found == newer
        assert (found.pair, found.generation, found.doubt) == (NEXT, 2, False)
        lost = await store.lose(found, "the password was changed")
        assert lost == replace(found, lost="the password was changed")
        await store.forget_login(found.id)
        assert await store.logins() == []


async def test_a_value_that_stays_the_same_is_written_all_the_same(address: str) -> None:
    async with Store.open(address) as store:
        for _ in range(2):
            await store.beat(1764000000.5, {"accounts": []})
            await store.remember("42", Remembered(history=["#FF0000"], overrides={"said": "\U0001f3a8 und ü"}))
            await store.put_app("client", "secret")
        assert (await store.recall("42")).overrides == {"said": "\U0001f3a8 und ü"}
        assert await store.client_secrets() == {"client": "secret"}


async def test_a_thousand_accounts_have_room_in_one_sign_of_life(address: str) -> None:
    channels = {f"channel{number}": "joined" for number in range(5)}
    status = {"accounts": [{"login": f"account{number}", "channels": channels} for number in range(1000)]}
    async with Store.open(address) as store:
        await store.beat(1764000000.123456, status)
        beat = await store.heartbeat()
        assert beat is not None
        assert (beat.at, beat.status) == (1764000000.123456, status)
        await store.stop_beating()
        assert await store.heartbeat() is None


async def test_processes_that_write_at_the_same_time_lose_nothing(address: str) -> None:
    async def bring(process: int) -> None:
        async with Store.open(address) as store:
            for number in range(5):
                name = f"user{process}_{number}"
                assert await store.import_login(name, "client", TokenPair(f"access-{name}", f"refresh-{name}"))

    await asyncio.gather(*map(bring, range(6)))
    async with Store.open(address) as store:
        logins = await store.logins()
    assert sorted(login.id for login in logins) == list(range(1, 31))
    assert all(login.pair.access == f"access-{login.login}" for login in logins)


async def test_one_of_two_refreshes_of_the_same_pair_is_stored(address: str) -> None:
    async with Store.open(address) as one, Store.open(address) as other:
        login = await one.put_login("me", "client", PAIR, "42")
        pairs = [TokenPair(f"access-{number}", f"refresh-{number}") for number in range(8)]
        stored = await asyncio.gather(
            *((one if number % 2 else other).replace_pair(login, pair) for number, pair in enumerate(pairs))
        )
        (newer,) = filter(None, stored)
        assert await other.login(login.id) == newer


async def test_tokens_are_encrypted_and_rotated(address: str) -> None:
    async with Store.open(address) as store:
        await store.put_login("me", "client", PAIR, "42")
    async with Store.open(address, [OLD]) as store:
        assert await store.seal() == 1
    async with Store.open(address, [NEW, OLD]) as store:
        assert await store.seal() == 1
        assert await store.at_rest() == "encrypted"
    with pytest.raises(ConfigError, match="key"):
        async with Store.open(address, [OLD]):
            pass
    async with Store.open(address, [NEW]) as store:
        assert [login.pair for login in await store.logins()] == [PAIR]


async def test_a_server_that_is_not_there_is_said_without_the_password(address: str) -> None:
    driver = address.partition(":")[0]
    with pytest.raises(StoreError, match=r"cannot be reached|failed") as caught:
        async with Store.open(f"{driver}://me:hunter2@127.0.0.1:1/colors"):
            pass
    assert "hunter2" not in str(caught.value)
