"""The settings in force for a command: with what was set on the page, which is in the store."""

from __future__ import annotations

from colorchanger_bot.errors import ConfigError, NoStorePlace, StoreError
from colorchanger_bot.redaction import keep_secret
from colorchanger_bot.service.names import bound, logins_by_user_id
from colorchanger_bot.settings.load import Settings
from colorchanger_bot.settings.preferences import with_preferences
from colorchanger_bot.store.store import Store, exists


async def with_stored(settings: Settings, store: Store) -> Settings:
    """Return settings with what was set on the page, and keep its secrets out of the log.

    Raises:
        StoreError: the store cannot be read.
    """
    preferences = await store.preferences()
    if preferences:
        logins = await store.logins()
        settings = with_preferences(bound(settings, logins), preferences, logins_by_user_id(logins))
        for secret in settings.secrets():
            keep_secret(secret)
    return settings


async def in_force(settings: Settings) -> tuple[Settings, str]:
    """Return settings with what was set on the page, and why the store could not be read; empty if it could."""
    try:
        if exists(settings.storage.url):
            async with Store.open(settings.storage.url, settings.storage.keys) as store:
                return await with_stored(settings, store), ""
    except NoStorePlace:
        return settings, ""
    except (StoreError, ConfigError) as error:
        return settings, str(error)
    return settings, ""
