"""Admission: who may become a member of the community. Twitch says who it is before anything is stored."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable
from dataclasses import replace

from colorchanger_bot.auth.applications import Applications
from colorchanger_bot.auth.device import owner_of, proven
from colorchanger_bot.auth.keeper import TokenKeeper
from colorchanger_bot.auth.scopes import COLOR_SCOPE
from colorchanger_bot.clock import Clock
from colorchanger_bot.errors import JoinRefused, StoreError
from colorchanger_bot.service.joins import JoinState, Outcome
from colorchanger_bot.service.login_application import application_for_login
from colorchanger_bot.service.revocations import Revocations
from colorchanger_bot.service.wording import join_refusal
from colorchanger_bot.settings.load import Settings
from colorchanger_bot.store.store import Login, Store, TokenPair
from colorchanger_bot.twitch.oauth import OAuth

logger = logging.getLogger(__name__)


class Admission:
    """Makes viewers members, or gives back to Twitch at once what they granted."""

    def __init__(
        self,
        settings: Callable[[], Settings],
        store: Store,
        keeper: TokenKeeper,
        applications: Applications,
        revocations: Revocations,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._store = store
        self._keeper = keeper
        self._applications = applications
        self._revocations = revocations
        self._clock = clock

    def check(self, *, is_member: bool = False) -> None:
        """Refuse a viewer who need not even get a code.

        Raises:
            JoinRefused: the community is closed, or full for somebody who is no member.
        """
        if not self._settings().community.enabled:
            raise JoinRefused(join_refusal("closed"), "closed")
        if not is_member and self._is_full():
            raise JoinRefused(join_refusal("full"), "full")

    async def application(self) -> OAuth:
        """Return the application that viewers log in with.

        Raises:
            ConfigError: there is none, or several and nothing tells which.
            StoreError: the store cannot be read.
        """
        settings = self._settings()
        return self._applications(await application_for_login(settings, self._store, settings.community.channel))

    async def admit(self, oauth: OAuth, granted: TokenPair) -> Outcome:
        """Make the viewer a member who granted this, or give it back.

        Raises:
            LoginFailed: the login is not accepted, or could not be renewed.
            StoreError: it could not be stored.
        """
        issued, outcome = [granted], Outcome("failed")
        try:
            outcome = await self._take_in(oauth, issued)
        finally:
            for pair in issued if outcome.state != "joined" else ():
                self._revocations.begin(oauth, pair)
        return outcome

    async def _take_in(self, oauth: OAuth, issued: list[TokenPair]) -> Outcome:
        """Store the login of a viewer who may join; each pair that Twitch issues is added to `issued`."""
        (granted,) = issued
        owner = await owner_of(oauth, granted, self._clock)
        if owner is None or COLOR_SCOPE not in owner.scopes:
            return Outcome("failed")
        if bar := self._bar(owner.login, owner.user_id):
            return Outcome(bar)
        pair, is_proven = await proven(oauth, granted)
        if is_proven:
            issued.append(pair)
        pair = pair if pair.scopes else replace(pair, scopes=owner.scopes)
        now, most = self._clock.now().timestamp(), self._settings().community.most
        stored = await self._store.put_member(owner.login, owner.client_id, pair, owner.user_id, at=now, most=most)
        if not isinstance(stored, Login):
            return Outcome(stored)
        logger.info("%s has joined the community", stored.login, extra={"account": stored.login})
        with contextlib.suppress(StoreError):
            if not is_proven:  # the keeper looks before it presents the refresh token again
                await self._store.begin_refresh(stored)
            await self._keeper.load()  # the watch finds it too
        return Outcome("joined", stored.login, owner.user_id)

    def _bar(self, login: str, user_id: str) -> JoinState | None:
        """Return why somebody cannot become a member; None if they can, as far as is known before they are stored."""
        settings = self._settings().community
        known = next((each for each in self._keeper if each.user_id == user_id), None)
        if known is not None and not known.is_member:
            return "already here"
        if not settings.enabled:
            return "failed"
        if bar := settings.bar(login):
            return bar
        return "full" if known is None and self._is_full() else None

    def _is_full(self) -> bool:
        return sum(login.is_member for login in self._keeper) >= self._settings().community.most
