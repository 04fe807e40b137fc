"""The accounts as a person sees them: how each stands, by what the running bot says, and how one is logged out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import aiohttp

from colorchanger_bot import redaction
from colorchanger_bot.auth import scopes
from colorchanger_bot.auth.applications import calls_of
from colorchanger_bot.auth.scopes import missing_permission
from colorchanger_bot.changer.memory import Remembered
from colorchanger_bot.clock import Clock
from colorchanger_bot.color import Color
from colorchanger_bot.errors import LOG_IN, ColorChangerError, ConfigError, StoreLocked, UnknownColor
from colorchanger_bot.eventsub.channel import ChannelStatus, status_text
from colorchanger_bot.settings.load import Settings
from colorchanger_bot.store.store import Heartbeat, Login, Store, locked
from colorchanger_bot.twitch.helix import Helix
from colorchanger_bot.twitch.oauth import OAuth, Owner

NOTICE_SECONDS = 15.0
"""A running bot looks at the store every 5 s and beats every 5 s: after so long it has noticed, or hangs."""
CONNECTIONS_PAGE = "https://www.twitch.tv/settings/connections"


@dataclass(frozen=True, slots=True)
class Standing:
    """How one account stands; no secrets."""

    login: str
    user_id: str | None
    state: str
    """In words, with the cure if one is needed."""
    needs_login: bool
    channels: dict[str, str]
    """Each with how it stands; empty when no bot runs."""
    token_age: float | None
    """Seconds since Twitch issued the token; None: it came from elsewhere."""
    expires_in: float | None
    """Seconds; None: not known."""
    scopes: list[str]
    lacks: list[str]
    colors: str
    """What Twitch takes of it, as far as known: any colour (Turbo or Prime), or names only."""
    enabled: bool
    color: str | None

    def to_json(self) -> dict[str, Any]:
        """Return a dict of JSON values."""
        return asdict(self)


async def standings(settings: Settings, store: Store, now: float) -> list[Standing]:
    """Return how all accounts stand at `now` unix seconds.

    Raises:
        StoreError: the store cannot be read.
    """
    beat = await store.heartbeat()
    running = report_of(beat, now)
    return [await _standing(settings, store, login, running, now) for login in await store.logins()]


def report_of(beat: Heartbeat | None, now: float) -> dict[str, dict[str, Any]] | None:
    """Return what a running bot says of its accounts, by login; None if none runs."""
    if beat is None or not beat.is_alive(now):
        return None
    return {each["login"]: each for each in beat.status.get("accounts", ())}


async def _standing(
    settings: Settings, store: Store, login: Login, running: dict[str, dict[str, Any]] | None, now: float
) -> Standing:
    remembered = await store.recall(login.user_id or "")
    report = (running or {}).get(login.login, {})
    listed = settings.account(login.login)
    wanted = (listed.channels if listed else ()) or login.channels or (login.login,)
    pair = login.pair
    return Standing(
        login=login.login,
        user_id=login.user_id,
        state=_state(settings, login, remembered, report if running is not None else None),
        needs_login=bool(login.lost or missing_permission(login)),
        channels={
            **dict.fromkeys(wanted, ""),
            **{name: status_text(ChannelStatus(**status)) for name, status in report.get("channels", {}).items()},
        },
        token_age=None if pair.issued_at is None else max(0.0, now - pair.issued_at),
        expires_in=None if pair.expires_at is None else pair.expires_at - now,
        scopes=sorted(pair.scopes),
        lacks=scopes.missing(pair.scopes),
        colors=_colors(remembered, now),
        enabled=not switched_off(settings, login.login, remembered),
        color=report.get("color") or (remembered.history[0] if remembered.history else None),
    )


def _state(settings: Settings, login: Login, remembered: Remembered, report: dict[str, Any] | None) -> str:
    if login.lost:
        return f"needs login: {login.lost}; {LOG_IN}"
    if missing_permission(login):
        return f"needs login: {missing_permission(login)}"
    off = switched_off(settings, login.login, remembered)
    if report is None:
        return "logged in, but the bot does not run; run: colorchanger run" if not off else f"{off}; not running"
    if not report:
        return "logged in; the running bot takes it over in a moment"
    trouble = f": {report['trouble']}" if report.get("trouble") else ""
    return off or f"{report.get('state', 'running')}{trouble}"


def switched_off(settings: Settings, login: str, remembered: Remembered) -> str:
    """Return by what the colours of an account are switched off, with the cure; empty if they are not."""
    enabled = remembered.overrides.get("enabled")
    command = f"{settings.commands.prefix}{settings.commands.name}"
    if enabled is False:
        return f"switched off by {command} off; type in chat: {command} on"
    if enabled is None and not settings.color_for(login).enabled:
        return "switched off by color.enabled = false in the settings"
    return ""


def _colors(remembered: Remembered, now: float) -> str:
    if remembered.no_hex_until is not None and now < remembered.no_hex_until:
        return "names only (neither Turbo nor Prime, it seems)"
    try:
        shown = [Color.parse(text) for text in remembered.history]
    except UnknownColor:
        return "not known yet"
    return "any (Turbo or Prime)" if any(not color.is_named for color in shown) else "not known yet"


def lines(standing: Standing) -> list[str]:
    """Return an account in words."""
    channels = ", ".join(f"#{name}{f' {story}' if story else ''}" for name, story in standing.channels.items())
    age = "of unknown age" if standing.token_age is None else f"{in_words(standing.token_age)} old"
    left = standing.expires_in
    end = "" if left is None else f", ends in {in_words(left)}" if left > 0 else ", has ended"
    may = ", ".join(standing.scopes) or "not known yet"
    return [
        f"{standing.login}: {standing.state}",
        f"  channels  {channels}",
        f"  token     {age}{end} (it is renewed by itself)",
        f"  may       {may}",
        f"  colours   {standing.colors}",
    ]


def in_words(seconds: float) -> str:
    """Return a time as people say it: 40 s, 12 min, 3 h, 5 d."""
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


# Logging out


async def log_out(settings: Settings, store: Store, name: str, *, clock: Clock, say: Callable[[str], None]) -> bool:
    """Log an account out: put its colour back, forget it, end its tokens; say whether Twitch confirmed the end.

    Raises:
        ConfigError: there is no such account.
        StoreError: the store cannot be written.
    """
    known = await store.logins()
    login = next((each for each in known if each.login == name.lower()), None)
    if login is None:
        others = ", ".join(each.login for each in known) or "none at all"
        raise ConfigError([f"no account {name} is logged in; there is: {others}"])
    for secret in (login.pair.access, login.pair.refresh):
        redaction.keep_secret(secret)
    remembered = await store.recall(login.user_id or "")
    async with calls_of(settings, store, login.client_id, clock) as (session, oauth):
        token = await _farewell(settings, store, login, oauth, clock, say)
        if remembered.original and login.user_id:
            await _restore(settings, session, login, token, remembered.original, say)
        if await oauth.revoke(token):
            say(f"{login.login} is logged out")
            return True
    say(f"{login.login} is forgotten here, but Twitch could not be told: remove it at {CONNECTIONS_PAGE}")
    return False


async def _farewell(
    settings: Settings, store: Store, login: Login, oauth: OAuth, clock: Clock, say: Callable[[str], None]
) -> str:
    """Forget the account, so that nobody else uses its tokens; return an access token that works, if there is one."""
    try:
        with locked(settings.storage.url):
            await store.forget_login(login.id)
            return await _working(oauth, login)
    except StoreLocked:
        await store.forget_login(login.id)
        say("telling the running bot ...")
        waited_until = clock.monotonic() + NOTICE_SECONDS
        while clock.monotonic() < waited_until:
            running = report_of(await store.heartbeat(), clock.now().timestamp())
            if running is None or login.login not in running:
                break
            await clock.sleep(0.5)
        return login.pair.access


async def _working(oauth: OAuth, login: Login) -> str:
    """The access token, renewed if it has ended: nobody else runs, and the login ends here anyway."""
    pair = login.pair
    if login.lost or login.doubt or not pair.refresh or isinstance(await oauth.validate(pair.access), Owner):
        return pair.access
    try:
        renewed = await oauth.refresh(pair.refresh)
    except ColorChangerError:
        return pair.access
    redaction.keep_secret(renewed.access)
    return renewed.access


async def _restore(
    settings: Settings,
    session: aiohttp.ClientSession,
    login: Login,
    token: str,
    original: str,
    say: Callable[[str], None],
) -> None:
    helix = Helix(session, client_id=login.client_id, handle=token, api_url=settings.twitch.api_url)
    try:
        color = Color.parse(original)
        await helix.put_color(login.user_id or "", color)
    except (ColorChangerError, UnknownColor) as error:
        say(f"the colour could not be put back: {error}")
    else:
        say(f"the colour is {color} again")
