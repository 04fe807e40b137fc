"""Refusals: what Twitch's refusals to renew a host's logins mean, and when each may be tried again.

Twitch has refused to renew logins for hours while their access tokens worked, and renewed them later. So a login that
works stays in use, and one that has ended is tried again, but seldom.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

import twitchio
from twitchio.ext import commands
from twitchio.http import Route

from colorchanger_bot.bot.checkup import Needs, how_to_authorise
from colorchanger_bot.bot.host import name_of, token_works
from colorchanger_bot.redaction import one_line, redact
from colorchanger_bot.twitch.answers import refusal_in

logger = logging.getLogger(__name__)

RETRY_SECONDS, MOST_RETRY_SECONDS = 60.0, 3600.0
"""How long a refused refresh token is not used again; the wait doubles with each refusal."""
MOST_REMEMBERED = 1000


@dataclass(frozen=True, slots=True)
class _Refusal:
    """The latest refusal of a refresh token; times are monotonic."""

    status: int
    extra: dict[str, str]
    route: Route | None
    at: float
    count: int

    def error(self) -> twitchio.HTTPException:
        message = "Twitch refuses to renew this login; it is tried again later"
        return twitchio.HTTPException(message, route=self.route, status=self.status, extra=self.extra)


class Refusals:
    """The refresh tokens of one bot that Twitch refuses."""

    def __init__(self, bot: commands.Bot, needs: Callable[[], Needs]) -> None:
        self.retry_seconds = RETRY_SECONDS
        """The first wait."""
        self._bot = bot
        self._needs = needs
        self._kept: dict[str, _Refusal] = {}
        """By refresh token; the oldest first."""
        self._ended: set[str] = set()
        """The refresh tokens whose access token does not work any more either."""
        self._said: set[tuple[str, bool | None]] = set()
        """Which refresh tokens have been reported, and as what."""

    def hold(self, token: str) -> None:
        """Answer a refresh token that was refused a short time ago as Twitch did.

        Raises:
            HTTPException: it is too early to ask Twitch again.
        """
        refusal = self._kept.get(token)
        if refusal is None:
            return
        wait = min(self.retry_seconds * 2 ** min(refusal.count - 1, 16), MOST_RETRY_SECONDS)
        if time.monotonic() - refusal.at < wait:
            raise refusal.error()

    async def note(self, token: str, status: int, extra: dict[str, str], route: Route | None) -> None:
        """Take note of a refusal, find out whether the access token still works, and report it once."""
        before = self._kept.pop(token, None)
        count = before.count + 1 if before else 1
        self._kept[token] = _Refusal(status, extra, route, time.monotonic(), count)
        while len(self._kept) > MOST_REMEMBERED:
            self.forget(next(iter(self._kept)))
        for user_id, held in [*self._bot.tokens.items()]:
            if held["refresh"] == token:
                works = await token_works(self._bot, held["token"])
                if works is False:
                    self._ended.add(token)
                if (token, works) not in self._said:
                    self._said.add((token, works))
                    self._report(user_id, works, one_line(redact(refusal_in(status, extra) or "no reason given")))

    def forget(self, token: str) -> None:
        """Forget a refresh token: Twitch has accepted it, or it was refused long ago."""
        self._kept.pop(token, None)
        self._ended.discard(token)
        self._said = {(each, works) for each, works in self._said if each != token}

    def may_work_again(self, user_id: str, token: str) -> bool:
        """Return whether a login is worth keeping after a refusal.

        One that works is, and that of an account whose colours change here. That of somebody else, such as a streamer
        who disconnected the bot, ends as it does without us: hosts look into `bot.tokens` for it.
        """
        return token in self._kept and (token not in self._ended or user_id in self._needs().accounts)

    def _report(self, user_id: str, works: bool | None, said: str) -> None:
        needs = self._needs()
        login = needs.accounts.get(user_id) or name_of(self._bot, user_id)
        extra = {"account": login}
        if works is False:
            how = how_to_authorise(self._bot, needs.scopes if user_id in needs.accounts else ())
            text = "the login of %s has ended: its token is invalid, and Twitch refuses to renew it (%s); %s"
            logger.error(text, login, said, how, extra=extra)
            return
        known = "its token still works and stays in use" if works else "whether its token still works is not known"
        text = "Twitch refuses to renew the login of %s (%s); %s, and the renewal is tried again"
        logger.warning(text, login, said, known, extra=extra)
