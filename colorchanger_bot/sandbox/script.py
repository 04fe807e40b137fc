"""A script for a few made-up chatters, so that the demo has a chat to show."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

MINE = (
    "hey chat",
    "how was your day?",
    "that was close",
    "one more round",
    "I knew it!",
    "brb, water",
    "back",
    "did you see that?",
    "okay, okay, focus",
    "ha, nice",
    "what should I play next?",
    "this song again?",
    "good point",
    "we are so back",
    "almost",
    "never doing that again",
    "thanks for being here",
)
THEIRS = (
    "hi {me}!",
    "new colour?",
    "lol",
    "GG",
    "wait, that colour is great",
    "same here",
    "no way",
    "{me} your name keeps changing colour",
    "first time here, hi",
    "clip it",
    "what game is this?",
    "10/10",
    "unlucky",
    "you got this",
    "so close!",
    "that was clean",
    "hydrate!",
    "how do you do that with your name?",
    "let's gooo",
    "o7",
)
CROWD = (("mira", "#FF69B4"), ("tobi_as", "#1E90FF"), ("nightowl", "#9ACD32"), ("kestrel", ""), ("jun", "#FF7F50"))


class Stage(Protocol):
    """Where the script is played."""

    async def say(self, login: str, *, in_: str, text: str) -> str:
        """Someone writes in a channel; returns the message id."""
        ...


@dataclass(frozen=True, slots=True)
class Line:
    """What someone says, and the pause before it in seconds."""

    login: str
    text: str
    pause: float


class Script:
    """Endless variations of the same chat; the same `rng` gives the same one."""

    def __init__(self, me: str, rng: random.Random, *, crowd: Sequence[str] = tuple(name for name, _ in CROWD)) -> None:
        self._me = me
        self._rng = rng
        self._crowd = crowd

    def lines(self, own: int) -> Iterator[Line]:
        """A chat with `own` lines of mine, the last of which ends it."""
        mine, theirs = self._bag(MINE), self._bag(THEIRS)
        for _ in range(own):
            for _ in range(self._rng.choice((0, 1, 1, 2)) if self._crowd else 0):
                text = next(theirs).format(me=self._me)
                yield Line(self._rng.choice(self._crowd), text, round(self._rng.uniform(0.4, 1.8), 2))
            yield Line(self._me, next(mine), round(self._rng.uniform(0.8, 2.0), 2))

    def _bag(self, texts: Sequence[str]) -> Iterator[str]:
        """All texts in a new order each time round: nobody says the same thing twice in a row."""
        last = ""
        while True:
            round_ = self._rng.sample(texts, len(texts))
            if round_[0] == last:
                round_.append(round_.pop(0))
            last = round_[-1]
            yield from round_


async def chatter(
    stage: Stage,
    channel: str,
    me: str,
    rng: random.Random,
    *,
    own: int,
    crowd: Sequence[str] = tuple(name for name, _ in CROWD),
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
) -> AsyncIterator[tuple[Line, str]]:
    """Play a script: each line once it was said, with its message id. Everyone in it must be a user already."""
    for line in Script(me, rng, crowd=crowd).lines(own):
        await sleep(line.pause)
        yield line, await stage.say(line.login, in_=channel, text=line.text)
