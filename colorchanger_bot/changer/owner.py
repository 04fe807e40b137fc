"""Owner: the person that `commands.owner` names.

A name at Twitch can change hands. So the person is known by the user id as soon as Twitch has told it, also after a
restart: who is called so later may command nothing.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterable
from typing import NamedTuple, Protocol

from colorchanger_bot.changer.memory import Memory, Remembered
from colorchanger_bot.clock import Backoff, Clock, SystemClock, Tasks
from colorchanger_bot.errors import ColorChangerError
from colorchanger_bot.settings.settings import Settings
from colorchanger_bot.words import did_you_mean, nearest, shown

logger = logging.getLogger(__name__)

KEY = "owner"
"""Where the owner is remembered, beside the accounts, whose keys are numbers."""
FIRST_WAIT_SECONDS, MOST_WAIT_SECONDS = 1.0, 300.0


class Person(NamedTuple):
    """Somebody at Twitch; empty where there is none."""

    id: str = ""
    login: str = ""
    """Empty for one who was there before: suspended or deleted."""


class Find(Protocol):
    """Asks Twitch for a person by login or by id."""

    async def __call__(self, *, login: str = "", id_: str = "") -> Person | None:
        """Return who that is now; None: nobody.

        Raises:
            ColorChangerError: Twitch does not tell.
        """
        ...


class Owner:
    """Finds out who the owner is, and remembers it."""

    def __init__(
        self,
        settings: Settings,
        *,
        memory: Memory,
        find: Find,
        ours: Callable[[str], str],
        account: Callable[[], str] = lambda: "",
        clock: Clock | None = None,
        rng: random.Random | None = None,
    ) -> None:
        """Args:
        settings: those with `commands.owner`.
        memory: keeps the id over a restart.
        find: asks Twitch.
        ours: returns the id of an account here that has or had a login; empty if none had it.
        account: returns the name of the account that is commanded, for the log.
        """
        self.login = settings.commands.owner
        self.id: str | None = None
        """The user id, empty if nobody has the login; None as long as nobody knows."""
        self._settings = settings
        self._memory = memory
        self._find = find
        self._ours = ours
        self._account = account
        self._clock = clock or SystemClock()
        self._rng = rng or random.Random()
        self._tasks = Tasks(logger)

    def start(self) -> None:
        """Find out who it is, and say once if nobody is, or if the name has changed."""
        if not list(self._tasks):
            self._tasks.start(self._run(), "the look-up of commands.owner")

    async def stop(self) -> None:
        """Stop looking."""
        await self._tasks.cancel()

    def end(self) -> None:
        """Stop looking, without waiting for it."""
        for task in self._tasks:
            task.cancel()

    async def _run(self) -> None:
        backoff = Backoff(self._rng, first=FIRST_WAIT_SECONDS, most=MOST_WAIT_SECONDS)
        while True:
            try:
                person = await self._identify()
            except ColorChangerError as error:
                logger.debug("the owner %s is not looked up yet: %s", self.login, error, extra=self._extra())
                await self._clock.sleep(backoff.next())
            else:
                if line := problem(self._settings, person) or rename(self._settings, person):
                    logger.warning("%s", line, extra=self._extra())
                return

    async def _identify(self) -> Person:
        before = await recall(self._memory, self.login)
        # The id counts from here on, whether Twitch answers or not.
        known = (before.id if before else "") or self._ours(self.login)
        self.id = known or None
        person = await look_up(self._find, self.login, known)
        self.id = person.id
        if person != before:
            await self._memory.remember_all({KEY: Remembered(people={self.login: person._asdict()})})
        return person

    def _extra(self) -> dict[str, str]:
        return {"account": self._account() or self.login}


async def recall(memory: Memory, login: str) -> Person | None:
    """Return who the owner of that login was when Twitch was last asked; None: it never was.

    Raises:
        StoreError: it cannot be read.
    """
    kept = (await memory.recall(KEY)).people.get(login)
    return None if kept is None else Person(kept.get("id", ""), kept.get("login", ""))


async def known_owner(settings: Settings, memory: Memory) -> Person | None:
    """Return who the owner was when Twitch was last asked; None if it never was, or no owner may command.

    Raises:
        StoreError: it cannot be read.
    """
    return await recall(memory, settings.commands.owner) if settings.commands.obeys_owner else None


async def look_up(find: Find, login: str, known: str) -> Person:
    """Return who the owner is now: by the id if that is known, by the login otherwise.

    Raises:
        ColorChangerError: Twitch does not tell.
    """
    found = await (find(id_=known) if known else find(login=login))
    return found or Person(known)


def problem(settings: Settings, owner: Person, logins: Iterable[str] = ()) -> str:
    """Return why nobody can command as the owner, in a line; empty if somebody can. `logins` are likely names."""
    where = f"{settings.where(('commands', 'owner'))} = {shown(settings.commands.owner)}"
    if not owner.id:
        hint = did_you_mean(nearest(settings.commands.owner, logins)) or "correct it."
        return f"{where}: nobody at Twitch has this name, so nobody can use the commands as owner; {hint}"
    return "" if owner.login else f"{where}: Twitch has suspended or deleted this account"


def rename(settings: Settings, owner: Person) -> str:
    """Return what to change if the owner has another name now; empty if not."""
    name = settings.commands.owner
    if owner.login in ("", name):
        return ""
    return f"the owner {name} is called {owner.login} now and may still use the commands: change it in the settings"
