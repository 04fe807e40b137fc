"""`colorchanger doctor`: checks everything that can keep colours from changing, and says in one line each what to do.

It spends and writes nothing: the bot renews an access token that has expired.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator
from contextlib import aclosing
from dataclasses import replace
from functools import partial

import aiohttp

from colorchanger_bot.auth import scopes
from colorchanger_bot.auth.applications import Applications
from colorchanger_bot.auth.renewal import why_it_ends
from colorchanger_bot.auth.tracked_login import hide
from colorchanger_bot.bot.platform import find
from colorchanger_bot.changer.owner import look_up, problem, recall, rename
from colorchanger_bot.clock import Clock
from colorchanger_bot.errors import LOG_IN, AuthError, ColorChangerError
from colorchanger_bot.service import twitch_check
from colorchanger_bot.service.findings import Finding, Level
from colorchanger_bot.service.login_application import register
from colorchanger_bot.service.members import stored_sums
from colorchanger_bot.service.names import bound, renamed, unmatched
from colorchanger_bot.service.standing import (
    Action,
    ChannelStanding,
    ChannelState,
    Reports,
    Standing,
    own_accounts,
    reports_of_bot,
    work_out,
)
from colorchanger_bot.service.wording import RUN, advice, channel_line, colors_text, members_text
from colorchanger_bot.settings.load import CommunitySettings, Settings
from colorchanger_bot.store.file import address_of, file_of
from colorchanger_bot.store.logins import id_with_name
from colorchanger_bot.store.store import Heartbeat, Login, Store, exists
from colorchanger_bot.twitch.helix import Helix
from colorchanger_bot.twitch.http import open_session
from colorchanger_bot.twitch.oauth import APPLICATION_ONLY, Owner, Unknown, Validity
from colorchanger_bot.words import counted, duration

RECENT_SECONDS = 10.0
"""The running bot reports at least every 5 s; an older report may no longer be true."""


async def examine(settings: Settings, *, clock: Clock, reports: Reports | None = None) -> list[Finding]:
    """Check everything; what is wrong becomes a finding, never an exception.

    Args:
        settings: those in force.
        clock: what time it is here.
        reports: what the running bot knows, where it is this process; else its heartbeat is read.
    """
    return [finding async for finding in _examine(settings, clock, reports)]


async def _examine(settings: Settings, clock: Clock, reports: Reports | None) -> AsyncIterator[Finding]:
    yield _settings(settings)
    for line in settings.obstacles():
        yield Finding("settings", "wrong", line, "", Action.CHANGE_SETTINGS)
    async with open_session() as session:
        async with aclosing(twitch_check.examine(settings, session, clock)) as findings:
            async for finding in findings:
                yield finding
        try:
            if not exists(settings.storage.url):
                yield Finding("store", "wrong", "there is none yet: nobody has logged in", LOG_IN)
                return
            async with Store.open(settings.storage.url, settings.storage.keys) as store:
                yield await _store(settings, store)
                if problem := await store.write_problem():
                    helps = "free some disk space, or give this user write access; until then nothing new is saved"
                    yield Finding("store", "wrong", problem, helps)
                if reports is not None:
                    yield Finding("bot", "fine", "running")
                else:
                    beat, now = await store.heartbeat(), clock.now().timestamp()
                    reports = await reports_of_bot(beat, settings, store, now)
                    yield _bot(beat, now, is_running=reports is not None)
                async with aclosing(_accounts(settings, store, session, clock, reports)) as findings:
                    async for finding in findings:
                        yield finding
                if (finding := await _who_commands(settings, store, session)) is not None:
                    yield finding
        except ColorChangerError as error:  # a damaged store, a wrong key
            yield Finding("store", "wrong", str(error))


def _settings(settings: Settings) -> Finding:
    source = str(settings.source or "no settings file")
    if not settings.app.client_id and not any(account.client_id for account in settings.accounts):
        text = f"{source}: app.client_id is empty, so nobody can log in"
        return Finding("settings", "note", text, register(settings))
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
            how = "anyone who can read this file can act as you; encrypt it with: colorchanger key new"
            return Finding("store", "fine", f"{store.name}, plain{mode}", how)


def _bot(beat: Heartbeat | None, now: float, *, is_running: bool) -> Finding:
    if beat is None:
        return Finding("bot", "wrong", "not running", RUN, Action.RUN)
    age = abs(now - beat.at)
    if not is_running:
        text = f"process {beat.pid} gave its last sign of life {duration(age)} ago"
        return Finding("bot", "wrong", text, f"end it if it still hangs there, then {RUN}", Action.RUN)
    if age > RECENT_SECONDS:
        text = f"running as process {beat.pid}, but what it knows is {duration(age)} old"
        return Finding("bot", "waiting", text, "try again in a moment", Action.WAIT)
    return Finding("bot", "fine", f"running as process {beat.pid}")


# Accounts


async def _accounts(
    settings: Settings, store: Store, session: aiohttp.ClientSession, clock: Clock, reports: Reports | None
) -> AsyncGenerator[Finding]:
    logins = await store.logins()
    applications = Applications.of(settings, session, clock)
    await applications.add_stored(store)
    if not own_accounts(logins):
        yield Finding("accounts", "wrong", "nobody is logged in", LOG_IN, Action.LOG_IN)
    for line in unmatched(settings, logins):
        yield Finding("settings", "wrong", line, "", Action.CHANGE_SETTINGS)
    for line in renamed(settings, logins):
        yield Finding("settings", "note", line)
    settings = bound(settings, logins)
    found: list[Standing] = []
    for login in own_accounts(logins):
        remembered = await store.recall(login.user_id or "")
        standing = work_out(login, settings, remembered, reports, clock.now().timestamp())
        if standing.state == "off":
            helps = advice(standing.action, settings.commands)
            yield Finding(login.login, "note", standing.reason, helps, standing.action)
        owner = await _owner(applications, login)
        ends = _why_it_ends(applications, login, owner)
        now = clock.now().timestamp()
        runs, is_read = reports is not None, standing.is_read
        for finding in _login(settings, login, owner, now, ends=ends, running=runs, is_read=is_read):
            yield finding
        if isinstance(owner, Owner):
            advise = {channel.login: _rename(settings, login.login, channel.login) for channel in standing.channels}
            ids = (await store.recall(owner.user_id)).channel_ids
            ids |= dict.fromkeys((login.login, *login.earlier), owner.user_id)
            async with aclosing(twitch_check.channels(settings, session, login, advise, ids)) as findings:
                async for finding in findings:
                    yield finding
        found.append(standing)
        doing = _doing(standing) if reports is not None and not standing.needs_login else ()
        for finding in (*_colors(standing), *doing):
            yield finding
    working = [each for each in found if not each.needs_login] if reports is not None else []
    for finding in _channels(working):
        yield finding
    joined = {channel.login for each in found for channel in each.channels if channel.state == "joined"}
    is_read = settings.community.channel in joined
    for finding in _members(logins, settings.community, is_running=reports is not None, is_read=is_read):
        yield finding


def _members(
    logins: Iterable[Login], settings: CommunitySettings, *, is_running: bool, is_read: bool
) -> Iterator[Finding]:
    """What there is to say of the community: sums, however many members there are."""
    sums = stored_sums(logins, settings, is_read=is_read)
    if settings.enabled or sums:
        yield Finding("community", "fine", members_text(sums))
    if settings.enabled and is_running and not is_read:
        helps = f"log in as {settings.channel}, or add {settings.channel} to the channels of another account"
        yield Finding("community", "wrong", f"nobody reads #{settings.channel} now", helps, Action.FIX_CHANNELS)
    if lost := sums.get("needs login", 0):
        text = f"{counted(lost, 'member')} ended the login at Twitch, and must join again to get colours"
        yield Finding("community", "note", text, "nothing to do, they are forgotten after 30 days")


async def _who_commands(settings: Settings, store: Store, session: aiohttp.ClientSession) -> Finding | None:
    """Look up who may use the commands as owner, with the first token that Twitch accepts."""
    name, logins = settings.commands.owner, await store.logins()
    before = await recall(store, name)
    known = (before.id if before else "") or id_with_name(logins, name)
    asking = [login for login in logins if login.pair.access and not login.lost]
    for login in asking if settings.commands.obeys_owner else ():
        helix = Helix(session, client_id=login.client_id, handle=login.pair.access, api_url=settings.twitch.api_url)
        try:
            person = await look_up(partial(find, helix), name, known)
        except AuthError:
            continue  # said of this login already
        except ColorChangerError as error:
            return Finding("settings", "waiting", f"the owner {name} cannot be looked up: {error}", "", Action.WAIT)
        if line := problem(settings, person, [login.login for login in logins]):
            return Finding("settings", "wrong", line, "", Action.CHANGE_SETTINGS)
        line = rename(settings, person)
        return Finding("settings", "note", line) if line else None
    return None


async def _owner(applications: Applications, login: Login) -> Validity:
    """Ask Twitch about the login, unless it is lost or has no token."""
    hide(login.pair)
    if login.lost or not login.pair.access:
        return "invalid"
    return await applications(login.client_id).validate(login.pair.access)


def _why_it_ends(applications: Applications, login: Login, owner: Validity) -> str:
    """Return why a login that works is only used until its end; empty if it is renewed."""
    if not isinstance(owner, Owner):
        return ""
    told = replace(login, user_id=owner.user_id, pair=replace(login.pair, expires_at=owner.expires_at))
    return why_it_ends(told, is_ours=applications.is_ours(owner.client_id))


def _login(
    settings: Settings, login: Login, owner: Validity, now: float, *, ends: str, running: bool, is_read: bool
) -> Iterator[Finding]:
    if login.lost:
        yield Finding(login.login, "wrong", login.lost, LOG_IN, Action.LOG_IN)
    elif isinstance(owner, Owner):
        yield from _working(settings, login, owner, now, ends, is_read=is_read)
    elif isinstance(owner, Unknown):
        text = f"whether the login works is not known: {owner.reason}"
        yield Finding(login.login, "waiting", text, "", Action.WAIT)
    elif owner == "application":
        yield Finding(login.login, "wrong", APPLICATION_ONLY, LOG_IN, Action.LOG_IN)
    elif not login.pair.refresh:
        text = "the token has expired, and there is none to renew it with"
        yield Finding(login.login, "wrong", text, LOG_IN, Action.LOG_IN)
    else:
        when = "with its next request" if running else "when it starts"
        yield Finding(login.login, "note", f"the token has expired; the bot renews it {when}")


def _working(
    settings: Settings, login: Login, owner: Owner, now: float, ends: str, *, is_read: bool
) -> Iterator[Finding]:
    what = "ends in" if ends else "is renewed within"
    left = "" if owner.expires_at is None else f", and {what} {duration(owner.expires_at - now)}"
    yield Finding(login.login, "fine", f"the login works{left}")
    if ends:
        yield Finding(login.login, "wrong", ends, LOG_IN, Action.LOG_IN)
    for scope in scopes.missing(owner.scopes, sorted(scopes.needed_scopes(settings))):
        level: Level = "wrong" if scope in scopes.vital(login, is_read=is_read) else "note"
        yield Finding(login.login, level, scopes.lacks(owner.scopes, [scope]), LOG_IN, Action.LOG_IN)


def _rename(settings: Settings, account: str, channel: str) -> str:
    """What to do about a channel that does not exist, which depends on where it was set."""
    listed = settings.account(account)
    if listed is not None and channel in listed.channels:
        return "correct its name under channels"
    return f"type in chat: {settings.commands.prefix}{settings.commands.name} leave {channel}"


def _colors(standing: Standing) -> Iterator[Finding]:
    yield Finding(standing.login, "fine", f"colours: {colors_text(standing.names_only)}")
    if standing.held and standing.enabled:
        yield Finding(standing.login, "fine", f"held at {standing.held}")


def _doing(standing: Standing) -> Iterator[Finding]:
    """What the running bot says of an account."""
    account = standing.login
    if standing.state in ("waiting", "starting"):
        text = f"waiting: {standing.reason}" if standing.state == "waiting" else "starting"
        yield Finding(account, "waiting", text, "nothing to do, it recovers by itself", Action.WAIT)
    elif standing.color_problem and standing.enabled:
        yield Finding(account, "wrong", standing.color_problem, "", standing.action)
    if standing.replies_left_out:
        text = f"replies left out to stay below Twitch's limit for chat messages: {standing.replies_left_out}"
        yield Finding(account, "note", text)


def _channels(standings: Iterable[Standing]) -> Iterator[Finding]:
    """What the running bot says of the channels: a line for each state of one, however many accounts want it."""
    wanted: dict[tuple[str, ChannelState], list[tuple[str, ChannelStanding]]] = {}
    for standing in standings:
        for channel in standing.channels:
            wanted.setdefault((channel.login, channel.state), []).append((standing.login, channel))
    for (login, state), found in wanted.items():
        account, channel = found[0]
        who = account if len(found) == 1 else f"#{login}"
        for_all = "" if len(found) == 1 else f", for {len(found)} accounts"
        match state:
            case "joined":
                yield Finding(who, "fine", f"reads #{login}" if len(found) == 1 else f"is read{for_all}")
            case "parked":
                yield Finding(who, "wrong", f"{channel_line(channel)}{for_all}", "", Action.FIX_CHANNELS)
            case "joining" | "unknown":
                yield Finding(who, "waiting", f"{channel_line(channel)} (not read yet){for_all}", "", Action.WAIT)


def verdict(findings: Iterable[Finding]) -> str:
    """Return the result in one line."""
    wrong, waiting = ([each for each in findings if each.level == level] for level in ("wrong", "waiting"))
    off = [each for each in findings if each.action in (Action.TURN_ON, Action.CHANGE_SETTINGS)]
    if wrong:
        return f"{counted(len(wrong), 'thing')} wrong: {_subjects(wrong)}"
    if waiting:
        return f"not settled yet, check again in a moment: {_subjects(waiting)}"
    if off:
        return "nothing is wrong: " + ", ".join(f"{each.about} is {each.text}" for each in off)
    return "nothing is wrong"


def _subjects(findings: Iterable[Finding]) -> str:
    return ", ".join(dict.fromkeys(each.about for each in findings))
