"""`colorchanger doctor`: looks at everything that can keep colours from changing, and says in one line each what to do.

It spends nothing and writes nothing: an access token that has ended is left for the bot to renew.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, Literal
from urllib.parse import urlsplit

import aiohttp

from colorchanger_bot import redaction
from colorchanger_bot.auth import scopes
from colorchanger_bot.auth.applications import Applications
from colorchanger_bot.auth.renewal import OTHER_APPLICATION
from colorchanger_bot.auth.scopes import missing_permission
from colorchanger_bot.clock import Clock
from colorchanger_bot.errors import LOG_IN, ColorChangerError, OutcomeUnknown, TwitchUnavailable
from colorchanger_bot.eventsub.channel import ChannelStatus, status_text
from colorchanger_bot.service.standing import Standing, in_words, report_of, standings, switched_off
from colorchanger_bot.settings.load import Settings
from colorchanger_bot.store.file import address_of, file_of
from colorchanger_bot.store.store import Login, Store, exists
from colorchanger_bot.twitch.answers import Answer, by_twitch
from colorchanger_bot.twitch.http import open_session, send
from colorchanger_bot.twitch.oauth import APPLICATION_TOKEN, Owner, Unknown, Validity

SKEW_SECONDS = 60.0
"""A clock that is off by less does no harm: tokens are renewed minutes ahead, and Twitch's Date has whole seconds."""
SCARCE = 0.1
"""Of the rate limit's bucket; below it changes are about to wait."""
CONSOLE = "https://dev.twitch.tv/console"

Level = Literal["fine", "note", "wrong"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    about: str
    level: Level
    text: str
    cure: str = ""

    def line(self) -> str:
        """Return it in words."""
        cure = f"; {self.cure}" if self.cure else ""
        return f"{self.level:<5}  {self.about}: {self.text}{cure}"


def verdict(findings: list[Finding]) -> str:
    """Return what it comes to, in one line."""
    wrong = [each for each in findings if each.level == "wrong"]
    off = [each for each in findings if each.text.startswith("switched off")]
    if wrong:
        return f"{len(wrong)} thing(s) wrong: {', '.join(dict.fromkeys(each.about for each in wrong))}"
    if off:
        return "nothing is wrong: " + ", ".join(f"{each.about} is {each.text}" for each in off)
    return "nothing is wrong"


async def examine(settings: Settings, *, clock: Clock) -> list[Finding]:
    """Look at everything; nothing that is wrong raises."""
    return [finding async for finding in _examine(settings, clock)]


async def _examine(settings: Settings, clock: Clock) -> AsyncIterator[Finding]:
    yield _settings(settings)
    async with open_session() as session:
        async with aclosing(_network(settings, session, clock)) as findings:
            async for finding in findings:
                yield finding
        try:
            if not exists(settings.storage.url):
                yield Finding("store", "wrong", "there is none yet", "log in first: colorchanger login")
                return
            async with Store.open(settings.storage.url, settings.storage.keys) as store:
                yield await _store(settings, store)
                if problem := await store.write_problem():
                    cure = "make room for it, or let this user write it; until then what happens is not kept"
                    yield Finding("store", "wrong", problem, cure)
                now = clock.now().timestamp()
                beat = await store.heartbeat()
                running = report_of(beat, now)
                if running is not None and beat is not None:
                    yield Finding("bot", "fine", f"runs as process {beat.pid}")
                elif beat is not None:
                    text = f"process {beat.pid} gave its last sign of life {in_words(abs(now - beat.at))} ago"
                    yield Finding("bot", "wrong", text, "end it if it still hangs there, then run: colorchanger run")
                else:
                    yield Finding("bot", "wrong", "does not run", "run: colorchanger run")
                async with aclosing(_accounts(settings, store, session, clock, running)) as findings:
                    async for finding in findings:
                        yield finding
        except ColorChangerError as error:  # a damaged store, a wrong key
            yield Finding("store", "wrong", str(error))


def _settings(settings: Settings) -> Finding:
    source = str(settings.source or "no file, only defaults and the environment")
    if not settings.app.client_id and not any(account.client_id for account in settings.accounts):
        cure = f"register an application at {CONSOLE} and put its Client ID into app.client_id"
        return Finding("settings", "note", f"{source}: no app.client_id, so that nobody can log in", cure)
    return Finding("settings", "fine", source)


async def _store(settings: Settings, store: Store) -> Finding:
    path = file_of(address_of(settings.storage.url))
    mode = f", {path.stat().st_mode & 0o777:04o}" if path is not None else ""
    match await store.at_rest():
        case "encrypted" | "empty" if settings.storage.keys:
            return Finding("store", "fine", f"{store.name}, encrypted{mode}")
        case "mixed" | "plain" if settings.storage.keys:
            text = f"{store.name}, not all of it encrypted yet{mode}"
            return Finding("store", "note", text, "run: colorchanger key rotate")
        case _:
            how = "who reads the file has your login; to encrypt it: colorchanger key new"
            return Finding("store", "fine", f"{store.name}, plain{mode}", how)


# Twitch


async def _network(settings: Settings, session: aiohttp.ClientSession, clock: Clock) -> AsyncGenerator[Finding]:
    addresses = {
        settings.twitch.id_url: f"{settings.twitch.id_url}/oauth2/validate",
        settings.twitch.api_url: f"{settings.twitch.api_url}/users",
    }
    skew: Finding | None = None
    for address, url in addresses.items():
        host = urlsplit(address).netloc
        try:
            answer = await send(session, "GET", url)  # without a token: 401 is what a healthy Twitch says
        except (TwitchUnavailable, OutcomeUnknown) as error:
            yield Finding("network", "wrong", f"{host}: {error}", "look at the network, DNS, firewall or proxy")
            continue
        if answer.status >= 500:
            yield Finding("network", "wrong", f"{host} answers {answer.status}", "wait: Twitch is in trouble")
        elif answer.refusal is None:
            yield Finding("network", "wrong", f"{host} answers, but not as Twitch", "look for a proxy or a login page")
        else:
            yield Finding("network", "fine", f"{host} is reachable")
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
    return Finding("clock", "wrong", f"{in_words(abs(ahead))} {way} Twitch's", "set it, and let it be set (NTP)")


# Accounts


async def _accounts(
    settings: Settings,
    store: Store,
    session: aiohttp.ClientSession,
    clock: Clock,
    running: Mapping[str, Mapping[str, Any]] | None,
) -> AsyncGenerator[Finding]:
    logins = {login.login: login for login in await store.logins()}
    applications = Applications.of(settings, session, clock)
    await applications.add_stored(store)
    if not logins:
        yield Finding("accounts", "wrong", "nobody is logged in", LOG_IN)
    for standing in await standings(settings, store, clock.now().timestamp()):
        login = logins[standing.login]
        report = (running or {}).get(login.login)
        off = switched_off(settings, login.login, await store.recall(login.user_id or ""))
        if off:
            what, _, cure = off.partition("; ")
            yield Finding(login.login, "note", what, cure)
        found = await _validated(applications, login)
        for finding in _token(settings, login, found, clock, running=report is not None):
            yield finding
        if isinstance(found, Owner):
            if login.pair.issued_at is None and not applications.is_ours(found.client_id):
                yield Finding(login.login, "wrong", OTHER_APPLICATION, LOG_IN)
            async with aclosing(_helix(settings, session, login, standing)) as findings:
                async for finding in findings:
                    yield finding
        yield Finding(login.login, "fine", f"colours: {standing.colors}")
        for finding in _report(login.login, report or {}, lost=bool(login.lost or missing_permission(login))):
            yield finding


async def _validated(applications: Applications, login: Login) -> Validity:
    """Ask Twitch about the login; one that is lost, or has no token, is not worth the question."""
    for secret in (login.pair.access, login.pair.refresh):
        redaction.keep_secret(secret)
    if login.lost or not login.pair.access:
        return "invalid"
    return await applications(login.client_id).validate(login.pair.access)


def _token(
    settings: Settings,
    login: Login,
    found: Validity,
    clock: Clock,
    *,
    running: bool,
) -> Iterator[Finding]:
    if login.lost:
        yield Finding(login.login, "wrong", login.lost, LOG_IN)
    elif isinstance(found, Owner):
        left = ""
        if found.expires_at is not None:
            left = f", and is renewed within {in_words(found.expires_at - clock.now().timestamp())}"
        yield Finding(login.login, "fine", f"the login works{left}")
        for scope in scopes.missing(found.scopes, sorted(scopes.needed_scopes(settings))):
            level: Level = "wrong" if scope in scopes.VITAL else "note"
            yield Finding(login.login, level, f"the login lacks {scope} ({scopes.purpose(scope)})", LOG_IN)
    elif isinstance(found, Unknown):
        yield Finding(login.login, "note", f"whether the login works is not known: {found.reason}")
    elif found == "application":
        what, _, advice = APPLICATION_TOKEN.partition("; ")
        yield Finding(login.login, "wrong", what, advice)
    elif not login.pair.refresh:
        yield Finding(login.login, "wrong", "the token has ended, and there is none to renew it with", LOG_IN)
    else:
        when = "with its next request" if running else "when it starts"
        yield Finding(login.login, "note", f"the token has ended; the bot renews it {when}")


async def _helix(
    settings: Settings, session: aiohttp.ClientSession, login: Login, standing: Standing
) -> AsyncGenerator[Finding]:
    """Ask for the channels, and see from the answer how much may still be asked."""
    headers = {"Authorization": f"Bearer {login.pair.access}", "Client-Id": login.client_id}
    wanted = list(standing.channels)[:100]
    try:
        answer = by_twitch(
            await send(
                session,
                "GET",
                f"{settings.twitch.api_url}/users",
                headers=headers,
                params=[("login", channel) for channel in wanted],
            )
        )
        rows: list[dict[str, Any]] = answer.json().get("data") or [] if answer.status == 200 else []
    except (TwitchUnavailable, OutcomeUnknown) as error:
        yield Finding(login.login, "wrong", f"the channels cannot be looked up: {error}", "try again in a moment")
        return
    yield _budget(login.login, answer)
    if answer.status != 200:
        yield Finding(login.login, "wrong", f"Twitch answers {answer.status} ({answer.message or 'no reason given'})")
        return
    there = {str(row.get("login", "")).lower() for row in rows}
    for channel in wanted:
        if channel not in there:
            yield Finding(login.login, "wrong", f"there is no channel #{channel}", "correct its name under channels")


def _budget(account: str, answer: Answer) -> Finding:
    try:
        left, limit = (int(answer.headers[f"Ratelimit-{name}"]) for name in ("Remaining", "Limit"))
    except (KeyError, ValueError):
        return Finding(account, "fine", "requests left: Twitch does not say")
    text = f"requests left: {left} of {limit} a minute"
    if left < limit * SCARCE:
        return Finding(account, "wrong", text, "something asks a lot; changes wait until there are more")
    return Finding(account, "fine", text)


def _report(account: str, report: Mapping[str, Any], *, lost: bool) -> Iterator[Finding]:
    """What the running bot says of an account."""
    if report.get("trouble") and not lost:
        yield Finding(account, "wrong", str(report["trouble"]))
    channels: Mapping[str, Mapping[str, Any]] = report.get("channels", {})
    for channel, fields in channels.items():
        status = ChannelStatus(**fields)
        if status.state == "joined":
            yield Finding(account, "fine", f"reads #{channel}")
        elif not lost:
            level: Level = "wrong" if status.state == "parked" else "note"
            yield Finding(account, level, f"#{channel} is not read ({status_text(status)})")
