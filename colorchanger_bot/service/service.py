"""The running process: the store, the keeper, one bot per Twitch application, and a heartbeat.

Everything waits for Twitch, never the other way round: without a network it starts all the same and goes on trying,
and an account that cannot go on does not stop the others.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, Self

import twitchio

from colorchanger_bot.auth.applications import Applications
from colorchanger_bot.auth.guard import Budgets, TokenGuard, handle
from colorchanger_bot.auth.keeper import LoginEvent, TokenKeeper
from colorchanger_bot.auth.scopes import missing_permission
from colorchanger_bot.auth.watch import Watch
from colorchanger_bot.bot.bot import ColorChangerBot
from colorchanger_bot.changer.changer import Changer
from colorchanger_bot.clock import Backoff, Clock, Notifier, SystemClock, Tasks, cancel
from colorchanger_bot.errors import AuthError, ColorChangerError, NeedsLogin, StoreError
from colorchanger_bot.eventsub.timing import Timing
from colorchanger_bot.service.memwatch import MemoryWatch
from colorchanger_bot.settings.load import Account, Settings
from colorchanger_bot.store.store import Login, Store, TokenPair
from colorchanger_bot.twitch.helix import HelixColors
from colorchanger_bot.twitch.http import open_session, open_socket_session

logger = logging.getLogger(__name__)

BEAT_SECONDS = 5.0
RETRY_BEAT_SECONDS = 0.7
"""While the store is in trouble: all is well again within a second after the cause is gone."""
STOP_SECONDS = 3.5
"""A stop takes at most so long: whoever sent the signal waits 5 s, then kills."""
FIRST_WAIT_SECONDS, MOST_WAIT_SECONDS = 1.0, 30.0


class Service:
    """All accounts of one store, running."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        *,
        clock: Clock | None = None,
        seed: int | None = None,
        timing: Timing | None = None,
        needs_account: bool = True,
    ) -> None:
        self.settings = settings
        self.store = store
        self.bots: dict[str, ColorChangerBot] = {}
        self.budgets = Budgets()
        self._needs_account = needs_account
        self._clock = clock or SystemClock()
        self.memory = MemoryWatch(self._clock)
        self._rng = random.Random(seed)
        self._timing = timing or Timing()
        self._tasks = Tasks(logger)
        self._bad_news = Notifier()
        self._starts: dict[str, asyncio.Task[Any]] = {}
        self._imported: dict[int, Account] = {}
        """The accounts that came with a token, by the number of the login it is stored as."""
        self._colors = HelixColors()
        self.changer = Changer(self._colors, memory=store, clock=self._clock, rng=self._rng)
        self._plain = open_session()
        self.oauth = Applications.of(settings, self._plain, self._clock)
        """The applications, and their calls by client id."""
        self.keeper = TokenKeeper(store, self.oauth, clock=self._clock, rng=self._rng, is_ours=self.oauth.is_ours)
        self._session = open_session([TokenGuard(self.keeper, self._clock, self.budgets)])
        self._sockets = open_socket_session()
        self.keeper.on_event(self._on_login)
        store.on_trouble(self._on_store_trouble)

    @classmethod
    @asynccontextmanager
    async def running(cls, settings: Settings, store: Store, **options: Any) -> AsyncGenerator[Self]:
        """Start everything, and on the way out stop it cleanly.

        Raises:
            NeedsLogin: no account is logged in, and with `needs_account` there has to be one.
            StoreError: the store cannot be read.
        """
        service = cls(settings, store, **options)
        try:
            await service._start()
            yield service
        finally:
            await service._stop()

    def report(self) -> dict[str, Any]:
        """Return how all accounts stand, without secrets: for `health`, `accounts` and the log."""
        return {"accounts": [self._account(login.id) for login in self.keeper]}

    def plan(self) -> str:
        """Return in words what is about to happen, for the first lines of a run."""
        lines = [f"{len(list(self.keeper))} account(s), store {self.store.name}"]
        for login in self.keeper:
            color = self.settings.color_for(login.login)
            channels = ", ".join(f"#{channel}" for channel in self._channels(login))
            how = f"{color.strategy}, {color.delay[0]:g} to {color.delay[1]:g} s after a message in {channels}"
            lines.append(f"  {login.login}: {self.keeper.trouble(login.id) or (how if color.enabled else 'off')}")
        return "\n".join(lines)

    def summary(self) -> str:
        """Return in words what was done, for the last lines of a run."""
        done = [
            f"  {each.login}: {each.messages} message(s) seen, {each.changes} colour(s) changed"
            for each in self.changer
        ]
        return "\n".join(["done", *done])

    def _account(self, id_: int) -> dict[str, Any]:
        login = self.keeper[id_]
        bot = self.bots.get(login.client_id)
        session = bot.sessions.get(id_) if bot is not None else None
        painter = self.changer.get(login.user_id or "")
        trouble = (
            self.keeper.trouble(id_) or (session.trouble if session else "") or (painter.trouble if painter else "")
        )
        return {
            "login": login.login,
            "state": _state(login, joined=session is not None and session.joined > 0),
            "trouble": trouble,
            "channels": {each.login: each.status._asdict() for each in (session.channels if session else ())},
            "messages": painter.messages if painter else 0,
            "changes": painter.changes if painter else 0,
            "color": str(painter.current) if painter and painter.current else None,
            "enabled": painter.settings.enabled if painter else None,
            "names_only": painter.hex_refused if painter else None,
        }

    def _channels(self, login: Login) -> tuple[str, ...]:
        """The channels that an account reads: those listed for it, else those it was imported with, else its own."""
        listed = self.settings.account(login.login)
        return (listed.channels if listed is not None else ()) or login.channels or (login.login,)

    def _follows(self, login: str) -> bool:
        listed = self.settings.account(login)
        return listed is not None and listed.follow_live

    # Starting

    async def _start(self) -> None:
        _point_twitchio_at(self.settings)
        self._imported = await import_environment(self.settings, self.store)
        await self.oauth.add_stored(self.store)
        await self.keeper.load()
        if self._needs_account and not list(self.keeper):
            raise NeedsLogin("no account is logged in yet; run: colorchanger login")
        self._tasks.start(Watch(self.keeper, clock=self._clock, rng=self._rng).run(), "token watch")
        self._tasks.start(self._beat(), "heartbeat")
        self._tasks.start(self.memory.run(), "memory watch")

    def _on_login(self, event: LoginEvent) -> None:
        if event.state == "lost":
            self._bad_news.notify()  # whoever asks for the health now shall know
        self._tasks.start(self._follow(event), f"{event.state} login of {event.login.login}")

    @staticmethod
    def _on_store_trouble(trouble: str) -> None:
        if trouble:
            logger.error("%s; colours go on, no token is spent; trying again until it works", trouble)
        else:
            logger.info("the store works again")

    async def _follow(self, event: LoginEvent) -> None:
        if event.state == "found":
            await self._bring_up(event.login.id)
        login = event.login
        for client_id, bot in self.bots.items():
            if client_id != login.client_id and login.id in bot.sessions:  # made anew with another application
                await bot.drop(login.id)
            elif client_id == login.client_id:
                await bot.on_login(event)
        if login.id not in self.keeper and login.user_id is not None:
            await self.changer.forget(login.user_id)

    async def _bring_up(self, id_: int) -> None:
        """Get an account going: find out whose token it is, then hand it to the bot of its application."""
        if id_ not in self.keeper:
            return
        login = self.keeper[id_]
        backoff = Backoff(self._rng, first=FIRST_WAIT_SECONDS, most=MOST_WAIT_SECONDS)
        while login.user_id is None and not login.lost:
            try:
                await self.keeper.identify(id_)
            except AuthError as error:
                if not error.retry:
                    return  # the keeper has said why, and tells when it is found again
                await self._clock.sleep(backoff.next())
            except ColorChangerError as error:
                if backoff.attempts == 0:
                    logger.warning("%s waits: %s", login.login, error)
                await self._clock.sleep(backoff.next())
            if id_ not in self.keeper:
                return
            login = self.keeper[id_]
        if (account := self._imported.get(id_)) is not None:
            # Only now is the real name known; the settings that came with the token are for that account.
            self.settings = self.settings.with_login(account, login.login)
        while login.id in self.keeper:
            try:
                bot = await self._bot(login.client_id, id_)
                await bot.manage(
                    self.keeper[id_],
                    self._channels(login),
                    self.settings.color_for(login.login),
                    follow=self._follows(login.login),
                )
            except ColorChangerError as error:
                logger.error("%s waits: %s", login.login, error)
                await self._clock.sleep(backoff.next())
            else:
                return

    async def _bot(self, client_id: str, id_: int) -> ColorChangerBot:
        bot = self.bots.get(client_id)
        if bot is None:
            bot = self.bots[client_id] = ColorChangerBot(
                client_id,
                self.settings,
                session=self._session,
                sockets=self._sockets,
                keeper=self.keeper,
                colors=self._colors,
                changer=self.changer,
                clock=self._clock,
                rng=self._rng,
                timing=self._timing,
            )
            start = bot.start(token=handle(id_), with_adapter=False, load_tokens=False, save_tokens=False)
            self._starts[client_id] = self._tasks.start(start, f"bot of {client_id}")
        ready = asyncio.create_task(bot.wait_until_ready(), name=f"bot of {client_id} is ready")
        try:
            await asyncio.wait({ready, self._starts[client_id]}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ready.cancel()
        if self._starts[client_id].done():
            raise ColorChangerError(f"the bot of the application {client_id} could not start: see the log")
        return bot

    # Running

    async def _beat(self) -> None:
        while True:
            news = self._bad_news.next
            with contextlib.suppress(StoreError):  # said by _on_store_trouble, once
                await self.store.beat(self._clock.now().timestamp(), self.report())
            await news.wait_at_most(self._clock, RETRY_BEAT_SECONDS if self.store.trouble else BEAT_SECONDS)

    # Stopping

    async def _stop(self) -> None:
        # First what would still start chat sessions; the bots last, for TwitchIO closes our session with them.
        await cancel(set(self._tasks) - set(self._starts.values()))
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await asyncio.gather(*(bot.stop_sessions() for bot in self.bots.values()))
                await asyncio.gather(self.changer.close(), self.keeper.close())
        except TimeoutError:
            logger.warning("the stop was cut short after %g s", STOP_SECONDS)
        for bot in self.bots.values():
            await bot.close()
        await self._tasks.cancel()
        for session in (self._session, self._sockets, self._plain):
            await session.close()
        with contextlib.suppress(StoreError):  # said by _on_store_trouble
            await self.store.stop_beating()


async def import_environment(settings: Settings, store: Store) -> dict[int, Account]:
    """Take over the tokens that the environment brings, each pair once; return the accounts by number of the login.

    Raises:
        StoreError: they could not be stored.
    """
    given = [account for account in settings.accounts if account.access_token or account.refresh_token]
    if not given:
        return {}
    pairs = [TokenPair(account.access_token.reveal(), account.refresh_token.reveal()) for account in given]
    names = [(account.login, settings.app_for(account).client_id) for account in given]
    logins = await store.import_logins([(*name, pair) for name, pair in zip(names, pairs, strict=True)])
    imported: dict[int, Account] = {}
    for account, login in zip(given, logins, strict=True):
        if login is None:
            logger.warning("%s was logged out; its tokens in the environment are not taken again", account.login)
        else:
            imported[login.id] = account
    return imported


def _state(login: Login, *, joined: bool) -> str:
    if login.lost or missing_permission(login):
        return "needs login"
    return "running" if joined else "starting"


def _point_twitchio_at(settings: Settings) -> None:
    """Let the calls of TwitchIO go where ours go: these two class attributes are where it names Twitch's hosts."""
    route: Any = twitchio.http.Route
    route.BASE = settings.twitch.api_url.rstrip("/") + "/"
    route.ID_BASE = settings.twitch.id_url.rstrip("/") + "/"
