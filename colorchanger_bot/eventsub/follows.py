"""Following: the channels that an account follows come on its wish list while they are live."""

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
"""Live channels that are read at a time: an account may join 100 that are not its own (TWITCH.md, section 4)."""


def chosen(live: Mapping[str, str], before: Mapping[str, str]) -> dict[str, str]:
    """Return the live channels to read, at most 90: those that are read already first, then in Twitch's order."""
    stay = {login: id_ for login, id_ in live.items() if login in before}
    return dict(list((stay | dict(live)).items())[:MOST_CHANNELS])


async def follow_live(
    user_id: str,
    login: str,
    helix: Helix,
    want: Callable[[Mapping[str, str]], None],
    *,
    clock: Clock,
    rng: random.Random,
    timing: Timing,
) -> None:
    """Tell `want` which followed channels are live (login to id), whenever that changes; runs until cancelled.

    While Twitch does not tell, the channels stay as they are.
    """
    log = logging.LoggerAdapter(logger, {"account": login})
    backoff = Backoff(rng, first=timing.follow / 4, most=4 * timing.follow)
    reading: dict[str, str] = {}
    said = ""
    while True:
        wait = timing.follow * rng.uniform(0.9, 1.0)
        try:
            now = chosen(await helix.live_followed(user_id), reading)
        except AuthError as error:
            # Without the permission there is nothing to follow; a new login may bring it.
            said = _say_once(log, said, str(error))
        except ColorChangerError as error:
            said, wait = _say_once(log, said, str(error)), backoff.next()
        else:
            backoff.reset()
            said = ""
            if now.keys() != reading.keys():
                reading = now
                want(reading)
        await clock.sleep(wait)


def _say_once(log: logging.LoggerAdapter[logging.Logger], said: str, reason: str) -> str:
    if reason != said:
        log.warning("the followed channels that are live are not known: %s", reason)
    return reason
