"""What a command did, as data; `replies` puts it into words for chat, page and log.

CommandResult
├── Status              how the account is doing
├── TurnedOn, TurnedOff
├── Changed             another colour, once
├── Held                one colour, until further notice
├── StrategySet, DelaySet, Rechecking
├── ChannelJoined, ChannelLeft
├── Invited             a viewer can join the community with this code
├── AlreadyJoined, Left
├── Help
└── NotDone             nothing was changed:
    ├── Misunderstood       the command was not used like this
    ├── UnknownWord         neither a command nor a colour
    ├── NoColor             a text that names no colour
    ├── NotPossible         understood, but it cannot be done
    └── Failed              Twitch or the store did not let it
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from colorchanger_bot.changer.pending_changes import Change
from colorchanger_bot.color import Color, Ground, Theme


@dataclass(frozen=True, slots=True)
class CommandResult:
    """The root: what a command did."""


@dataclass(frozen=True, slots=True)
class Names:
    """How many of Twitch's 15 colour names suit the theme."""

    count: int
    theme: Theme


@dataclass(frozen=True, slots=True)
class Status(CommandResult):
    """How the account is doing."""

    enabled: bool
    strategy: str
    held: Color | None
    current: Color | None
    trouble: str
    names: Names | None
    """The names to choose from, where only names are sent."""
    replies_left_out: int


@dataclass(frozen=True, slots=True)
class TurnedOn(CommandResult):
    """The colour changes again, by this strategy."""

    strategy: str


@dataclass(frozen=True, slots=True)
class TurnedOff(CommandResult):
    """The colour changes no longer; `restored` is the colour from before, if it was put back."""

    restored: Color | None


@dataclass(frozen=True, slots=True)
class Changed(CommandResult):
    """One change that was asked for, and how it ended."""

    change: Change


@dataclass(frozen=True, slots=True)
class Held(CommandResult):
    """The account stays at a colour; `change` is None where it had that colour already."""

    color: Color
    change: Change | None
    hard_to_read: tuple[Ground, ...] = ()
    """The themes on which it is hard to read."""


@dataclass(frozen=True, slots=True)
class StrategySet(CommandResult):
    """Colours are chosen in another way from now on."""

    strategy: str
    colors: tuple[Color, ...] = ()
    base: Color | None = None
    step: float | None = None
    """Degrees; None: even steps."""
    reverse: bool = False
    by_clock: bool = False
    names: Names | None = None
    """The names to choose from, where only names are sent."""
    hard_to_read: tuple[Color, ...] = ()
    enabled: bool = True
    """Whether colours change at all."""


@dataclass(frozen=True, slots=True)
class DelaySet(CommandResult):
    """Seconds from a message to its change, at random between the two."""

    low: float
    high: float
    enabled: bool = True
    held: Color | None = None


@dataclass(frozen=True, slots=True)
class Rechecking(CommandResult):
    """Hex colours are tried again."""


@dataclass(frozen=True, slots=True)
class ChannelJoined(CommandResult):
    """One channel more is read."""

    login: str


@dataclass(frozen=True, slots=True)
class ChannelLeft(CommandResult):
    """One channel less is read."""

    login: str


@dataclass(frozen=True, slots=True)
class Invited(CommandResult):
    """A viewer can join the community: by opening `url`, which has the code in it."""

    url: str
    code: str
    seconds: float
    """How long the code is valid."""


@dataclass(frozen=True, slots=True)
class AlreadyJoined(CommandResult):
    """A viewer asked to join whose colours change here already."""


@dataclass(frozen=True, slots=True)
class Left(CommandResult):
    """A member left the community, and everything about them is deleted."""


@dataclass(frozen=True, slots=True)
class Help(CommandResult):
    """The list of commands was asked for."""


@dataclass(frozen=True, slots=True)
class NotDone(CommandResult):
    """Nothing was changed."""


@dataclass(frozen=True, slots=True)
class Misunderstood(NotDone):
    """A command with something that it does not take."""

    command: str


@dataclass(frozen=True, slots=True)
class UnknownWord(NotDone):
    """Neither a command nor a colour; `suggestion` is the closest command, or empty."""

    word: str
    suggestion: str


@dataclass(frozen=True, slots=True)
class NoColor(NotDone):
    """A text that names no colour."""

    text: str
    suggestion: str
    is_hex: bool
    """Whether it was meant as a hex colour."""


Obstacle = Literal[
    "no earlier color",
    "already original",
    "color unknown",
    "never chose a color",
    "no such user",
    "no such channel",
    "already joined",
    "too many channels",
    "not joined",
    "only channel",
    "channels not ours",
    "not here",
    "own account",
]


@dataclass(frozen=True, slots=True)
class NotPossible(NotDone):
    """Understood, but it cannot be done; `names` are the people or channels that it is about."""

    obstacle: Obstacle
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Failed(NotDone):
    """Twitch or the store did not let it; `reason` is one line for a person."""

    reason: str
