"""Tokens at rest are encrypted with the first key and decrypted with any of them."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from colorchanger_bot.errors import StoreError
from colorchanger_bot.vault import SEAL, Vault, is_key, new_key

OLD, NEW = new_key(), new_key()


@given(st.text(min_size=1))
def test_an_encrypted_value_does_not_show_and_can_be_decrypted(text: str) -> None:
    vault = Vault([OLD])
    stored = vault.encrypt(text)
    assert stored.startswith(SEAL)
    assert len(text) < 8 or text not in stored
    assert vault.decrypt(stored) == text


def test_a_key_has_the_form_that_the_library_takes() -> None:
    assert is_key(new_key())
    for text in ("", "short", "ö" * 44, new_key()[:-2], f"{new_key()}x"):
        assert not is_key(text)


def test_the_first_key_encrypts_and_all_decrypt() -> None:
    stored = Vault([OLD]).encrypt("token")
    assert Vault([NEW, OLD]).decrypt(stored) == "token"
    assert not Vault([NEW, OLD]).is_current(stored)
    assert Vault([OLD, NEW]).is_current(stored)


@pytest.mark.parametrize("vault", [Vault(), Vault([NEW])], ids=["no key", "another key"])
def test_nothing_is_decrypted_without_the_right_key(vault: Vault) -> None:
    with pytest.raises(StoreError, match=r"storage\.key"):
        vault.decrypt(Vault([OLD]).encrypt("token"))


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
