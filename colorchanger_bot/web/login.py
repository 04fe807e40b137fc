"""Logging an account in from the page: the code, its QR code, and the result."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from colorchanger_bot.auth.device import log_in
from colorchanger_bot.auth.scopes import needed_scopes, purpose
from colorchanger_bot.clock import Backoff, Clock, cancel
from colorchanger_bot.errors import ColorChangerError, OutcomeUnknown, StoreError, TwitchUnavailable
from colorchanger_bot.service.login_application import application_for_login
from colorchanger_bot.service.service import Service
from colorchanger_bot.service.standing import needs_login
from colorchanger_bot.store.store import Login
from colorchanger_bot.twitch.oauth import DeviceCode
from colorchanger_bot.web.application import FIRST_WAIT_SECONDS, MOST_WAIT_SECONDS, unreachable
from colorchanger_bot.web.plain import plain
from colorchanger_bot.web.qr import qr_code
from colorchanger_bot.words import duration

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Progress:
    """The progress of a login."""

    state: Literal["asking", "waiting", "done", "failed"] = "asking"
    text: str = "Asking Twitch for a code …"
    login: str = ""
    """Who has logged in."""
    code: str = ""
    url: str = ""
    picture: dict[str, Any] | None = None
    """The QR code of the address; it is drawn once, since every open page asks for the state again and again."""


class PageLogin:
    """One login at a time; a new one cancels the one before."""

    def __init__(self, service: Service, clock: Clock, tell: Callable[[], None]) -> None:
        self.progress: Progress | None = None
        self._service = service
        self._clock = clock
        self._tell = tell
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin a login."""
        await self.cancel()
        self.progress = Progress()
        self._task = asyncio.create_task(self._run(self.progress), name="login from the dashboard")
        self._tell()

    async def cancel(self) -> None:
        """Stop waiting."""
        if self._task is not None:
            await cancel([self._task])
        self._task = self.progress = None
        self._tell()

    def to_json(self) -> dict[str, Any] | None:
        """Return what the page shows, with the code, which is meant for the person at the page."""
        progress = self.progress
        if progress is None:
            return None
        scopes = [purpose(scope) for scope in sorted(needed_scopes(self._service.settings))]
        return {
            "state": progress.state,
            "text": progress.text,
            "login": progress.login,
            "code": progress.code,
            "url": progress.url,
            "picture": progress.picture,
            "purposes": scopes,
        }

    async def _log_in(self, progress: Progress, show: Callable[[DeviceCode], None]) -> Login:
        """Log in; without a connection to Twitch, begin again until there is one.

        Raises:
            ColorChangerError: it failed.
        """
        service = self._service
        client_id = await application_for_login(service.settings, service.store)
        scopes = needed_scopes(service.settings)
        backoff = Backoff(random.Random(), first=FIRST_WAIT_SECONDS, most=MOST_WAIT_SECONDS)
        while True:
            try:
                return await log_in(service.oauth(client_id), service.store, scopes, clock=self._clock, show=show)
            except (TwitchUnavailable, OutcomeUnknown) as error:  # before there is a code
                progress.text = unreachable(error)
                self._tell()
                await self._clock.sleep(backoff.next())

    async def _run(self, progress: Progress) -> None:
        def show(code: DeviceCode) -> None:
            left = duration(code.expires_at - self._clock.monotonic())
            progress.state, progress.text = "waiting", f"Waiting until you have entered the code. It expires in {left}."
            progress.code, progress.url, progress.picture = code.user_code, code.url, qr_code(code.url)
            self._tell()

        try:
            made = await self._log_in(progress, show)
        except ColorChangerError as error:
            progress.state, progress.text = "failed", plain(str(error))
        except Exception:  # the outermost place of this task
            logger.exception("the login from the dashboard failed")
            progress.state, progress.text = "failed", "an error in ColorChanger: see the log"
        else:
            # So that the account is on the page at once, not with the next look at the store.
            with contextlib.suppress(StoreError):  # said in the log already; looked at again in a moment
                await self._service.keeper.load()
            missing, progress.login = needs_login(made), made.login
            progress.state = "failed" if missing else "done"
            progress.text = f"Logged in as {made.login}{f', but {plain(missing)}' if missing else ''}."
        progress.code, progress.url, progress.picture = "", "", None
        self._tell()
