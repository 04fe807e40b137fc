"""Following: the channels that an account follows are read while they are live."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Mapping

from colorchanger_bot.clock import Backoff, Clock
from colorchanger_bot.errors import AuthError, ColorChangerError
from colorchanger_bot.eventsub.timing import Timing
from colorchanger_bot.twitch.helix import Helix

logger = logging.getLogger(__name__)

MOST_CHANNELS = 90
"""Live channels read at the same time: an account may join 100 that are not its own."""


def choose(live: Mapping[str, str], before: Mapping[str, str]) -> dict[str, str]:
    """Return the live channels to read, at most 90: first those that are read already, then in Twitch's order."""
    ids = set(before.values())
    stay = {login: id_ for login, id_ in live.items() if id_ in ids}
    return dict(list((stay | dict(live)).items())[:MOST_CHANNELS])


async def follow_live(
    user_id: str,
    login: str,
    helix: Helix,
    set_live: Callable[[Mapping[str, str]], None],
    *,
    clock: Clock,
    rng: random.Random,
    timing: Timing,
) -> None:
    """Call `set_live` with the followed channels that are live (login to id), whenever that changes.

    While Twitch does not answer, the channels stay as they are. Runs until cancelled.
    """
    log = logging.LoggerAdapter(logger, {"account": login})
    backoff = Backoff(rng, first=timing.follow / 4, most=4 * timing.follow)
    reading: dict[str, str] = {}
    logged = ""
    while True:
        wait = timing.follow * rng.uniform(0.9, 1.0)
        try:
            live = choose(await helix.live_followed(user_id), reading)
        except ColorChangerError as error:
            if str(error) != logged:
                log.warning("cannot see which followed channels are live: %s", error)
            logged = str(error)
            # A new login may bring the missing permission at any time, so the next try comes as soon as usual.
            if not isinstance(error, AuthError):
                wait = backoff.next()
        else:
            backoff.reset()
            logged = ""
            if live != reading:
                reading = live
                set_live(reading)
        await clock.sleep(wait)
