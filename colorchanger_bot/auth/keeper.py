"""TokenKeeper: the only place that spends refresh tokens.

Twitch's refresh tokens of public clients work once, and one that is spent twice ends the whole login (TWITCH.md,
section 5). Hence: one refresh at a time per account, the new pair on disk before anyone gets it, and no second try
with a token that may be spent while another way is left.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple, NoReturn

from colorchanger_bot import redaction
from colorchanger_bot.auth import scopes
from colorchanger_bot.clock import Backoff, Clock
from colorchanger_bot.errors import (
    AuthError,
    ColorChangerError,
    MissingScope,
    NeedsLogin,
    OutcomeUnknown,
    StoreError,
    TokenRefused,
    TwitchUnavailable,
)
from colorchanger_bot.store.store import Login, Store, TokenPair
from colorchanger_bot.twitch.oauth import APPLICATION_TOKEN, OAuth, Owner, Unknown

logger = logging.getLogger(__name__)

LOOK_SECONDS = 5.0
"""How often the store is looked at for logins that another process (`colorchanger login`) has made."""
VALIDATE_SECONDS = 3600.0
"""Twitch obliges applications to validate each token hourly (authentication guide, "Validating Tokens")."""
AHEAD_SECONDS = 600.0
"""A token is refreshed so long before its end, or at a tenth of its life if that is shorter."""
FIRST_PAUSE_SECONDS, MOST_PAUSE_SECONDS = 5.0, 3600.0
"""Between two refreshes whose tokens never worked, so that a Twitch that refuses everything is not stormed."""
FIRST_RETRY_SECONDS, MOST_RETRY_SECONDS = 1.0, 60.0
CURE = "run: colorchanger login"

State = Literal["refreshed", "lost", "found", "limited"]


class LoginEvent(NamedTuple):
    """Something happened to a login: a new pair, its end, it is there, or it lacks a permission."""

    state: State
    login: Login
    reason: str = ""
    by_person: bool = False
    """Whether a person has just made it, in another process."""


@dataclass(slots=True)
class _Kept:
    login: Login
    pause: Backoff
    retry: Backoff
    failures: Backoff
    refresh: asyncio.Task[None] | None = None
    unsaved: TokenPair | None = None
    """A pair that Twitch gave and the store did not take: it is saved before anything else happens."""
    leave_until: float = float("-inf")
    """Unix seconds until which no refresh is made ahead of need."""
    paused_until: float = float("-inf")
    why: str = ""
    validated_at: float | None = None
    unproven: bool = False
    """The access token came with the last refresh, or should still work after one that failed, and has not yet."""
    dead: str = field(default="", repr=False)
    """An access token that Twitch has called invalid."""
    cure_after: float = float("-inf")
    """When a token that died before it ever worked may be refreshed again; monotonic, as all but `leave_until`."""
    ask_after: float = float("-inf")
    """When Twitch may be asked for a refresh again, after several that failed on the way."""

    @property
    def refreshing(self) -> bool:
        return self.refresh is not None and not self.refresh.done()


class TokenKeeper:
    """Keeps the logins of all accounts of one store alive."""

    def __init__(
        self,
        store: Store,
        oauth: Callable[[str], OAuth],
        *,
        clock: Clock,
        rng: random.Random,
    ) -> None:
        self._store = store
        self._oauth = oauth
        self._clock = clock
        self._rng = rng
        self._kept: dict[int, _Kept] = {}
        self._loaded = False
        self._complaint = ""
        self._listeners: list[Callable[[LoginEvent], None]] = []
        self.refreshes: Counter[str] = Counter()
        """How many refreshes ended how: refreshed, ended, refused or unanswered."""

    def on_event(self, listener: Callable[[LoginEvent], None]) -> None:
        """Call `listener` with everything that happens to a login; it must not wait."""
        self._listeners.append(listener)

    def __iter__(self) -> Iterator[Login]:
        """All logins, as they are now."""
        return iter([kept.login for kept in self._kept.values()])

    def __getitem__(self, id_: int) -> Login:
        return self._kept[id_].login

    def __contains__(self, id_: object) -> bool:
        return id_ in self._kept

    def trouble(self, id_: int) -> str:
        """Return why this login does not work now, with the cure; empty if it does."""
        kept = self._kept[id_]
        if kept.login.lost:
            return f"{kept.login.lost}; {CURE}"
        if self._clock.monotonic() < kept.paused_until:
            return kept.why
        return lack(kept.login)

    def demand(self, id_: int, scope: str) -> None:
        """Say before a request is sent that Twitch would refuse it.

        Raises:
            MissingScope: the login lacks this permission.
        """
        kept = self._kept.get(id_)
        if kept is not None and scopes.missing(kept.login.pair.scopes, [scope]):
            raise MissingScope(f"the login lacks {scope} ({scopes.purpose(scope)}); {CURE}")

    async def load(self) -> None:
        """Take the logins from the store, and again what another process changed there.

        Raises:
            StoreError: the store cannot be read.
        """
        stored = {login.id: login for login in await self._store.logins()}
        for id_ in self._kept.keys() - stored.keys():
            gone = self._kept.pop(id_).login
            self._tell(LoginEvent("lost", replace(gone, lost="logged out"), "logged out"))
        for login in stored.values():
            kept = self._kept.get(login.id)
            if kept is None:
                self._kept[login.id] = self._keep(login)
                _hide(login.pair)
                self._complain(login)
                self._tell(LoginEvent("found", login, by_person=self._loaded))
            elif login.generation > kept.login.generation and not kept.refreshing:
                self._adopt(kept, login)
        self._loaded = True

    async def token(self, id_: int) -> str:
        """Return the access token of an account.

        Raises:
            NeedsLogin: its owner must log in again.
            TokenRefused: Twitch refuses its tokens; asking is paused.
        """
        kept = self._kept.get(id_)
        if kept is None:
            raise NeedsLogin(f"logged out; {CURE}")
        self._check(kept)
        return kept.login.pair.access

    async def renew(self, id_: int, refused: str) -> str:
        """Return an access token other than `refused`, which Twitch has just answered with 401.

        However many ask, one refresh is made; who asks with an older token gets the current one for nothing.

        Raises:
            NeedsLogin, TokenRefused: see `token`.
            TwitchUnavailable: not now.
            StoreError: the new pair could not be saved, so nobody gets it.
        """
        kept = self._kept.get(id_)
        if kept is None:
            raise NeedsLogin(f"logged out; {CURE}")
        self._check(kept)
        if kept.login.pair.access != refused:
            return kept.login.pair.access
        if kept.unproven and not kept.refreshing:
            await self._look_into(kept, refused)
            if kept.login.pair.access != refused:
                return kept.login.pair.access
        if kept.unproven and not kept.refreshing:
            if self._clock.monotonic() < kept.cure_after:
                self._pause(kept, "Twitch refuses each token that it issues", kept.cure_after)
                self._check(kept)
            kept.cure_after = self._clock.monotonic() + kept.pause.next()
        await self._refreshed(kept)
        self._check(kept)
        return kept.login.pair.access

    async def look_into(self, id_: int, refused: str) -> None:
        """Find out why Twitch refused a token that it has just issued, without spending anything.

        Raises:
            TokenRefused: the token is fine, so no other one would help; asking is paused.
            TwitchUnavailable: Twitch does not tell.
        """
        kept = self._kept.get(id_)
        if kept is not None:
            await self._look_into(kept, refused)

    def worked(self, id_: int, token: str) -> None:
        """Take note that Twitch accepted this token of the account."""
        kept = self._kept.get(id_)
        if kept is not None and kept.login.pair.access == token and (kept.unproven or kept.pause.attempts):
            kept.unproven = False
            kept.cure_after = float("-inf")
            kept.pause.reset()
            kept.why = ""

    async def validate(self, id_: int) -> bool:
        """Ask Twitch whose token this is and keep what it says; an invalid token is renewed.

        Returns:
            Whether the login works; False when Twitch gave no clear answer, which never speaks against a login.

        Raises:
            AuthError, StoreError, TwitchUnavailable: see `renew`.
        """
        kept = self._kept[id_]
        login = kept.login
        found = await self._oauth(login.client_id).validate(login.pair.access)
        if isinstance(found, Unknown):
            return False
        if found == "invalid":
            await self.renew(id_, refused=login.pair.access)
            # Whose it is, only a valid token tells; a fresh one that is invalid too ends in `renew`.
            return kept.login.user_id is not None or await self.validate(id_)
        if found == "application":
            await self._lose(kept, APPLICATION_TOKEN.partition(";")[0])
        kept.validated_at = self._clock.monotonic()
        kept.unproven = kept.unproven and kept.login.pair.access != login.pair.access
        await self._know(kept, login, found)
        return True

    async def watch(self) -> None:
        """Validate hourly, refresh ahead of the end, pick up new logins; runs until it is cancelled."""
        while True:
            await self._clock.sleep(LOOK_SECONDS * self._rng.uniform(0.8, 1.0))
            try:
                await self._look()
            except Exception:  # the outermost place of this task, which must not end before the process does
                logger.exception("the watch over the logins failed; it goes on")

    async def close(self) -> None:
        """Let refreshes under way end: a pair that Twitch has issued must reach the disk."""
        running = [kept.refresh for kept in self._kept.values() if kept.refresh and kept.refreshing]
        if running:
            await asyncio.wait(running)
        for kept in self._kept.values():
            if kept.unsaved is not None:
                try:
                    await self._refreshed(kept)
                except ColorChangerError as error:
                    logger.error("the new tokens of %s could not be saved: %s", kept.login.login, error)

    # Looking after one login

    async def _look(self) -> None:
        complaint = ""
        try:
            await self.load()
        except StoreError as error:
            complaint = str(error)
        if complaint and complaint != self._complaint:  # said once, not every few seconds
            logger.error("the store cannot be looked at: %s", complaint)
        self._complaint = complaint
        due = [id_ for id_, kept in self._kept.items() if not kept.login.lost and self._is_due(kept)]
        await asyncio.gather(*(self._look_after(id_) for id_ in due))

    def _is_due(self, kept: _Kept) -> bool:
        now = self._clock.monotonic()
        if now < kept.paused_until:
            return False
        if kept.unsaved is not None:
            return True
        return self._ends_soon(kept) or kept.validated_at is None or now - kept.validated_at > VALIDATE_SECONDS * 0.95

    def _ends_soon(self, kept: _Kept) -> bool:
        expires_at = kept.login.pair.expires_at
        now = self._clock.now().timestamp()
        if expires_at is None or now < kept.leave_until:
            return False
        issued_at = kept.login.pair.issued_at
        life = AHEAD_SECONDS * 10 if issued_at is None else max(0.0, expires_at - issued_at)
        # Between half of the lead and all of it, differently for each account: not all at once.
        lead = min(AHEAD_SECONDS, life / 10) * (0.5 + (kept.login.id * 0.618) % 0.5)
        return now > expires_at - lead

    async def _look_after(self, id_: int) -> None:
        kept = self._kept[id_]
        try:
            if kept.unsaved is not None or self._ends_soon(kept):
                await self._refreshed(kept)
            elif not await self.validate(id_):
                self._wait_a_while(kept)
        except AuthError:
            pass  # said already, by _lose or _pause
        except (ColorChangerError, OSError) as error:
            self._wait_a_while(kept)
            logger.warning("the login of %s could not be looked after: %s", kept.login.login, error)

    def _wait_a_while(self, kept: _Kept) -> None:
        """Come back to an unanswered check soon, without pausing what the account does."""
        seconds = kept.retry.next()
        kept.validated_at = self._clock.monotonic() - VALIDATE_SECONDS * 0.95 + seconds

    async def _know(self, kept: _Kept, login: Login, owner: Owner) -> None:
        pair = replace(login.pair, expires_at=owner.expires_at, scopes=owner.scopes)
        kept.retry.reset()
        if kept.login.generation != login.generation:
            return  # refreshed while we asked: the answer is about an older token
        if owner.login != login.login and login.user_id is None:
            logger.warning("the token given for %s belongs to %s: managing that account", login.login, owner.login)
        # The token knows best which application it is of; a client id that does not match is refused by Helix.
        client_id = owner.client_id or login.client_id
        now = (owner.user_id, owner.login, client_id, pair)
        if (login.user_id, login.login, login.client_id, login.pair) == now:
            return
        known = await self._store.identify(
            login, user_id=owner.user_id, name=owner.login, client_id=client_id, pair=pair
        )
        if known is not None and kept.login.generation == known.generation:
            before, kept.login = kept.login, known
            if login.user_id is None:
                self._complain(known)
                self._tell(LoginEvent("found", known))
            elif lack(known) != lack(before):
                self._complain(known)
                self._tell(LoginEvent("limited" if lack(known) else "found", known, lack(known)))

    # Refreshing

    async def _refreshed(self, kept: _Kept) -> None:
        if kept.refresh is None or not kept.refreshing:
            kept.refresh = asyncio.create_task(self._refresh(kept), name=f"refresh of {kept.login.login}")
            # Somebody may give up waiting, and then nobody would ever look at how it ended.
            kept.refresh.add_done_callback(lambda task: task.cancelled() or task.exception())
        # Whoever waits may give up; the refresh may not: between Twitch's answer and the disk lies the login.
        await asyncio.shield(kept.refresh)

    async def _refresh(self, kept: _Kept) -> None:
        login = kept.login
        stored = await self._store.login(login.id)
        if stored is None:
            raise NeedsLogin(f"logged out; {CURE}")
        if stored.generation > login.generation:
            self._adopt(kept, stored)
            return
        pair = kept.unsaved or await self._spend(kept, login)
        if pair is None:
            return
        kept.unsaved = pair
        _hide(pair)
        saved = await self._store.replace_pair(login, pair)
        kept.unsaved = None
        if saved is None:
            await self._too_late(kept, pair)
            return
        _forget(login.pair)
        _hide(pair)  # once more: an application with a secret keeps its refresh token, which is in both pairs
        kept.login = saved
        kept.unproven = True
        kept.validated_at = self._clock.monotonic()
        kept.ask_after = float("-inf")
        kept.retry.reset()
        kept.failures.reset()
        self._tell(LoginEvent("refreshed", saved))

    async def _too_late(self, kept: _Kept, pair: TokenPair) -> None:
        """The login was replaced or removed during the refresh: what a person did is the newer."""
        stored = await self._store.login(kept.login.id)
        if stored is not None:
            self._adopt(kept, stored)
            return
        await self._oauth(kept.login.client_id).revoke(pair.access)  # nobody would ever use it
        raise NeedsLogin(f"logged out; {CURE}")

    async def _spend(self, kept: _Kept, login: Login) -> TokenPair | None:
        """Exchange the refresh token for a new pair; None if the pair that we have must do for now."""
        if not login.pair.refresh:
            await self._lose(kept, "the access token has ended and there is no refresh token")
        if self._clock.monotonic() < kept.ask_after:
            raise TwitchUnavailable("the login could not be refreshed several times; asking again soon")
        oauth = self._oauth(login.client_id)
        if login.doubt:
            if await self._old_pair_will_do(kept, oauth):
                return None
        else:
            # On disk before the request: after a crash in the middle, the next start knows that it must look first.
            begun = await self._store.begin_refresh(login)
            if begun is None:
                raise TwitchUnavailable("the login was changed just now")
            kept.login = begun
        try:
            pair = await oauth.refresh(login.pair.refresh)
        except NeedsLogin as error:
            self.refreshes["ended"] += 1
            await self._lose(kept, str(error))
        except TokenRefused as error:
            self.refreshes["refused"] += 1
            self._pause(kept, str(error))
            raise
        except (OutcomeUnknown, TwitchUnavailable) as error:
            self.refreshes["unanswered"] += 1
            if kept.failures.attempts:  # the first one may be repeated at once
                kept.ask_after = self._clock.monotonic() + kept.failures.next()
            kept.failures.attempts += 1
            raise TwitchUnavailable(f"the login could not be refreshed: {error}") from None
        self.refreshes["refreshed"] += 1
        return pair if pair.scopes else replace(pair, scopes=login.pair.scopes)

    async def _old_pair_will_do(self, kept: _Kept, oauth: OAuth) -> bool:
        """After a refresh without a clear answer: say whether the old access token still works.

        The request may have reached Twitch: then the refresh token is spent, and the pair that followed it was lost
        on the way. While the old access token works nothing is lost yet: it is used to its end, and the refresh
        token is left alone. Once it is dead there is nothing left to protect: the refresh token either works after
        all, because Twitch never saw the first try, or it ends a login that is over anyway.

        Raises:
            TwitchUnavailable: nobody knows; so nothing is spent now.
        """
        login = kept.login
        found = await oauth.validate(login.pair.access)
        if isinstance(found, Unknown):
            raise TwitchUnavailable(f"Twitch does not tell whether the login still works: {found.reason}")
        if found == "invalid":
            return False
        kept.validated_at = self._clock.monotonic()
        kept.unproven = True
        if login.pair.expires_at is not None:
            kept.leave_until = login.pair.expires_at
        logger.warning("a token refresh of %s got no answer; the present token is used to its end", login.login)
        return True

    async def _lose(self, kept: _Kept, reason: str) -> NoReturn:
        lost = await self._store.lose(kept.login, reason)
        if lost is None:  # a person has logged in again meanwhile
            stored = await self._store.login(kept.login.id)
            if stored is not None:
                self._adopt(kept, stored)
            raise TwitchUnavailable("the login was renewed just now")
        kept.login = lost
        logger.error("%s must log in again: %s; %s", lost.login, reason, CURE)
        self._tell(LoginEvent("lost", lost, reason))
        raise NeedsLogin(f"{reason}; {CURE}")

    def _adopt(self, kept: _Kept, login: Login) -> None:
        """Take a pair that another process stored."""
        ours = kept.unsaved is not None and kept.unsaved.access == login.pair.access  # saved, but we were not told
        _hide(login.pair)
        self._kept[login.id] = self._keep(login)
        self._kept[login.id].refresh = kept.refresh
        # Whoever waits for a refresh right now holds the old object.
        kept.login, kept.unsaved, kept.paused_until = login, None, float("-inf")
        if ours:
            self._tell(LoginEvent("refreshed", login))
        elif not login.lost:
            logger.info("a new login of %s was found in the store", login.login)
            self._complain(login)
            self._tell(LoginEvent("found", login, by_person=True))

    def _keep(self, login: Login) -> _Kept:
        return _Kept(
            login,
            pause=Backoff(self._rng, first=FIRST_PAUSE_SECONDS, most=MOST_PAUSE_SECONDS),
            retry=Backoff(self._rng, first=FIRST_RETRY_SECONDS, most=MOST_RETRY_SECONDS),
            failures=Backoff(self._rng, first=FIRST_RETRY_SECONDS, most=MOST_RETRY_SECONDS),
        )

    def _complain(self, login: Login) -> None:
        if not login.lost and lack(login):
            logger.error("%s: %s", login.login, lack(login))

    def _check(self, kept: _Kept) -> None:
        if kept.login.lost:
            raise NeedsLogin(f"{kept.login.lost}; {CURE}")
        if self._clock.monotonic() < kept.paused_until:
            raise TokenRefused(kept.why)

    async def _look_into(self, kept: _Kept, refused: str) -> None:
        self._check(kept)
        if kept.dead == refused or kept.login.pair.access != refused:
            return
        found = await self._oauth(kept.login.client_id).validate(refused)
        self._check(kept)
        if kept.login.pair.access != refused:
            return
        if isinstance(found, Unknown):
            raise TwitchUnavailable(f"Twitch refuses the login, and does not tell why: {found.reason}")
        if found == "invalid":
            kept.dead = refused
        else:
            self._pause(kept, "Twitch refuses a token that it calls valid")
            self._check(kept)

    def _pause(self, kept: _Kept, why: str, until: float | None = None) -> None:
        now = self._clock.monotonic()
        kept.paused_until = now + kept.pause.next() if until is None else until
        kept.why = why
        logger.error("%s: %s; asking again in %.0f s", kept.login.login, why, kept.paused_until - now)

    def _tell(self, event: LoginEvent) -> None:
        for listener in self._listeners:
            listener(event)


def lack(login: Login) -> str:
    """Return what a login may not do that it should, with the cure; empty if it may all."""
    missing = scopes.missing(login.pair.scopes)
    words = " and ".join(f"{scope} ({scopes.purpose(scope)})" for scope in missing)
    return f"the login lacks {words}; {CURE}" if missing else ""


def _hide(pair: TokenPair) -> None:
    """Let no log line ever show this pair, whoever writes it."""
    redaction.keep_secret(pair.access)
    redaction.keep_secret(pair.refresh)


def _forget(pair: TokenPair) -> None:
    """Forget a pair that was replaced: the list of what must be hidden stays short."""
    redaction.forget_secret(pair.access)
    redaction.forget_secret(pair.refresh)


def oauth_for(secrets: Mapping[str, str], make: Callable[[str, str], OAuth]) -> Callable[[str], OAuth]:
    """Return a function from client id to its `OAuth`, made once each."""
    made: dict[str, OAuth] = {}

    def get(client_id: str) -> OAuth:
        if client_id not in made:
            made[client_id] = make(client_id, secrets.get(client_id) or secrets.get("", ""))
        return made[client_id]

    return get
