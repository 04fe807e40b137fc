"""The running process: the store, the keeper, one bot per Twitch application, and a heartbeat.

It also starts without a network and keeps trying; an account in trouble does not stop the others.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import AsyncGenerator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from typing import Any, Self

from colorchanger_bot.auth.applications import Applications
from colorchanger_bot.auth.guard import Budgets, TokenGuard
from colorchanger_bot.auth.keeper import LoginEvent, TokenKeeper
from colorchanger_bot.auth.watch import Watch
from colorchanger_bot.bot.bot import ColorChangerBot
from colorchanger_bot.changer.changer import Changer
from colorchanger_bot.changer.memory import Remembered
from colorchanger_bot.clock import Backoff, Clock, SystemClock, Tasks
from colorchanger_bot.errors import AuthError, ColorChangerError, ConfigError, NeedsLogin, StoreError
from colorchanger_bot.eventsub.timing import Timing
from colorchanger_bot.service.bots import Bots, point_twitchio_at
from colorchanger_bot.service.community import Community
from colorchanger_bot.service.heartbeat import HeartbeatWriter
from colorchanger_bot.service.importer import import_environment
from colorchanger_bot.service.live_settings import LiveSettings
from colorchanger_bot.service.memory_growth import MemoryGrowth
from colorchanger_bot.service.names import renamed
from colorchanger_bot.service.reports import Reporter
from colorchanger_bot.service.settings_file import SettingsFile
from colorchanger_bot.service.standing import Report, Standing, own_accounts, standings, wanted_channels, work_out
from colorchanger_bot.settings.load import Account, Settings
from colorchanger_bot.store.store import Login, Store
from colorchanger_bot.twitch.helix import HelixColors
from colorchanger_bot.twitch.http import open_session, open_socket_session

logger = logging.getLogger(__name__)

STOP_SECONDS = 3.5
"""The limit of a stop: whatever sent the signal kills the process after 5 s."""
FIRST_WAIT_SECONDS, MOST_WAIT_SECONDS = 1.0, 30.0
NOTHING_REMEMBERED = Remembered()


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
        self.store = store
        self.live_settings = LiveSettings(settings, store)
        self.file: SettingsFile | None = None
        """The settings file, if it is watched."""
        self._settings_listeners: list[Callable[[Settings], None]] = []
        self.budgets = Budgets()
        self._needs_account = needs_account
        self._clock = clock or SystemClock()
        self._rng = random.Random(seed)
        self._timing = timing or Timing()
        self._tasks = Tasks(logger)
        self._imported: dict[int, Account] = {}
        """The accounts that came with a token whose name is not known yet, by the number of its login."""
        self._colors = HelixColors()
        self.changer = Changer(self._colors, memory=store, clock=self._clock, rng=self._rng)
        self._plain = open_session()
        self.oauth = Applications.of(settings, self._plain, self._clock)
        """Returns the OAuth calls of an application by its client id."""
        self.keeper = TokenKeeper(store, self.oauth, clock=self._clock, rng=self._rng, is_ours=self.oauth.is_ours)
        self._session = open_session([TokenGuard(self.keeper, self._clock, self.budgets)])
        self._sockets = open_socket_session()
        self.bots = Bots(self._make_bot)
        self.community = Community(
            lambda: self.settings,
            store,
            self.keeper,
            self.oauth,
            self.bots,
            self.changer,
            clock=self._clock,
            rng=self._rng,
            bring_up=self._bring_up,
        )
        self.memory = MemoryGrowth(self._clock, lambda: len(list(self.keeper)))
        self._reporter = Reporter(self.keeper, self.bots, self.changer)
        self._heartbeat = HeartbeatWriter(store, self._clock, self._reporter.each, self.community.sums)
        self.keeper.on_event(self._on_login)
        store.on_trouble(self._on_store_trouble)

    @classmethod
    @asynccontextmanager
    async def running(cls, settings: Settings, store: Store, **options: Any) -> AsyncGenerator[Self]:
        """Start everything, and on the way out stop it cleanly.

        Raises:
            NeedsLogin: no account is logged in, and with `needs_account` there has to be one.
            ConfigError: the settings are not enough to run.
            StoreError: the store cannot be read.
        """
        service = cls(settings, store, **options)
        try:
            await service._start()
            yield service
        finally:
            await service._stop()

    @property
    def settings(self) -> Settings:
        """The settings in force: of the file and the environment, with what was set on the page."""
        return self.live_settings.current

    def on_settings(self, listener: Callable[[Settings], None]) -> None:
        """Call `listener` with the settings in force, now and whenever they may have changed."""
        self._settings_listeners.append(listener)
        listener(self.settings)

    def standings(self) -> list[Standing]:
        """Return how all accounts are doing; see `community` for its members."""
        reports, now, own = self.reports(), self._clock.now().timestamp(), own_accounts(self.keeper)
        return [work_out(login, self.settings, NOTHING_REMEMBERED, reports, now) for login in own]

    @property
    def last_beat(self) -> float:
        """The unix seconds at which the heartbeat was last written; NaN: not yet."""
        return self._heartbeat.last

    def announce_page(self, url: str) -> None:
        """Tell other processes where the page of this one is; empty: there is none."""
        self._heartbeat.announce(url)

    def reports(self) -> dict[str, Report]:
        """Return what is known of all accounts, by login."""
        return self._reporter.reports()

    def report(self, login: Login) -> Report:
        """Return what is known of one account."""
        return self._reporter.report(login)

    async def planned(self) -> list[Standing]:
        """Return how all accounts are doing, also those still starting, with what is remembered of them.

        Raises:
            StoreError: the store cannot be read.
        """
        return await standings(self.settings, self.store, self._clock.now().timestamp(), self.reports())

    # Starting

    async def _start(self) -> None:
        point_twitchio_at(self.settings.twitch)
        for note in await self.live_settings.read():
            logger.warning("%s", note)
        if obstacles := [*self.settings.obstacles()]:  # a password of the page may be in the store
            raise ConfigError(obstacles)
        self.oauth.use(self.settings)
        self._tell_settings()
        self._imported = await import_environment(self.settings, self.store)
        await self.oauth.add_stored(self.store)
        await self.keeper.load()
        for login in self.keeper:
            if login.user_id is not None:
                self._name_settings(login)
        self.live_settings.bind(self.keeper)
        if self._needs_account and not any(login.pair.access or login.pair.refresh for login in self.keeper):
            raise NeedsLogin("no account is logged in yet; run: colorchanger login")
        self._tasks.start(Watch(self.keeper, clock=self._clock, rng=self._rng).run(), "token watch")
        self._tasks.start(self._heartbeat.run(), "heartbeat")
        self._tasks.start(self.memory.run(), "memory watch")
        self._tasks.start(self.community.run(), "community")

    def _on_login(self, event: LoginEvent) -> None:
        if event.state == "lost":
            self._heartbeat.write_now()
        if event.state == "renamed" or event.by_person:
            self.live_settings.bind(self.keeper)
        if event.state == "renamed":
            for line in renamed(self.settings, [event.login]):
                logger.warning("%s", line, extra={"account": event.login.login})
        self._tasks.start(self._follow(event), f"{event.state} login of {event.login.login}")

    @staticmethod
    def _on_store_trouble(trouble: str) -> None:
        if trouble:
            logger.error("%s; colours keep changing, no token is spent; retrying", trouble)
        else:
            logger.info("the store works again")

    async def _follow(self, event: LoginEvent) -> None:
        if event.state == "found":
            await self._bring_up(event.login.id)
        login = event.login
        if event.by_person and (painter := self.changer.get(login.user_id or "")) is not None:
            painter.trouble = ""  # it may have been about the login before this one
        for client_id, bot in self.bots.items():
            if client_id != login.client_id and login.id in bot.accounts:  # it was logged in with another application
                await bot.drop(login.id)
            elif client_id == login.client_id:
                await bot.on_login(event)
        if login.id not in self.keeper and login.user_id is not None:
            await self._forget(login.user_id)
            self.community.note(login.id, login.user_id)

    async def _forget(self, user_id: str) -> None:
        """Forget an account that was logged out, perhaps by another process while this one still wrote of it."""
        await self.changer.forget(user_id)
        self.live_settings.forget(user_id)
        if all(each.user_id != user_id for each in self.keeper):
            self._colors.by_user.pop(user_id, None)
            with contextlib.suppress(StoreError):
                await self.store.forget_colors(user_id)

    async def _bring_up(self, id_: int) -> None:
        """Start an account: find out whose token it is, then give it to the bot of its application."""
        login = await self._identified(id_)
        if login is None:
            return
        self._name_settings(login)
        backoff = self._new_backoff()
        while id_ in self.keeper:
            try:
                await self._manage(self.keeper[id_])
            except ColorChangerError as error:
                logger.error("%s waits: %s", login.login, error)
                self._reporter.delays[id_] = str(error)
                await self._clock.sleep(backoff.next())
            else:
                self._reporter.delays.pop(id_, None)
                return

    def _name_settings(self, login: Login) -> None:
        """Give the settings that came with a token to the account that it turned out to be of."""
        if (account := self._imported.pop(login.id, None)) is not None:
            self.live_settings.name(login.id, account, login.login)

    async def _identified(self, id_: int) -> Login | None:
        """Return a login once its owner is known; None if it cannot be used, or is gone."""
        backoff = self._new_backoff()
        while id_ in self.keeper and (login := self.keeper[id_]).user_id is None and not login.lost:
            try:
                await self.keeper.identify(id_)
            except ColorChangerError as error:
                if isinstance(error, AuthError) and not error.retry:
                    return None  # the keeper has logged why, and sends an event when there is a new login
                if self._reporter.delays.get(id_) != str(error):
                    logger.warning("%s waits: %s", login.login, error)
                self._reporter.delays[id_] = str(error)
            # Also without an error: a login that another process replaced meanwhile does not get its owner here.
            if id_ in self.keeper and self.keeper[id_].user_id is None:
                await self._clock.sleep(backoff.next())
        if id_ not in self.keeper or self.keeper[id_].user_id is None:
            return None
        return self.keeper[id_]

    async def _manage(self, login: Login) -> None:
        if login.is_member and not self.community.may_be_coloured(login):
            return
        bot = await self.bots.started(login.client_id, login.id)
        await bot.manage(
            login,
            wanted_channels(self.settings, login),
            self.settings.color_for(login.login),
            follow=self._follows(login),
        )
        if login.id in self.keeper:  # its settings may have changed meanwhile
            self.configure(self.keeper[login.id])
        self.community.note(login.id, login.user_id or "")

    # Changed settings

    async def change_preferences(self, new: Mapping[str, Any], dropped: Collection[str] = ()) -> None:
        """Set keys as the page does, such as `color.delay` or `accounts.USER_ID.channels`, and drop others.

        They take effect at once; if one of them cannot be set, nothing changes.

        Raises:
            ConfigError: a value is wrong, or the file or the environment sets the key; it lists all that is.
            StoreError: it could not be kept.
        """
        async with self.live_settings.changing:
            await self.live_settings.change(new, dropped, [*self.keeper])
            self._put_into_effect()
        logger.info("set on the page: %s", ", ".join([*new, *(f"{name} (the default again)" for name in dropped)]))

    async def reload(self, loaded: Settings) -> None:
        """Put a changed settings file into effect; what needs a restart is logged.

        Raises:
            ConfigError: a run cannot begin with them; nothing changes.
        """
        async with self.live_settings.changing:
            notes = self.live_settings.reload(loaded, [*self.keeper])
            self._put_into_effect()
        for note in notes:
            logger.warning("%s", note)

    def watch(self, file: SettingsFile) -> None:
        """Put each change of the settings file into effect from now on."""
        self.file = file
        self._tasks.start(file.run(self.reload), "settings file")

    def _put_into_effect(self) -> None:
        self.oauth.use(self.settings)
        for bot in self.bots.values():
            bot.configure(self.settings)
        for login in self.keeper:
            self.configure(login)
        self._tell_settings()
        self._heartbeat.write_now()

    def configure(self, login: Login) -> None:
        """Have an account that is managed follow the settings in force."""
        if (painter := self.changer.get(login.user_id or "")) is None:
            return
        painter.configure(self.settings.color_for(login.login))
        if login.client_id in self.bots and not login.is_member:
            channels = wanted_channels(self.settings, login)
            self.bots[login.client_id].read(login, channels, follow=self._follows(login))

    def _follows(self, login: Login) -> bool:
        listed = self.settings.account(login.login)
        return listed is not None and listed.follow_live and not login.is_member

    def _tell_settings(self) -> None:
        for listener in self._settings_listeners:
            listener(self.settings)

    def _make_bot(self, client_id: str) -> ColorChangerBot:
        return ColorChangerBot(
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
            community=self.community if self.settings.community.enabled else None,
        )

    def _new_backoff(self) -> Backoff:
        return Backoff(self._rng, first=FIRST_WAIT_SECONDS, most=MOST_WAIT_SECONDS)

    # Stopping

    async def _stop(self) -> None:
        # First the tasks that could still start chat sessions; the bots last, because they close our session.
        await self._tasks.cancel()
        await self.community.close()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await self.bots.stop_sessions()
                await asyncio.gather(self.changer.close(), self.keeper.close())
        except TimeoutError:
            logger.warning("the stop was cut short after %g s", STOP_SECONDS)
        await self.bots.close()
        for session in (self._session, self._sockets, self._plain):
            await session.close()
        await self._heartbeat.stop()
