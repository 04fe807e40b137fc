"""TrackedLogin: what the keeper knows of one login: its state, when its token ends, and when to try again."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from colorchanger_bot import redaction
from colorchanger_bot.auth.states import Life, State
from colorchanger_bot.clock import Backoff, Clock
from colorchanger_bot.store.store import Login, TokenPair

VALIDATE_SECONDS = 3600.0
"""Twitch obliges applications to validate each token hourly (authentication guide, "Validating Tokens")."""
AHEAD_SECONDS = 600.0
"""A token is refreshed this long before its end, or at a tenth of its life if that is shorter."""
LONGEST_SECONDS = 65 * 86_400.0
"""No access token of Twitch lives longer."""
FIRST_PAUSE_SECONDS, MOST_PAUSE_SECONDS = 5.0, 3600.0
"""Between refreshes whose tokens never worked, or with an application that Twitch does not accept."""
FIRST_RETRY_SECONDS, MOST_RETRY_SECONDS = 1.0, 60.0
"""Between questions that got no answer."""
FIRST_REFUSED_SECONDS, MOST_REFUSED_SECONDS = 60.0, 3600.0
"""Between refreshes that Twitch refused: it has refused good ones for hours (twitchdev/issues 1037)."""
JUST_NOW_SECONDS = 30.0
"""A refusal more recent than this is not asked for again when the access token turns out to be dead."""
NEVER = float("-inf")


class LoginEvent(NamedTuple):
    """Something happened to a login: a new pair, its end, it is there or works, it lacks a permission, a new name."""

    state: Literal["refreshed", "lost", "found", "limited", "renamed"]
    login: Login
    reason: str = ""
    by_person: bool = False
    """Whether a person has just made it, in another process."""


@dataclass(slots=True)
class TrackedLogin:
    """One login; all times are monotonic seconds, so that setting the clock changes none of them."""

    login: Login
    clock: Clock
    pauses: Backoff
    """For tokens that never worked, and for an application that is not accepted."""
    unanswered: Backoff
    """For refreshes without an answer."""
    refused: Backoff
    looks: Backoff
    """For questions of the watch that got no answer."""
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while the start or the watch sees to the login, so that they do not both ask Twitch about it."""
    life: Life = field(default_factory=Life)
    ends_at: float | None = None
    """When the access token ends; None: not known, or never."""
    refresh: asyncio.Task[None] | None = None
    unsaved: TokenPair | None = None
    """A pair that Twitch issued and the store did not take: it is saved before anything else happens."""
    why: str = ""
    """Why Twitch does not renew the login, or why it is paused."""
    unidentified: str = ""
    """Why it is not known yet whose login it is."""
    paused_until: float = NEVER
    retry_at: float = NEVER
    """When a refresh may be tried again, after one that was not answered or was refused."""
    fresh_until: float = NEVER
    """Until then a token that died unused is not replaced by yet another one."""
    refused_at: float = NEVER
    validate_at: float = NEVER
    look_at: float = NEVER

    @classmethod
    def of(cls, login: Login, clock: Clock, rng: random.Random) -> TrackedLogin:
        """Begin with a login as it is in the store."""
        kept = cls(
            login,
            clock,
            pauses=Backoff(rng, first=FIRST_PAUSE_SECONDS, most=MOST_PAUSE_SECONDS),
            unanswered=Backoff(rng, first=FIRST_RETRY_SECONDS, most=MOST_RETRY_SECONDS),
            refused=Backoff(rng, first=FIRST_REFUSED_SECONDS, most=MOST_REFUSED_SECONDS),
            looks=Backoff(rng, first=FIRST_RETRY_SECONDS, most=MOST_RETRY_SECONDS),
        )
        kept.begin(login)
        return kept

    @property
    def now(self) -> float:
        """Monotonic seconds."""
        return self.clock.monotonic()

    @property
    def is_renewing(self) -> bool:
        """Whether a renewal is under way."""
        return self.refresh is not None and not self.refresh.done()

    @property
    def is_paused(self) -> bool:
        """Whether no request may go to Twitch for now."""
        return self.now < self.paused_until

    def begin(self, login: Login) -> None:
        """Start with a pair that is new to us: nothing that was learned about an earlier one counts."""
        hide(login.pair)
        state = State.LOST if login.lost else State.DOUBTFUL if login.doubt else State.GOOD
        self.life, self.why, self.unidentified, self.unsaved = Life(state), "", "", None
        self.paused_until = self.retry_at = self.fresh_until = self.refused_at = NEVER
        self.validate_at = self.look_at = NEVER
        for backoff in (self.pauses, self.unanswered, self.refused, self.looks):
            backoff.reset()
        self.replace(login)

    def replace(self, login: Login) -> None:
        """Use a newer version of the login, and work out when its token ends."""
        self.login = login
        left = self._left_by_date()
        self.ends_at = None if left is None else self.now + left

    def seconds_left(self) -> float | None:
        """Return the seconds that the access token has left, by the more cautious of two clocks; None: not known."""
        if self.ends_at is None:
            return None
        by_date = self._left_by_date()  # the monotonic clock may have stood still with the machine
        left = self.ends_at - self.now
        return left if by_date is None else min(left, by_date)

    def _left_by_date(self) -> float | None:
        """The seconds to the date at which the token ends; a date farther away than a token lives is not believed."""
        pair = self.login.pair
        if pair.expires_at is None:
            return None
        life = LONGEST_SECONDS
        if pair.issued_at is not None and 0 < pair.expires_at - pair.issued_at < life:
            life = pair.expires_at - pair.issued_at
        left = pair.expires_at - self.clock.now().timestamp()
        return left if left <= life + 60 else None

    def ends_soon(self) -> bool:
        """Whether the access token ends so soon that a refresh ahead of need is due."""
        left = self.seconds_left()
        if left is None:
            return False
        pair = self.login.pair
        life = AHEAD_SECONDS * 10
        if pair.expires_at is not None and pair.issued_at is not None:
            life = min(max(0.0, pair.expires_at - pair.issued_at), LONGEST_SECONDS)
        # Between half of the lead and all of it, differently for each account: not all at once.
        return left < min(AHEAD_SECONDS, life / 10) * (0.5 + (self.login.id * 0.618) % 0.5)

    def wants_renewal(self) -> bool:
        """Whether a renewal is due before a request needs it."""
        match self.life.state:
            case State.UNSAVED:
                return True
            case State.GOOD | State.FRESH:
                return bool(self.login.pair.refresh) and self.ends_soon()
            case State.DOUBTFUL:  # used to its end
                left = self.seconds_left()
                return left is not None and left <= 0
            case State.REFUSED | State.BLOCKED | State.LOST:
                return self.now >= self.retry_at

    def is_due(self) -> bool:
        """Whether the watch has something to do for this login."""
        if self.is_paused or self.is_renewing or self.now < self.look_at:
            return False
        if self.life.state is State.LOST:
            return self.now >= self.retry_at
        return self.wants_renewal() or self.now >= self.validate_at

    def may_spend(self) -> bool:
        """Whether the refresh token may be presented now."""
        match self.life:
            case Life(State.FRESH):
                return self.now >= self.fresh_until
            case Life(State.REFUSED, False):
                return bool(self.login.pair.refresh) and self.now - self.refused_at > JUST_NOW_SECONDS
            case _:
                return self.now >= self.retry_at

    def validated(self) -> None:
        """Note that Twitch has just validated the access token."""
        self.validate_at = self.now + VALIDATE_SECONDS * 0.95
        self.looks.reset()

    def accepted(self) -> None:
        """Note that a request with the access token worked."""
        if self.life.works and not self.pauses.attempts:
            return
        self.life = self.life.after("accepted")
        if self.life.state is State.GOOD:
            self.fresh_until = NEVER
            self.pauses.reset()

    def pause(self, why: str, until: float | None = None) -> None:
        """Ask Twitch for nothing until then; by default a little longer each time."""
        self.paused_until = self.now + self.pauses.next() if until is None else until
        self.why = why


def hide(pair: TokenPair) -> None:
    """Keep this pair out of every log line."""
    redaction.keep_secret(pair.access)
    redaction.keep_secret(pair.refresh)


def forget(pair: TokenPair) -> None:
    """Forget a replaced pair, so that the list of what must be hidden stays short."""
    redaction.forget_secret(pair.access)
    redaction.forget_secret(pair.refresh)
