"""Tokens at rest are encrypted with the first key, read with all, and untouched by a wrong one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from colorchanger_bot.errors import ConfigError, StoreError
from colorchanger_bot.store.store import Store, TokenPair
from colorchanger_bot.vault import SEAL, Vault, is_key, new_key
from tests.stores import WAYS, OpenStore

OLD, NEW = new_key(), new_key()
PAIR = TokenPair("access-token-in-the-clear", "refresh-token-in-the-clear")


@pytest.fixture(params=WAYS)
def open_store(request: pytest.FixtureRequest) -> OpenStore:
    """Either way to a database."""
    return WAYS[request.param]


def written(url: str) -> bytes:
    """Everything that the store has on disk."""
    path = Path(url.removeprefix("sqlite:///"))
    return b"".join(file.read_bytes() for file in path.parent.glob(f"{path.name}*"))


@given(st.text(min_size=1))
def test_what_is_locked_opens_again_and_does_not_show(text: str) -> None:
    vault = Vault([OLD])
    stored = vault.lock(text)
    assert stored.startswith(SEAL)
    assert len(text) < 8 or text not in stored
    assert vault.open(stored) == text


def test_a_key_is_what_the_library_takes() -> None:
    assert is_key(new_key())
    for text in ("", "short", "ö" * 44, new_key()[:-2], f"{new_key()}x"):
        assert not is_key(text)


def test_the_first_key_writes_and_all_read() -> None:
    stored = Vault([OLD]).lock("token")
    assert Vault([NEW, OLD]).open(stored) == "token"
    assert not Vault([NEW, OLD]).is_current(stored)
    assert Vault([OLD, NEW]).is_current(stored)


@pytest.mark.parametrize("vault", [Vault(), Vault([NEW])], ids=["no key", "another key"])
def test_without_the_right_key_nothing_opens(vault: Vault) -> None:
    with pytest.raises(StoreError, match=r"storage\.key"):
        vault.open(Vault([OLD]).lock("token"))


async def test_a_store_with_a_key_holds_no_token_in_the_clear(open_store: OpenStore, store_url: str) -> None:
    async with open_store(store_url, [OLD]) as store:
        made = await store.put_login("me", "client", PAIR, "42")
        await store.put_app("client", "secret-in-the-clear")
        assert await store.logins() == [made]
        assert await store.client_secrets() == {"client": "secret-in-the-clear"}
        assert b"in-the-clear" not in written(store_url)
        assert await store.at_rest() == "encrypted"
    assert b"in-the-clear" not in written(store_url)


async def test_plain_rows_are_read_and_sealed_without_a_trace(store_url: str) -> None:
    async with Store.open(store_url) as store:
        made = await store.put_login("me", "client", PAIR, "42")
        assert await store.at_rest() == "plain"
        assert await store.seal() == 0
    assert b"in-the-clear" in written(store_url)
    async with Store.open(store_url, [OLD]) as store:
        assert await store.logins() == [made]
        assert await store.seal() == 1
        assert await store.seal() == 0
        assert b"in-the-clear" not in written(store_url)
        assert await store.logins() == [made]


async def test_keys_are_rotated_and_encryption_is_turned_off_again(open_store: OpenStore, store_url: str) -> None:
    async with open_store(store_url, [OLD]) as store:
        made = await store.put_login("me", "client", PAIR, "42")
    async with open_store(store_url, [NEW, OLD]) as store:
        assert await store.seal() == 1
    async with open_store(store_url, [NEW]) as store:
        assert await store.logins() == [made]
        assert await store.unseal() == 1
    async with open_store(store_url) as store:
        assert await store.logins() == [made]


@pytest.mark.parametrize("keys", [[], [NEW]], ids=["no key", "another key"])
async def test_a_wrong_key_is_said_at_once_and_changes_nothing(
    keys: list[str], open_store: OpenStore, store_url: str
) -> None:
    async with open_store(store_url, [OLD]) as store:
        made = await store.put_login("me", "client", PAIR, "42")
    with pytest.raises(ConfigError, match=r"storage\.key") as caught:
        async with open_store(store_url, keys):
            pass
    assert NEW not in str(caught.value)
    async with open_store(store_url, [OLD]) as store:
        assert await store.logins() == [made]


def test_without_a_key_cryptography_is_never_loaded(store_url: str) -> None:
    code = (
        "import asyncio, sys; from colorchanger_bot.service.service import Service\n"
        "from colorchanger_bot.store.store import Store\n"
        "async def main():\n"
        f"    async with Store.open({store_url!r}) as store: await store.logins()\n"
        "asyncio.run(main()); print('cryptography' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
