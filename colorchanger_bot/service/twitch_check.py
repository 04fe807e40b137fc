"""What the doctor checks at Twitch: the network, the clock, the rate limit, the channels."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from colorchanger_bot.clock import Clock
from colorchanger_bot.errors import OutcomeUnknown, TwitchUnavailable
from colorchanger_bot.service.findings import Finding
from colorchanger_bot.service.standing import Action
from colorchanger_bot.settings.load import Settings
from colorchanger_bot.store.store import Login
from colorchanger_bot.twitch.answers import Answer, by_twitch
from colorchanger_bot.twitch.http import send
from colorchanger_bot.words import duration

SKEW_SECONDS = 60.0
"""A smaller error does no harm: tokens are renewed minutes ahead, and Twitch's Date has whole seconds."""
SCARCE = 0.1
"""Share of the rate limit; below it, changes may soon have to wait."""
MOST_CHANNELS = 100
"""Looked up at once (Helix, "Get Users")."""


async def examine(settings: Settings, session: aiohttp.ClientSession, clock: Clock) -> AsyncGenerator[Finding]:
    """Check whether Twitch can be reached, and whether the clock here is right."""
    addresses = {
        settings.twitch.id_url: f"{settings.twitch.id_url}/oauth2/validate",
        settings.twitch.api_url: f"{settings.twitch.api_url}/users",
    }
    reachable: set[str] = set()
    skew: Finding | None = None
    for address, url in addresses.items():
        host = urlsplit(address).netloc
        try:
            answer = await send(session, "GET", url)  # without a token: 401 is what a healthy Twitch says
        except (TwitchUnavailable, OutcomeUnknown) as error:
            yield Finding("network", "wrong", f"{host}: {error}", "check the network, firewall or proxy")
            continue
        if answer.status >= 500:
            yield Finding("network", "wrong", f"{host} answers {answer.status}", "wait: Twitch is in trouble")
        elif answer.refusal is None:
            yield Finding("network", "wrong", f"{host} answers, but not as Twitch", "look for a proxy or a login page")
        else:
            if host not in reachable:  # both addresses of a local Twitch have the same host
                yield Finding("network", "fine", f"{host} is reachable")
            reachable.add(host)
            skew = skew or _skew(answer, clock)
    if skew is not None:
        yield skew


def _skew(answer: Answer, clock: Clock) -> Finding | None:
    try:
        there = parsedate_to_datetime(answer.headers.get("Date", "")).timestamp()
    except (TypeError, ValueError):
        return None
    ahead = clock.now().timestamp() - there
    if abs(ahead) <= SKEW_SECONDS:
        return Finding("clock", "fine", "right")
    way = "ahead of" if ahead > 0 else "behind"
    helps = "set it, and let the system keep it right (NTP)"
    return Finding("clock", "wrong", f"{duration(abs(ahead))} {way} Twitch's", helps)


async def channels(
    settings: Settings,
    session: aiohttp.ClientSession,
    login: Login,
    wanted: Mapping[str, str],
    ids: Mapping[str, str],
) -> AsyncGenerator[Finding]:
    """Look the channels up, by their ids where those are known, and see from the answer how many requests are left.

    `wanted` has for each channel what to do if it does not exist.
    """
    asked = [*wanted][:MOST_CHANNELS]
    headers = {"Authorization": f"Bearer {login.pair.access}", "Client-Id": login.client_id}
    try:
        answer = by_twitch(
            await send(
                session,
                "GET",
                f"{settings.twitch.api_url}/users",
                headers=headers,
                params=[("id", ids[channel]) if channel in ids else ("login", channel) for channel in asked],
            )
        )
        rows: list[dict[str, Any]] = answer.json().get("data") or [] if answer.status == 200 else []
    except (TwitchUnavailable, OutcomeUnknown) as error:
        yield Finding(login.login, "wrong", f"the channels cannot be looked up: {error}", "try again in a moment")
        return
    yield _requests_left(login.login, answer)
    if answer.status != 200:
        text = f"Twitch answers {answer.status} ({answer.message or 'no reason given'})"
        yield Finding(login.login, "wrong", text)
        return
    names = {str(row.get("id", "")): str(row.get("login", "")).lower() for row in rows}
    there = {*names.values()}
    for channel in asked:
        name = names.get(ids.get(channel, ""), channel if channel in there else "")
        if name and name != channel and channel != ids.get(channel):  # else it is listed by its id
            yield Finding(
                login.login, "note", f"#{channel} is called #{name} now", "change its name where it is listed"
            )
        elif not name:
            text = f"there is no channel #{channel}"
            yield Finding(login.login, "wrong", text, wanted[channel], Action.FIX_CHANNELS)


def _requests_left(account: str, answer: Answer) -> Finding:
    try:
        left, limit = (int(answer.headers[f"Ratelimit-{name}"]) for name in ("Remaining", "Limit"))
    except (KeyError, ValueError):
        return Finding(account, "fine", "requests left: Twitch does not say")
    text = f"requests left: {left} of {limit} a minute"
    if left < limit * SCARCE:
        return Finding(account, "wrong", text, "something sends many requests; changes wait until more are allowed")
    return Finding(account, "fine", text)
