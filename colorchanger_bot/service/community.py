"""Community: viewers of one channel who let ColorChanger change their colours, from joining to being forgotten.

A member is a login of the store that granted colours alone. Somebody else reads the channel for all of them, and
answers them in chat.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from colorchanger_bot.auth.applications import Applications
from colorchanger_bot.auth.device import owner_of
from colorchanger_bot.auth.keeper import TokenKeeper
from colorchanger_bot.bot.bot import ColorChangerBot
from colorchanger_bot.changer import results
from colorchanger_bot.changer.changer import Changer
from colorchanger_bot.changer.commands import Author
from colorchanger_bot.changer.results import CommandResult
from colorchanger_bot.clock import Clock, Tasks
from colorchanger_bot.errors import JoinRefused, StoreError
from colorchanger_bot.service.admission import Admission
from colorchanger_bot.service.community_channel import CommunityChannel
from colorchanger_bot.service.joins import JoinProgress, Joins, JoinState, Outcome, PendingJoin, person_at
from colorchanger_bot.service.members import Member, Members, MembersPage, MemberState, Sums
from colorchanger_bot.service.revocations import Revocations
from colorchanger_bot.settings.load import CommunitySettings, Settings
from colorchanger_bot.store.store import Login, Store, TokenPair
from colorchanger_bot.twitch.oauth import OAuth

__all__ = [
    "Community",
    "JoinProgress",
    "JoinRefused",
    "JoinState",
    "Member",
    "MemberState",
    "MembersPage",
    "PendingJoin",
]

logger = logging.getLogger(__name__)

KEPT_SECONDS = 30 * 86_400.0
"""A member who has not joined again this long after the login was lost is forgotten."""
LOOK_SECONDS = 3600.0
RESTORE_SECONDS = 3.0
"""How long somebody who leaves waits for the old colour."""
REVOKE_SECONDS = 5.0
"""How long somebody who leaves waits for Twitch; trying goes on."""
ANSWER_SECONDS = 30.0
"""How long a viewer who was answered in chat is not answered again: the answers are the streamer's messages."""


class Community:
    """The community of a running service."""

    def __init__(
        self,
        settings: Callable[[], Settings],
        store: Store,
        keeper: TokenKeeper,
        applications: Applications,
        bots: Mapping[str, ColorChangerBot],
        changer: Changer,
        *,
        clock: Clock,
        rng: random.Random,
        bring_up: Callable[[int], Coroutine[Any, Any, None]],
    ) -> None:
        self._settings = settings
        self._store = store
        self._keeper = keeper
        self._applications = applications
        self._changer = changer
        self._clock = clock
        self._bring_up = bring_up
        self._members = Members(changer, clock)
        self._channel = CommunityChannel(settings, keeper, bots, clock)
        self._revocations = Revocations(clock, rng)
        self._admission = Admission(settings, store, keeper, applications, self._revocations, clock)
        self._joins = Joins(self._admission.application, self._admission.admit, clock)
        self._tasks = Tasks(logger)
        self._invited: dict[str, PendingJoin] = {}
        """The codes that were given in chat, by the id of the viewer who asked."""
        self._answered: dict[str, float] = {}
        """When the viewers who asked lately were answered."""
        self._coloured: set[str] = set()
        """The members whose messages count, by user id."""
        self._leaving: set[str] = set()

    @property
    def is_open(self) -> bool:
        """Whether viewers may join."""
        return self._own_settings.enabled

    @property
    def channel(self) -> str:
        """The channel, by its login."""
        return self._channel.name

    @property
    def channel_id(self) -> str:
        """The channel, by its id, which stays when its name changes; empty until somebody knows it."""
        return self._channel.id

    @property
    def _own_settings(self) -> CommunitySettings:
        return self._settings().community

    # Joining

    async def begin(self, *, address: str, to_leave: bool = False, again: bool = False) -> PendingJoin:
        """Get a code for a viewer at this address, who then enters it at Twitch; see `progress` for what follows.

        With `to_leave`, the viewer is forgotten then: the code only shows who it is. With `again`, it is for somebody
        who is a member already, for whom the community is never full.

        Raises:
            JoinRefused: the community is closed or full, too many are joining, or Twitch gives no code.
        """
        self._admission.check(is_member=to_leave or again)
        return await self._joins.begin(f"address {person_at(address)}", self._dismiss if to_leave else None)

    def cancel(self, id: str) -> None:
        """Wait no longer until this code is entered."""
        self._joins.cancel(id)

    def progress(self, id: str) -> JoinProgress:
        """Return how a join is going."""
        return self._joins.progress(id)

    # Members

    async def members(self, *, query: str = "", page: int = 1, per_page: int = 50) -> MembersPage:
        """Return a page of the members whose name contains `query`; nothing is read from the store."""
        return self._members.page(
            self._logins(), self._own_settings, is_read=self._channel.is_read, query=query, page=page, per_page=per_page
        )

    def member(self, user_id: str) -> Member | None:
        """Return how a member is doing; None if there is no such member."""
        login = self._login_of(user_id)
        return login and self._members.of(login, self._own_settings, is_read=self._channel.is_read)

    def sums(self) -> Sums:
        """Return how many members are in each state."""
        return self._members.sums(self._logins(), self._own_settings, is_read=self._channel.is_read)

    def may_be_coloured(self, login: Login) -> bool:
        """Return whether a member's colours are to be changed now: the community is open, and no list says no."""
        return self.is_open and not self._own_settings.bar(login.login)

    def note(self, id_: int, user_id: str) -> None:
        """Look again whether the messages of a login's account count as those of a member."""
        is_member = id_ in self._keeper and self._keeper[id_].is_member
        if is_member and user_id in self._changer and user_id not in self._leaving:
            self._coloured.add(user_id)
        else:
            self._coloured.discard(user_id)

    def _logins(self) -> list[Login]:
        return [login for login in self._keeper if login.is_member]

    def _login_of(self, user_id: str) -> Login | None:
        return next((each for each in self._keeper if each.user_id == user_id and each.is_member), None)

    # Leaving

    async def forget(self, user_id: str) -> bool:
        """Put a member's colour back, delete all about them and end the login; False: there is no such member.

        Raises:
            StoreError: it could not be deleted; the member stays.
        """
        login = self._login_of(user_id)
        if login is None or user_id in self._leaving:
            return False
        self._leaving.add(user_id)
        try:
            await self._forget(login, user_id)
        finally:
            self._leaving.discard(user_id)
        return True

    async def _forget(self, login: Login, user_id: str) -> None:
        await self._restore(login, user_id)
        self._coloured.discard(user_id)
        await self._changer.forget(user_id)
        try:
            await self._store.forget_login(login.id)
        except StoreError:
            self._tasks.start(self._bring_up(login.id), f"return of {login.login}")
            raise
        self._joins.forget(user_id)
        self._invited.pop(user_id, None)
        pair = self._keeper[login.id].pair if login.id in self._keeper else login.pair
        revocation = self._revocations.begin(self._applications(login.client_id), pair)
        with contextlib.suppress(StoreError):  # the watch finds it too
            await self._keeper.load()
        await asyncio.wait({revocation}, timeout=REVOKE_SECONDS)
        logger.info("a member has left the community, and is forgotten")

    async def _dismiss(self, oauth: OAuth, granted: TokenPair) -> Outcome:
        """Forget the viewer who granted this, and give it back to Twitch."""
        try:
            owner = await owner_of(oauth, granted, self._clock)
            if owner is None:
                return Outcome("failed")
            return Outcome("left" if await self.forget(owner.user_id) else "no member", owner.login)
        finally:
            self._revocations.begin(oauth, granted)

    async def _restore(self, login: Login, user_id: str) -> None:
        painter = self._changer.get(user_id)
        if painter is None or not painter.settings.restore or login.lost:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(RESTORE_SECONDS):
                await painter.restore()

    # In chat

    def is_here(self, channel_id: str) -> bool:
        """Return whether this is the channel of the community."""
        return self.is_open and channel_id == self.channel_id

    def is_member(self, user_id: str) -> bool:
        """Return whether this viewer is a member whose messages count."""
        return user_id in self._coloured

    def speaker(self) -> str:
        """Return the user id of the account that answers in the channel: the streamer's, or one that reads there."""
        return self._channel.speaker()

    async def invite(self, viewer: Author) -> CommandResult | None:
        """Begin a join for a viewer who asked in chat; None for one who may not join, or asked a moment ago."""
        now = self._clock.monotonic()
        self._answered = {who: at for who, at in self._answered.items() if now - at < ANSWER_SECONDS}
        if viewer.user_id in self._answered or self._own_settings.bar(viewer.login):
            return None
        self._answered[viewer.user_id] = now
        known = next((each for each in self._keeper if each.user_id == viewer.user_id), None)
        if known is not None and not (known.is_member and known.lost):
            return results.AlreadyJoined()
        try:
            self._admission.check(is_member=known is not None)
            join = await self._invitation(viewer)
        except JoinRefused as error:
            return results.Failed(str(error))
        left = join.expires_at - self._clock.now().timestamp()
        return results.Invited(join.verification_uri, join.user_code, left)

    async def _invitation(self, viewer: Author) -> PendingJoin:
        """Return the code that the viewer was given before, or a new one."""
        self._invited = {who: join for who, join in self._invited.items() if self.progress(join.id).state == "waiting"}
        if viewer.user_id not in self._invited:
            self._invited[viewer.user_id] = await self._joins.begin(f"viewer {viewer.user_id}")
        return self._invited[viewer.user_id]

    async def leave(self, viewer: Author) -> CommandResult | None:
        """Forget a viewer who asked for it in chat; None for one who is no member."""
        known = next((each for each in self._keeper if each.user_id == viewer.user_id), None)
        if known is None:
            return None
        if not known.is_member:
            return results.NotPossible("own account")
        try:
            return results.Left() if await self.forget(viewer.user_id) else None
        except StoreError as error:
            return results.Failed(str(error))

    # Running

    async def run(self) -> None:
        """Forget members whose login has been lost for long; runs until cancelled."""
        while True:
            try:
                await self.tidy()
            except Exception:  # the outermost place of this task
                logger.exception("members who are gone could not be forgotten; trying again in an hour")
            await self._clock.sleep(LOOK_SECONDS)

    async def tidy(self) -> None:
        """Forget the members whose login has been lost for long.

        Raises:
            StoreError: they cannot be deleted now.
        """
        now = self._clock.now().timestamp()
        for login in self._logins():
            if login.lost and login.lost_at is not None and now - login.lost_at >= KEPT_SECONDS:
                await self.forget(login.user_id or "")

    async def close(self) -> None:
        """Wait for no more codes."""
        await self._joins.close()
        await self._tasks.cancel()
        await self._revocations.close()
