"""The states of a login, and what follows from what happens to it; pure, without a clock, a store or a network.

    state     what is known of the pair
    GOOD      nothing speaks against it
    FRESH     Twitch issued it a moment ago, and has not accepted it yet
    DOUBTFUL  a refresh began and its end is not known: the refresh token may be spent
    REFUSED   Twitch refused to renew it; the access token may work to its end
    BLOCKED   Twitch refused the application; nothing is said of the pair
    UNSAVED   Twitch issued the pair that follows, and it is not in the store yet
    LOST      Twitch refused to renew it and the access token is dead: only a person can help, or Twitch

    event       GOOD      FRESH     DOUBTFUL  REFUSED   BLOCKED   UNSAVED   LOST
    valid       GOOD      FRESH     DOUBTFUL  REFUSED   BLOCKED   UNSAVED   DOUBTFUL
    accepted    GOOD      GOOD      DOUBTFUL  REFUSED   BLOCKED   UNSAVED   DOUBTFUL
    dead        GOOD      FRESH     DOUBTFUL  REFUSED   BLOCKED   UNSAVED   LOST
    issued      UNSAVED   UNSAVED   UNSAVED   UNSAVED   UNSAVED   -         UNSAVED
    saved       -         -         -         -         -         FRESH     -
    refused     REFUSED   REFUSED   REFUSED   REFUSED   REFUSED   -         LOST
    blocked     BLOCKED   BLOCKED   BLOCKED   BLOCKED   BLOCKED   -         LOST
    unanswered  DOUBTFUL  DOUBTFUL  DOUBTFUL  DOUBTFUL  DOUBTFUL  -         LOST
    given up    -         -         -         LOST      -         -         LOST

`valid` and `dead` are answers to a validation, `accepted` is a request that worked, `issued`, `refused`, `blocked` and
`unanswered` are the ends of a refresh. A pair that a person or another process stored begins anew.

What is done next, when a request was answered with 401 (or the end of the token is near), depends on whether Twitch
calls the access token valid:

    state     not asked             valid                 dead
    GOOD      spend                 spend                 spend
    FRESH     validate (spend)      pause (spend)         spend, too often: pause
    DOUBTFUL  validate              use                   spend, too often: wait
    REFUSED   validate (spend)      use (spend)           spend, refused just now: lose
    BLOCKED   validate (spend)      use (spend)           spend, too often: pause
    UNSAVED   save                  save                  save
    LOST      validate              use                   spend, too often: lose
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Literal

Event = Literal["valid", "accepted", "dead", "issued", "saved", "refused", "blocked", "unanswered", "given up"]
Step = Literal["spend", "save", "validate", "use", "wait", "pause", "lose"]


class State(Enum):
    """See the table above."""

    GOOD = auto()
    FRESH = auto()
    DOUBTFUL = auto()
    REFUSED = auto()
    BLOCKED = auto()
    UNSAVED = auto()
    LOST = auto()


RENEWABLE = frozenset(State) - {State.UNSAVED}
KNOWN: dict[Event, tuple[bool | None, frozenset[State]]] = {
    "valid": (True, frozenset(State)),
    "accepted": (True, frozenset(State)),
    "dead": (False, frozenset(State)),
    "issued": (None, RENEWABLE),
    "saved": (None, frozenset({State.UNSAVED})),
    "refused": (None, RENEWABLE),
    "blocked": (None, RENEWABLE),
    "unanswered": (None, RENEWABLE),
    "given up": (None, frozenset({State.REFUSED, State.LOST})),
}
"""What an event tells of the access token (None: nothing), and in which states it can happen."""
ENDS: dict[Event, State] = {
    "refused": State.REFUSED,
    "blocked": State.BLOCKED,
    "unanswered": State.DOUBTFUL,
    "given up": State.LOST,
}


@dataclass(frozen=True, slots=True)
class Life:
    """The state of one login, and whether its access token works as far as Twitch has said since it was last asked."""

    state: State = State.GOOD
    works: bool | None = None

    def after(self, event: Event) -> Life:
        """Return what follows.

        Raises:
            ValueError: this cannot happen in this state.
        """
        works, states = KNOWN[event]
        if self.state not in states:
            raise ValueError(f"{event} cannot happen to a login that is {self.state.name}")
        state = self._next(event)
        if event in ("issued", "saved"):
            return Life(state)
        return Life(state, self.works if works is None else works)

    def _next(self, event: Event) -> State:
        match event:
            case "issued":
                return State.UNSAVED
            case "saved":
                return State.FRESH
            case "accepted" if self.state is State.FRESH:
                return State.GOOD
            case "valid" | "accepted" if self.state is State.LOST:
                return State.DOUBTFUL
            case "refused" | "blocked" | "unanswered" | "given up" if self.state is not State.LOST:
                return ENDS[event]
            case _:
                return self.state

    def questioned(self) -> Life:
        """Return the state once there is a reason to ask Twitch again; a token that is dead stays so."""
        return self if self.works is False else replace(self, works=None)

    def step(self, *, ahead: bool, may_spend: bool) -> Step:
        """Return what to do next: `ahead` of need or after a 401; `may_spend` is False right after another try."""
        match self.state:
            case State.UNSAVED:
                return "save"
            case State.GOOD:
                return "spend"
            case State.FRESH | State.REFUSED | State.BLOCKED if ahead and may_spend and self.works is not False:
                return "spend"
            case _:
                return self._careful_step(ahead=ahead, may_spend=may_spend)

    def _careful_step(self, *, ahead: bool, may_spend: bool) -> Step:
        if self.works is None:
            return "validate"
        if self.works:
            return "pause" if self.state is State.FRESH and not ahead else "use"
        if may_spend:
            return "spend"
        if self.state in (State.REFUSED, State.LOST):
            return "lose"
        return "wait" if self.state is State.DOUBTFUL else "pause"
