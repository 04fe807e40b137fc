"""What was set on the page: JSON values by key, such as `color.strategy` or `accounts.USER_ID.channels`.

They are encrypted like the tokens: the secret of an application may be among them.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

import sqlalchemy as sql

from colorchanger_bot.store.schema import preferences, put
from colorchanger_bot.vault import Vault


def read(connection: sql.Connection, vault: Vault) -> dict[str, Any]:
    """Return all preferences by key."""
    rows = connection.execute(sql.select(preferences).order_by(preferences.c.key)).all()
    return {row.key: json.loads(vault.decrypt(row.value)) for row in rows}


def change(connection: sql.Connection, vault: Vault, new: Mapping[str, Any], dropped: Collection[str]) -> None:
    """Keep new values, and drop others."""
    if dropped:
        connection.execute(sql.delete(preferences).where(preferences.c.key.in_(dropped)))
    put(connection, preferences, *({"key": key, "value": vault.encrypt(json.dumps(new[key]))} for key in new))
