"""TokenKeeper: who is logged in, which token is current, and the only place that spends refresh tokens."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Iterator
from dataclasses import replace

from colorchanger_bot.auth import scopes
from colorchanger_bot.auth.renewal import LOGGED_OUT, REFUSED, Renewal
from colorchanger_bot.auth.states import State
from colorchanger_bot.auth.tracked_login import LoginEvent, TrackedLogin
from colorchanger_bot.clock import Clock, look_at_result
from colorchanger_bot.errors import (
    ColorChangerError,
    MissingScope,
    NeedsLogin,
    TokenRefused,
)
from colorchanger_bot.store.store import Changes, Login, Revision, Store
from colorchanger_bot.twitch.oauth import OAuth

__all__ = ["LoginEvent", "TokenKeeper"]

logger = logging.getLogger(__name__)

QUESTIONS = 10
"""Accounts validated at the same time: a hundred at once would time out waiting for connections."""


class TokenKeeper:
    """Keeps the logins of all accounts of one store alive."""

    def __init__(
        self,
        store: Store,
        oauth: Callable[[str], OAuth],
        *,
        clock: Clock,
        rng: random.Random,
        is_ours: Callable[[str], bool] = lambda client_id: True,
    ) -> None:
        self._store = store
        self._clock = clock
        self._rng = rng
        self._kept: dict[int, TrackedLogin] = {}
        self._revision: Revision | None = None
        """Of the store, up to which all changes of other processes have been seen; None: nothing was loaded yet."""
        self._listeners: list[Callable[[LoginEvent], None]] = []
        self._loading = asyncio.Lock()
        self._questions = asyncio.Semaphore(QUESTIONS)
        self._renewal = Renewal(store, oauth, is_ours=is_ours, tell=self._tell, changes=self._changes)
        self.refreshes = self._renewal.ends
        """How many refreshes ended in each way: refreshed, ended, refused or unanswered."""

    def on_event(self, listener: Callable[[LoginEvent], None]) -> None:
        """Call `listener` with each event of a login; it must not block."""
        self._listeners.append(listener)

    def __iter__(self) -> Iterator[Login]:
        """All logins, as they are now."""
        return iter([kept.login for kept in self._kept.values()])

    def __getitem__(self, id_: int) -> Login:
        return self._kept[id_].login

    def __contains__(self, id_: object) -> bool:
        return id_ in self._kept

    def trouble(self, id_: int) -> str:
        """Return what is wrong with this login, now or soon, and what to do; empty if nothing is."""
        kept = self._kept[id_]
        login = kept.login
        if login.lost:
            return f"{login.lost}; {scopes.what_helps(login)}"
        if kept.is_paused or kept.life.state is State.BLOCKED:
            return kept.why
        if why := self._renewal.why_it_ends(login):
            return f"{why}; {scopes.what_helps(login)}"
        if kept.life.state is State.REFUSED:
            return REFUSED
        if kept.unidentified:
            return kept.unidentified
        return scopes.missing_permission(login)

    def demand(self, id_: int, scope: str) -> None:
        """Raise before sending a request that Twitch would refuse.

        Raises:
            MissingScope: the login lacks this permission.
        """
        kept = self._kept.get(id_)
        if kept is not None and (words := scopes.lacks(kept.login.pair.scopes, [scope])):
            raise MissingScope(f"{words}; {scopes.what_helps(kept.login)}")

    async def load(self) -> None:
        """Load the logins from the store; called again, what other processes changed.

        Raises:
            StoreError: the store cannot be read.
        """
        async with self._loading:  # an answer from before a login was added would take it away again
            changes = await self._changes()
            if changes is not None:
                await self._apply(changes)

    async def _apply(self, changes: Changes) -> None:
        for id_ in self._kept.keys() - changes.ids:
            gone = self._kept.pop(id_).login
            self._tell(LoginEvent("lost", replace(gone, lost="logged out"), "logged out"))
        for login in changes.logins:
            kept = self._kept.get(login.id)
            if kept is None:
                self._kept[login.id] = TrackedLogin.of(login, self._clock, self._rng)
                self._renewal.complain(login)
                self._tell(LoginEvent("found", login, by_person=self._revision is not None))
            elif login.pair.access != kept.login.pair.access and not kept.is_renewing:
                await self._take_over(kept)
        # A login that was in the middle of a renewal is looked at again the next time.
        if all(self._is_current(login) for login in changes.logins):
            self._revision = changes.revision

    def _is_current(self, stored: Login) -> bool:
        kept = self._kept.get(stored.id)
        return kept is not None and kept.login.pair.access == stored.pair.access

    async def _changes(self) -> Changes | None:
        """Return what changed in the store, once what only this process knows is in it.

        Where a backup took the place of the store, its refresh tokens may be used up; ours are newer.
        """
        changes = await self._store.changes(self._revision)
        if changes is None or not changes.is_older_copy or self._revision is None:
            return changes
        written = await self._store.write_back(list(self))
        if names := ", ".join(login.login for login in written):
            logger.warning("an older copy took the place of the store; wrote the newer logins back: %s", names)
        else:
            logger.warning("an older copy took the place of the store; it has the newest logins")
        return await self._store.changes(self._revision)

    async def _take_over(self, kept: TrackedLogin) -> None:
        """Take the pair of a login that another process stored, unless we have stored a newer one meanwhile."""
        before = kept.login
        stored = await self._store.login(before.id)
        if kept.login is not before or kept.is_renewing or stored is None:
            return
        if stored.pair.access != before.pair.access:
            await self._renewal.settle(kept, stored)

    # For requests

    async def token(self, id_: int) -> str:
        """Return the access token of an account.

        Raises:
            NeedsLogin: its owner must log in again.
            TokenRefused: Twitch refuses its tokens; asking is paused.
        """
        return self._usable(id_).login.pair.access

    async def renew(self, id_: int, refused: str) -> str:
        """Return an access token to replace `refused`, which Twitch has just answered with 401.

        However many ask, one refresh is made; a caller with an older token gets the current one, and nothing is
        spent. It may be the same token again, if Twitch calls it valid and cannot renew it now.

        Raises:
            NeedsLogin, TokenRefused: see `token`.
            TwitchUnavailable: not now.
            StoreError: the new pair could not be saved, so nobody gets it.
        """
        kept = self._usable(id_)
        if kept.login.pair.access == refused:
            await self._renewed(kept, ahead=False)
            kept = self._usable(id_)
        return kept.login.pair.access

    async def look_into(self, id_: int, refused: str) -> None:
        """Find out why Twitch refused a token that `renew` has just returned, without spending anything.

        Raises:
            TokenRefused: the token is fine, so no other one would help; asking is paused.
            TwitchUnavailable: Twitch does not tell.
        """
        kept = self._kept.get(id_)
        if kept is None or kept.login.pair.access != refused or kept.life.works is False:
            return
        self._usable(id_)
        await self._renewal.ask(kept)
        self._usable(id_)
        if kept.login.pair.access == refused and kept.life.works:
            self._renewal.pause(kept)

    def worked(self, id_: int, token: str) -> None:
        """Note that Twitch accepted this token of the account."""
        kept = self._kept.get(id_)
        if kept is not None and kept.login.pair.access == token:
            kept.accepted()

    # For the watch and the start

    def due(self) -> list[int]:
        """Return the logins that are due for a renewal or validation."""
        return [id_ for id_, kept in self._kept.items() if kept.is_due()]

    async def look_after(self, id_: int) -> None:
        """Renew a login ahead of need or validate it, whichever is due; what fails is tried again later."""
        kept = self._kept.get(id_)
        if kept is None:
            return
        async with kept.turn, self._questions:
            if id_ not in self._kept or not kept.is_due():
                return
            try:
                if kept.wants_renewal():
                    await self._renewed(kept, ahead=True)
                else:
                    await self.validate(id_)
            except (NeedsLogin, TokenRefused):
                pass  # said by the renewal
            except (ColorChangerError, OSError) as error:
                if kept.looks.attempts == 0:
                    logger.warning("the login of %s could not be validated or renewed: %s", kept.login.login, error)
                kept.look_at = kept.now + kept.looks.next()

    async def identify(self, id_: int) -> None:
        """Find out whose token this is, if nobody knows yet.

        Raises:
            AuthError, StoreError, TwitchUnavailable: see `validate`.
        """
        kept = self._kept.get(id_)
        if kept is None:
            return
        async with kept.turn, self._questions:
            if id_ in self._kept and kept.login.user_id is None:
                await self.validate(id_)

    async def validate(self, id_: int) -> None:
        """Ask Twitch whose token this is and keep what it says; a dead one is renewed.

        Raises:
            TwitchUnavailable: Twitch gave no clear answer, which never speaks against a login.
            AuthError, StoreError: see `renew`.
        """
        kept = self._kept[id_]
        login = kept.login
        await self._renewal.ask(kept)
        if kept.login.pair.access != login.pair.access:
            return
        if kept.life.works:
            kept.life = kept.life.after("accepted")
            return
        await self._renewed(kept, ahead=False)
        if kept.login.user_id is None:  # whose it is, only a valid token tells
            await self._renewal.ask(kept)

    async def close(self) -> None:
        """Wait for refreshes under way: a pair that Twitch has issued must reach the disk."""
        running = [kept.refresh for kept in self._kept.values() if kept.refresh and kept.is_renewing]
        if running:
            await asyncio.wait(running)
        for kept in self._kept.values():
            if kept.unsaved is not None:
                try:
                    await self._renewed(kept, ahead=False)
                except ColorChangerError as error:
                    logger.error("the new tokens of %s could not be saved: %s", kept.login.login, error)

    async def _renewed(self, kept: TrackedLogin, *, ahead: bool) -> None:
        """Renew a login, or wait for the renewal that is under way."""
        if kept.refresh is None or not kept.is_renewing:
            work = self._renewal.run(kept, ahead=ahead)
            kept.refresh = asyncio.create_task(work, name=f"renewal of {kept.login.login}")
            # If every caller gives up waiting, nobody else retrieves the result.
            kept.refresh.add_done_callback(look_at_result)
        # Callers may give up, the renewal may not: it holds the only copy of what Twitch issued.
        await asyncio.shield(kept.refresh)

    def _usable(self, id_: int) -> TrackedLogin:
        kept = self._kept.get(id_)
        if kept is None:
            raise NeedsLogin(LOGGED_OUT)
        if kept.login.lost:
            raise NeedsLogin(f"{kept.login.lost}; {scopes.what_helps(kept.login)}")
        if kept.is_paused:
            raise TokenRefused(kept.why)
        return kept

    def _tell(self, event: LoginEvent) -> None:
        for listener in self._listeners:
            listener(event)
