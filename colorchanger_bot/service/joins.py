"""Joins: the codes that viewers have not entered yet, and how those that were entered ended; both are bounded."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from colorchanger_bot.auth.scopes import COLOR_ONLY
from colorchanger_bot.auth.tracked_login import hide
from colorchanger_bot.clock import Clock, Tasks
from colorchanger_bot.errors import ColorChangerError, JoinRefused, LoginFailed
from colorchanger_bot.service.wording import join_refusal, join_text
from colorchanger_bot.store.store import TokenPair
from colorchanger_bot.twitch.oauth import DeviceCode, OAuth

logger = logging.getLogger(__name__)

CODES, CODE_SECONDS = 20, 1800.0
"""How many codes may wait at once, and for how long each."""
CODES_AT_ONCE, CODES_PER_HOUR = 3, 10
"""For one person, by the address or the Twitch id."""
HOUR = 3600.0
REMEMBERED, REMEMBERED_SECONDS = 500, 1800.0
"""How many ended joins are remembered, and for how long."""

JoinState = Literal[
    "waiting",
    "joined",
    "already here",
    "denied",
    "expired",
    "blocked",
    "not allowed",
    "full",
    "left",
    "no member",
    "failed",
    "unknown",
]


@dataclass(frozen=True, slots=True)
class PendingJoin:
    """A code for a viewer who wants to join."""

    id: str
    """Nobody can guess it; it is for the viewer alone."""
    user_code: str
    verification_uri: str
    """Twitch's page, with the code in the address."""
    expires_at: float
    """Unix seconds."""


@dataclass(frozen=True, slots=True)
class JoinProgress:
    """How a join is going."""

    state: JoinState
    text: str
    """One sentence for the viewer."""
    login: str = ""
    """Who has joined; empty unless somebody has."""
    user_id: str = ""


class Outcome(NamedTuple):
    """How a join ended."""

    state: JoinState
    login: str = ""
    user_id: str = ""


class _Ended(NamedTuple):
    outcome: Outcome
    at: float


Admit = Callable[[OAuth, TokenPair], Awaitable[Outcome]]
"""Takes what Twitch granted a viewer: makes the viewer a member, or gives it back."""


class Joins:
    """The joins of one community."""

    def __init__(self, application: Callable[[], Awaitable[OAuth]], admit: Admit, clock: Clock) -> None:
        self._application = application
        self._admit = admit
        self._clock = clock
        self._tasks = Tasks(logger)
        self._following: dict[str, asyncio.Task[None]] = {}
        """What waits for each code, by the id of the join."""
        self._waiting: dict[str, str] = {}
        """Who waits, by the id of the join."""
        self._ended: dict[str, _Ended] = {}
        """The oldest first."""
        self._asked: dict[str, tuple[float, ...]] = {}
        """When each person got codes in the last hour."""
        self._complaint = ""

    async def begin(self, person: str, admit: Admit | None = None) -> PendingJoin:
        """Get a code for a person, and wait in the background until it is entered; `admit` takes what is granted then.

        Raises:
            JoinRefused: there are too many, or Twitch gives none.
        """
        self._check(person)
        id_ = secrets.token_urlsafe(24)
        self._waiting[id_] = person  # counts while Twitch is asked
        try:
            oauth = await self._application()
            code = await oauth.start_device_login(COLOR_ONLY)
        except ColorChangerError as error:
            self._complain(str(error))
            raise JoinRefused(join_refusal("unavailable"), "unavailable") from None
        finally:
            del self._waiting[id_]
        self._complain("")
        now = self._clock.monotonic()
        code = code._replace(expires_at=min(code.expires_at, now + CODE_SECONDS))
        self._waiting[id_] = person
        self._asked[person] = (*self._asked.get(person, ()), now)
        work = self._follow(id_, oauth, code, admit or self._admit)
        self._following[id_] = self._tasks.start(work, "join of the community")
        expires_at = self._clock.now().timestamp() + code.expires_at - now
        return PendingJoin(id_, code.user_code, code.url, expires_at)

    def cancel(self, id_: str) -> None:
        """Wait no longer until this code is entered."""
        if id_ in self._following:
            self._following[id_].cancel()

    def progress(self, id_: str) -> JoinProgress:
        """Return how a join is going."""
        self._tidy()
        if id_ in self._waiting:
            return JoinProgress("waiting", join_text("waiting"))
        outcome = self._ended[id_].outcome if id_ in self._ended else Outcome("unknown")
        return JoinProgress(outcome.state, join_text(outcome.state, outcome.login), outcome.login, outcome.user_id)

    def forget(self, user_id: str) -> None:
        """Forget that this viewer joined."""
        self._ended = {id_: ended for id_, ended in self._ended.items() if ended.outcome.user_id != user_id}

    async def close(self) -> None:
        """Wait for no more codes."""
        await self._tasks.cancel()
        self._waiting.clear()

    def _check(self, person: str) -> None:
        """Refuse a person who, or a time at which everybody, asks for too many codes."""
        self._tidy()
        mine = sum(each == person for each in self._waiting.values())
        if mine >= CODES_AT_ONCE or len(self._asked.get(person, ())) >= CODES_PER_HOUR:
            raise JoinRefused(join_refusal("too often"), "too often")
        if len(self._waiting) >= CODES:
            raise JoinRefused(join_refusal("busy"), "busy")

    def _tidy(self) -> None:
        now = self._clock.monotonic()
        while self._ended:
            oldest = next(iter(self._ended))
            if len(self._ended) <= REMEMBERED and now - self._ended[oldest].at < REMEMBERED_SECONDS:
                break
            del self._ended[oldest]
        recent = {who: tuple(at for at in times if now - at < HOUR) for who, times in self._asked.items()}
        self._asked = {who: times for who, times in recent.items() if times}

    async def _follow(self, id_: str, oauth: OAuth, code: DeviceCode, admit: Admit) -> None:
        outcome = Outcome("failed")
        try:
            outcome = await self._result(id_, oauth, code, admit)
        except Exception:  # the outermost place of this task
            logger.exception("a join of the community failed")
        finally:
            self._waiting.pop(id_, None)
            self._following.pop(id_, None)
        self._ended[id_] = _Ended(outcome, self._clock.monotonic())

    async def _result(self, id_: str, oauth: OAuth, code: DeviceCode, admit: Admit) -> Outcome:
        try:
            granted = await oauth.finish_device_login(code, COLOR_ONLY)
            hide(granted)
            del self._following[id_]  # to stop halfway from here on would leave something behind
            return await admit(oauth, granted)
        except LoginFailed as error:
            if error.end == "failed":
                logger.error("a viewer could not join: %s", error)
            return Outcome(error.end)
        except ColorChangerError as error:
            logger.error("a viewer could not join: %s", error)
            return Outcome("failed")

    def _complain(self, problem: str) -> None:
        """Log why there are no codes, once."""
        if problem and problem != self._complaint:
            logger.error("nobody can join: %s", problem)
        self._complaint = problem


def person_at(address: str) -> str:
    """Return who counts as one person: an address, or the network of an IPv6 one, where each has very many."""
    try:
        parsed = ipaddress.ip_address(address.strip().partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
