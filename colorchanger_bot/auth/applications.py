"""The Twitch applications that logins belong to: their secrets, and their calls to id.twitch.tv."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager

import aiohttp

from colorchanger_bot.clock import Clock
from colorchanger_bot.settings.settings import Settings
from colorchanger_bot.store.store import Store
from colorchanger_bot.twitch.http import open_session
from colorchanger_bot.twitch.oauth import OAuth


class Applications:
    """All applications that the settings and the store name."""

    def __init__(
        self, secrets: Mapping[str, str], *, session: aiohttp.ClientSession, id_url: str, clock: Clock
    ) -> None:
        self._secrets = dict(secrets)
        self._session = session
        self._id_url = id_url
        self._clock = clock
        self._made: dict[str, OAuth] = {}

    @classmethod
    def of(cls, settings: Settings, session: aiohttp.ClientSession, clock: Clock) -> Applications:
        """Return those of the settings."""
        return cls(in_settings(settings), session=session, id_url=settings.twitch.id_url, clock=clock)

    def use(self, settings: Settings) -> None:
        """Use those of other settings from now on."""
        for client_id, secret in in_settings(settings).items():
            if client_id not in self._secrets or secret not in ("", self._secrets[client_id]):
                self._secrets[client_id] = secret
                self._made.pop(client_id, None)

    async def add_stored(self, store: Store) -> None:
        """Add those that came with an import; a secret in the settings wins.

        Raises:
            StoreError: the store cannot be read.
        """
        for client_id, secret in (await store.client_secrets()).items():
            self._secrets[client_id] = self._secrets.get(client_id) or secret

    def is_ours(self, client_id: str) -> bool:
        """Whether somebody has set this application up here; true for any as long as none is."""
        named = self._secrets.keys() - {""}
        return not named or client_id in named

    def secret_of(self, client_id: str) -> str:
        """Return the secret of an application; empty if it has none."""
        return self._secrets.get(client_id) or self._secrets.get("", "")

    def __call__(self, client_id: str) -> OAuth:
        """Return the calls in the name of an application."""
        if client_id not in self._made:
            self._made[client_id] = OAuth(
                self._session,
                client_id=client_id,
                client_secret=self.secret_of(client_id),
                id_url=self._id_url,
                clock=self._clock,
            )
        return self._made[client_id]


def in_settings(settings: Settings) -> dict[str, str]:
    """Return the applications in the settings by client id, each with its secret, or an empty one.

    An account may come with its secret and without its client id, which only its token tells: that secret stands
    under the empty id, and serves the applications that no other is given for.
    """
    found: dict[str, str] = {}
    for app in (settings.app, *(settings.app_for(account) for account in settings.accounts)):
        secret = app.client_secret.reveal()
        if app.client_id or secret:
            found[app.client_id] = secret or found.get(app.client_id, "")
    return found


@asynccontextmanager
async def calls_of(
    settings: Settings, store: Store, client_id: str, clock: Clock
) -> AsyncGenerator[tuple[aiohttp.ClientSession, OAuth]]:
    """Open a session with the calls of one application.

    Raises:
        StoreError: the store cannot be read.
    """
    async with open_session() as session:
        applications = Applications.of(settings, session, clock)
        await applications.add_stored(store)
        yield session, applications(client_id)
