"""Tokens in the store are encrypted with the first key, read with all, and untouched by a wrong one."""

from __future__ import annotations

from pathlib import Path

import pytest

from colorchanger_bot.errors import ConfigError
from colorchanger_bot.store.store import Store, TokenPair
from colorchanger_bot.vault import new_key
from tests.stores import SERVER, plain_engine

OLD, NEW = new_key(), new_key()
PAIR = TokenPair("access-token-in-the-clear", "refresh-token-in-the-clear")


def written(url: str) -> bytes:
    """Everything that the store holds: its files, or on a server its rows."""
    if url == SERVER:
        engine = plain_engine(url)
        with engine.connect() as connection:
            tables = ("logins", "apps")
            rows = [repr(connection.exec_driver_sql(f"TABLE {table}").all()) for table in tables]
        engine.dispose()
        return "".join(rows).encode()
    path = Path(url.removeprefix("sqlite:///"))
    return b"".join(file.read_bytes() for file in path.parent.glob(f"{path.name}*"))


async def test_a_store_with_a_key_holds_no_token_in_the_clear(url: str) -> None:
    async with Store.open(url, [OLD]) as store:
        made = await store.put_login("me", "client", PAIR, "42")
        await store.put_app("client", "secret-in-the-clear")
        assert await store.logins() == [made]
        assert await store.client_secrets() == {"client": "secret-in-the-clear"}
        assert b"in-the-clear" not in written(url)
        assert await store.at_rest() == "encrypted"
    assert b"in-the-clear" not in written(url)


async def test_plain_rows_are_read_and_sealed_without_a_trace(url: str) -> None:
    async with Store.open(url) as store:
        made = await store.put_login("me", "client", PAIR, "42")
        assert await store.at_rest() == "plain"
        assert await store.seal() == 0
    assert b"in-the-clear" in written(url)
    async with Store.open(url, [OLD]) as store:
        assert await store.logins() == [made]
        assert await store.seal() == 1
        assert await store.seal() == 0
        assert b"in-the-clear" not in written(url)
        assert await store.logins() == [made]


async def test_the_rows_that_are_sealed_are_counted(url: str) -> None:
    async with Store.open(url) as store:
        for number in range(3):
            await store.put_login(f"user{number}", "client", PAIR, str(number))
        await store.put_app("client", "secret-in-the-clear")
    async with Store.open(url, [OLD]) as store:
        await store.put_login("sealed", "client", PAIR, "9")
        assert await store.seal() == 4
        assert await store.unseal() == 5


async def test_keys_are_rotated_and_encryption_is_turned_off_again(url: str) -> None:
    async with Store.open(url, [OLD]) as store:
        made = await store.put_login("me", "client", PAIR, "42")
    async with Store.open(url, [NEW, OLD]) as store:
        assert await store.seal() == 1
    async with Store.open(url, [NEW]) as store:
        assert await store.logins() == [made]
        assert await store.unseal() == 1
    async with Store.open(url) as store:
        assert await store.logins() == [made]


@pytest.mark.parametrize("keys", [[], [NEW]], ids=["no key", "another key"])
async def test_a_wrong_key_is_said_at_once_and_changes_nothing(keys: list[str], url: str) -> None:
    async with Store.open(url, [OLD]) as store:
        made = await store.put_login("me", "client", PAIR, "42")
    with pytest.raises(ConfigError, match=r"storage\.key") as caught:
        async with Store.open(url, keys):
            pass
    assert NEW not in str(caught.value)
    async with Store.open(url, [OLD]) as store:
        assert await store.logins() == [made]
