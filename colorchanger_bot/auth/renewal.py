"""Renewal: takes one login from state to state until it has a token that may work, or nothing more can be done.

A public application's refresh token works once, and spending it twice ends the whole login. So the store knows of a
refresh before Twitch does, the new pair is on disk before anyone gets it, and a token that may be spent is left alone
while the access token works.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace

from colorchanger_bot.auth.scopes import missing_permission, what_helps
from colorchanger_bot.auth.states import State
from colorchanger_bot.auth.tracked_login import LoginEvent, TrackedLogin, forget, hide
from colorchanger_bot.errors import (
    JOIN_AGAIN,
    LOG_IN,
    NeedsLogin,
    OutcomeUnknown,
    StoreError,
    TokenRefused,
    TwitchUnavailable,
)
from colorchanger_bot.store.store import Login, Store
from colorchanger_bot.twitch.oauth import APPLICATION_ONLY, OAuth, Owner, Unknown

logger = logging.getLogger(__name__)

LOGGED_OUT = f"logged out; {LOG_IN}"
OTHER_APPLICATION = "its token is of another application and cannot be renewed here"
NO_REFRESH = "it came without a refresh token and cannot be renewed"
SAME_END_SECONDS = 60.0
"""Twitch counts in whole seconds, and its answer takes a moment."""
REFUSED = "Twitch refuses to renew the login: it is used until it ends, and trying goes on"


def why_it_ends(login: Login, *, is_ours: bool) -> str:
    """Return why a login that works now is only used until its end; empty if it is renewed.

    `is_ours`: somebody has set its application up here.
    """
    if login.user_id is None:  # Twitch has not told yet what the token is
        return ""
    if login.pair.issued_at is None and not is_ours:
        return OTHER_APPLICATION
    return NO_REFRESH if not login.pair.refresh and login.pair.expires_at is not None else ""


def _is_same(one: Login, other: Login) -> bool:
    # (a login that was removed and made anew may have the number and the generation of the one before)
    return (one.generation, one.pair.access) == (other.generation, other.pair.access)


def _is_known(login: Login, owner: Owner) -> bool:
    """Whether the store says all this: with thousands of logins, writing the same again is most of a start's work."""
    known, told = login.pair.expires_at, owner.expires_at
    same_end = known == told or (known is not None and told is not None and abs(known - told) < SAME_END_SECONDS)
    stored = Owner(login.user_id or "", login.login, login.client_id, login.pair.scopes, told)
    return same_end and stored == owner and not login.lost


class Renewal:
    """Renews logins at Twitch and in the store, one renewal at a time for each login."""

    def __init__(
        self,
        store: Store,
        oauth: Callable[[str], OAuth],
        *,
        is_ours: Callable[[str], bool],
        tell: Callable[[LoginEvent], None],
        changes: Callable[[], Awaitable[object]],
    ) -> None:
        self._store = store
        self._oauth = oauth
        self._is_ours = is_ours
        self._tell = tell
        self._changes = changes
        self.ends: Counter[str] = Counter()
        """How many refreshes ended in each way: refreshed, ended, refused or unanswered."""

    async def run(self, kept: TrackedLogin, *, ahead: bool) -> None:
        """Renew a login after a 401, or `ahead` of need.

        Raises:
            NeedsLogin: its owner must log in again.
            TokenRefused: Twitch refuses what it issued, or the application; asking is paused.
            TwitchUnavailable: not now.
            StoreError: the store cannot be read, or the new pair could not be saved, so nobody gets it.
        """
        stored = await self._stored(kept)
        if stored is None:
            raise NeedsLogin(LOGGED_OUT)
        if not _is_same(stored, kept.login) and await self.settle(kept, stored):
            return
        kept.life = kept.life.questioned()
        while True:
            match kept.life.step(ahead=ahead, may_spend=kept.may_spend()):
                case "use":
                    return
                case "save":
                    if await self._save(kept):
                        return
                case "validate":
                    await self.ask(kept)
                case "spend":
                    await self._spend(kept, ahead=ahead)
                case "wait":
                    raise TwitchUnavailable("the login could not be renewed several times; trying again soon")
                case "pause":
                    self.pause(kept)
                case "lose":
                    await self._lose(kept, kept.why or kept.login.lost)

    # Asking

    async def ask(self, kept: TrackedLogin) -> None:
        """Ask Twitch whose token this is, and keep what it says.

        Raises:
            TwitchUnavailable: it does not say, which is never held against a login.
            NeedsLogin: the token stands for no account.
            StoreError: what it said could not be kept.
        """
        login = kept.login
        found = await self._oauth(login.client_id).validate(login.pair.access)
        if kept.login.pair.access != login.pair.access:
            return  # renewed while we asked: the answer is about an older token
        if isinstance(found, Unknown):
            if login.user_id is None:
                kept.unidentified = f"Twitch does not tell whose login it is: {found.reason}"
            raise TwitchUnavailable(f"Twitch does not tell whether the login works: {found.reason}")
        kept.validated()
        if found == "invalid":
            kept.life = kept.life.after("dead")
        elif found == "application":
            kept.life = kept.life.after("dead").after("refused")
            await self._lose(kept, APPLICATION_ONLY)
        else:
            kept.life = kept.life.after("valid")
            kept.unidentified = ""
            await self._identify(kept, login, found)

    async def _identify(self, kept: TrackedLogin, login: Login, owner: Owner) -> None:
        if owner.login != login.login and login.user_id is None:
            logger.warning("the token given for %s belongs to %s: managing that account", login.login, owner.login)
        if _is_known(login, owner):
            return
        pair = replace(login.pair, expires_at=owner.expires_at, scopes=owner.scopes)
        try:
            # The token knows best which application it is of; a client id that does not match is refused by Helix.
            known = await self._store.identify(
                login, user_id=owner.user_id, name=owner.login, client_id=owner.client_id, pair=pair
            )
        except StoreError:
            if login.user_id is None or login.lost:
                raise
            return  # nothing that matters is new: it is kept the next time
        if known is None or kept.login.generation != known.generation:
            return
        kept.replace(known)
        if login.user_id is not None and known.login != login.login:
            logger.info("%s is called %s now", login.login, known.login)
            self._tell(LoginEvent("renamed", known))
        if login.user_id is None or login.lost:
            self.complain(known)
            self._tell(LoginEvent("found", known))
        elif missing_permission(known) != missing_permission(login):
            self.complain(known)
            problem = missing_permission(known)
            self._tell(LoginEvent("limited" if problem else "found", known, problem))

    def complain(self, login: Login) -> None:
        """Log what keeps a login from working, now or later."""
        if login.lost:
            return
        if problem := missing_permission(login):
            logger.error("%s: %s", login.login, problem)
        if problem := self.why_it_ends(login):
            logger.error("%s: %s; %s", login.login, problem, what_helps(login))

    def why_it_ends(self, login: Login) -> str:
        """Return why a login is only used until its end; empty if it is renewed."""
        return why_it_ends(login, is_ours=self._is_ours(login.client_id))

    # Refreshing

    async def _spend(self, kept: TrackedLogin, *, ahead: bool) -> None:
        """Present the refresh token to Twitch."""
        login = kept.login
        if not login.pair.refresh:
            self._refused(kept, "the token has ended, and it came without a refresh token")
            return
        if kept.life.state is State.FRESH and not ahead:
            kept.fresh_until = kept.now + kept.pauses.next()
        if not login.doubt:
            # On disk before the request: after a crash in between, the next start knows that it must ask first.
            begun = await self._store.begin_refresh(login)
            if begun is None:
                raise TwitchUnavailable("the login was changed just now")
            kept.login = begun
        try:
            pair = await self._oauth(login.client_id).refresh(login.pair.refresh)
        except NeedsLogin as error:
            self.ends["ended"] += 1
            self._refused(kept, self.why_it_ends(login) or str(error))
        except TokenRefused as error:
            self.ends["refused"] += 1
            self._blocked(kept, str(error))
        except (OutcomeUnknown, TwitchUnavailable) as error:
            self.ends["unanswered"] += 1
            self._unanswered(kept)
            raise TwitchUnavailable(f"the login could not be renewed: {error}") from None
        else:
            self.ends["refreshed"] += 1
            kept.unsaved = pair if pair.scopes else replace(pair, scopes=login.pair.scopes)
            kept.life = kept.life.after("issued")

    def _refused(self, kept: TrackedLogin, why: str) -> None:
        known = kept.life.state in (State.REFUSED, State.LOST)
        kept.life = kept.life.after("refused")
        kept.why, kept.refused_at = why, kept.now
        kept.retry_at = kept.now + kept.refused.next() if kept.login.pair.refresh else float("inf")
        if not known and not self.why_it_ends(kept.login):  # that is said from the start
            # Viewers come and go, and the operator can do nothing about it.
            logger.log(logging.INFO if kept.login.is_member else logging.WARNING, "%s: %s", kept.login.login, REFUSED)

    def _blocked(self, kept: TrackedLogin, why: str) -> None:
        known = kept.life.state is State.BLOCKED and kept.why == why
        kept.life = kept.life.after("blocked")
        kept.why = why
        kept.retry_at = kept.now + kept.pauses.next()
        if not known:
            logger.error("%s: the login cannot be renewed: %s", kept.login.login, why)

    def _unanswered(self, kept: TrackedLogin) -> None:
        kept.life = kept.life.after("unanswered")
        if kept.unanswered.attempts:  # the first one may be repeated at once
            kept.retry_at = kept.now + kept.unanswered.next()
        else:
            kept.retry_at = kept.now
        kept.unanswered.attempts += 1
        if kept.life.state is State.LOST:
            kept.retry_at = kept.now + kept.refused.next()

    async def _save(self, kept: TrackedLogin) -> bool:
        """Store the pair that Twitch issued; return False if that is to be done again."""
        pair, before = kept.unsaved, kept.login
        if pair is None:
            raise AssertionError("a login is unsaved without a pair")
        hide(pair)
        saved = await self._store.replace_pair(before, pair)
        if saved is None:
            return await self._too_late(kept)
        forget(before.pair)
        hide(pair)  # once more: an application with a secret keeps its refresh token, which is in both pairs
        kept.unsaved, kept.life, kept.why = None, kept.life.after("saved"), ""
        kept.retry_at = kept.paused_until = float("-inf")
        kept.replace(saved)
        kept.validated()
        kept.unanswered.reset()
        kept.refused.reset()
        if before.lost:
            logger.info("%s: the login works again", saved.login)
        self._tell(LoginEvent("found" if before.lost else "refreshed", saved))
        return True

    async def _too_late(self, kept: TrackedLogin) -> bool:
        """Give way to the person who replaced or removed the login during the refresh.

        Return False if it was no person, but an older copy of the store.
        """
        stored = await self._stored(kept)
        if stored is not None:
            return not _is_same(stored, kept.login) and await self.settle(kept, stored)
        pair, kept.unsaved = kept.unsaved, None
        kept.life = kept.life.after("saved")
        if pair is not None:
            await self._oauth(kept.login.client_id).revoke(pair.access)  # nobody would ever use it
        raise NeedsLogin(LOGGED_OUT)

    async def _stored(self, kept: TrackedLogin) -> Login | None:
        """Return a login as it is in the store, once what only this process knows of the logins is in it."""
        await self._changes()
        return await self._store.login(kept.login.id)

    async def settle(self, kept: TrackedLogin, stored: Login) -> bool:
        """Use a pair that another process stored; return whether it is used.

        One of an older copy of the store is not: its refresh token is spent. Ours is written back.
        """
        ours = kept.login
        if stored.generation >= ours.generation or stored.is_newer_than(ours):
            self.adopt(kept, stored)
            return True
        await self._store.write_back([ours])
        logger.warning("%s: an older login of it was in the store; the newer one was written back", ours.login)
        return False

    def adopt(self, kept: TrackedLogin, login: Login) -> None:
        """Use a pair that another process stored."""
        ours = kept.unsaved is not None and kept.unsaved.access == login.pair.access  # saved, but we were not told
        kept.begin(login)
        if ours:
            self._tell(LoginEvent("refreshed", login))
        elif not login.lost:
            logger.info("a new login of %s was found in the store", login.login)
            self.complain(login)
            self._tell(LoginEvent("found", login, by_person=True))

    # Ends

    def pause(self, kept: TrackedLogin) -> None:
        """Ask Twitch for nothing for a while.

        Raises:
            TokenRefused: always.
        """
        if kept.life.state is State.BLOCKED:
            kept.pause(kept.why, kept.retry_at)
        elif kept.life.works:
            kept.pause("Twitch refuses a token that it calls valid")
        else:
            kept.pause("Twitch refuses each token that it issues", kept.fresh_until)
        logger.error("%s: %s; trying again in %.0f s", kept.login.login, kept.why, kept.paused_until - kept.now)
        raise TokenRefused(kept.why)

    async def _lose(self, kept: TrackedLogin, reason: str) -> None:
        """Give up a login until a person or Twitch brings it back.

        Raises:
            NeedsLogin: always, unless a person has logged in again meanwhile.
        """
        if kept.life.state is not State.LOST:
            lost = await self._store.lose(kept.login, reason, kept.clock.now().timestamp())
            if lost is None:
                stored = await self._store.login(kept.login.id)
                if stored is not None:
                    self.adopt(kept, stored)
                raise TwitchUnavailable("the login was renewed just now")
            kept.login = lost
            kept.life = kept.life.after("given up")
            if lost.is_member:  # who leaves does no harm to the others
                logger.info("%s is no longer coloured: %s; %s", lost.login, reason, JOIN_AGAIN)
            else:
                logger.error("%s must log in again: %s; %s", lost.login, reason, LOG_IN)
            self._tell(LoginEvent("lost", lost, reason))
        elif kept.now >= kept.retry_at:
            kept.retry_at = kept.now + kept.refused.next()
        raise NeedsLogin(f"{reason}; {what_helps(kept.login)}")
