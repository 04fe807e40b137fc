"""The set-up in the page: application, login, first message, channels, start with the computer; one after the other.

Where a person is follows from what is there, so a reload of the page changes nothing.
"""

from __future__ import annotations

import logging
import random
import re
import secrets
from collections.abc import Awaitable, Callable
from typing import Any, Literal

import orjson
from aiohttp import web
from pydantic import TypeAdapter, ValidationError

from colorchanger_bot.auth.scopes import FOLLOWS_SCOPE
from colorchanger_bot.changer.changer import OwnMessage
from colorchanger_bot.changer.pending_changes import Change
from colorchanger_bot.clock import Backoff, Clock, Tasks
from colorchanger_bot.service.service import Service
from colorchanger_bot.service.standing import own_accounts, wanted_channels
from colorchanger_bot.settings.load import TwitchSettings
from colorchanger_bot.settings.raw import PAGE
from colorchanger_bot.settings.types import Channels
from colorchanger_bot.store.store import Login
from colorchanger_bot.twitch.oauth import Unknown
from colorchanger_bot.web.access import Access, Refused
from colorchanger_bot.web.application import (
    FIRST_WAIT_SECONDS,
    KEY,
    MOST_WAIT_SECONDS,
    ApplicationCheck,
)
from colorchanger_bot.web.autostart import ComputerStart
from colorchanger_bot.web.bodies import as_json, text_of
from colorchanger_bot.web.login import PageLogin
from colorchanger_bot.wiring import attachment_of
from colorchanger_bot.words import shown

logger = logging.getLogger(__name__)

PATH = "/setup"
Step = Literal["application", "login", "message", "channels", "computer", "done"]
PASSABLE: tuple[Step, ...] = ("message", "channels", "computer")
"""The steps that a person leaves with a button."""
MOST_CHANNELS = 90
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class SetUp:
    """The handlers of /setup, and how far it is."""

    def __init__(
        self,
        service: Service,
        clock: Clock,
        login: PageLogin,
        access: Access,
        computer: ComputerStart,
        tell: Callable[[], None],
        show: Handler,
    ) -> None:
        self._service = service
        self._clock = clock
        self._login = login
        self._access = access
        self._tell = tell
        self._show = show
        self._check = ApplicationCheck(service, clock, tell, self._log_in_next)
        self._computer = computer
        self._passed: set[Step] = set()
        self._messages: dict[str, OwnMessage] = {}
        """The last message of each account since the set-up was opened, by user id."""
        self._changed: set[str] = set()
        self._is_open = False
        self._asks_to_follow = False
        """Whether a new login is asked for, to see which followed channels are live."""
        self._network = ""
        self._tasks = Tasks(logger)
        self.name = f"ColorChanger {secrets.randbelow(9000) + 1000}"
        """A free name for the application: Twitch wants one that nobody else uses."""
        service.changer.on_own_message(self._on_message)
        service.changer.on_change(self._on_change)

    def routes(self) -> list[web.RouteDef]:
        """Return what answers on which path."""
        return [
            web.get(PATH, self._guarded(self.page)),
            web.post(f"/api{PATH}/application", self._guarded(self.check)),
            web.delete(f"/api{PATH}/application", self._guarded(self.forget_application)),
            web.post(f"/api{PATH}/channels", self._guarded(self.set_channels)),
            web.post(f"/api{PATH}/computer", self._guarded(self.start_with_computer)),
            web.post(f"/api{PATH}/next", self._guarded(self.go_on)),
        ]

    def is_needed(self, request: web.Request) -> bool:
        """Return whether the dashboard has nothing to show yet, and this visitor may change that."""
        empty = not own_accounts(self._service.keeper) and not self._service.settings.community.enabled
        return empty and self._access.is_here(request)

    @property
    def is_real(self) -> bool:
        """Whether this is about Twitch itself, and not a local one: then the page links to places at Twitch."""
        return self._service.settings.twitch.api_url == TwitchSettings().api_url

    async def close(self) -> None:
        """Stop what is under way."""
        await self._check.cancel()
        await self._tasks.cancel()

    # What the paths do

    async def page(self, request: web.Request) -> web.StreamResponse:
        """The page itself."""
        self._is_open = True
        if not [*self._tasks]:  # else it is looking, or has another page open
            self._tasks.start(self._look_at_computer(), "start with the computer")
            if self._step(self._account()) in ("application", "login"):
                self._tasks.start(self._look_at_network(), "network at the set-up")
        return await self._show(request)

    async def check(self, request: web.Request) -> web.Response:
        """Check a Client ID."""
        await self._check.start(await text_of(request))
        return as_json({})

    async def forget_application(self, _request: web.Request) -> web.Response:
        """Ask for another Client ID."""
        await self._check.cancel()
        await self._login.cancel()
        await self._service.change_preferences({}, [KEY])
        self._tell()
        return as_json({})

    async def set_channels(self, request: web.Request) -> web.Response:
        """Choose the channels: the account's own and those that are named, and with `live` those it follows."""
        account = self._account()
        names, live = await _choice(request)
        if account is None or account.user_id is None or account.client_id not in self._service.bots:
            raise Refused(409, "Log in first.")
        others = [name for name in names if name != account.login]
        if len(others) >= MOST_CHANNELS:
            raise Refused(400, f"These are too many: Twitch allows about {MOST_CHANNELS}.")
        key = f"accounts.{account.user_id}"
        platform = attachment_of(self._service.bots[account.client_id]).platform
        for name in others:
            await platform.check_channel(account.user_id, name)
        chosen = {f"{key}.channels": [account.login, *others], f"{key}.follow_live": live}
        await self._service.change_preferences(chosen)
        self._tell()
        if live and not self._may_follow(account):
            self._asks_to_follow = True
            await self._login.start()
        else:
            self._passed.add("channels")
        return as_json({})

    async def start_with_computer(self, request: web.Request) -> web.Response:
        """Turn the start with this computer on or off."""
        await self._computer.turn(on=await text_of(request) == "on")
        self._tell()
        return as_json({})

    async def go_on(self, request: web.Request) -> web.Response:
        """Leave a step."""
        step = await text_of(request)
        for known in PASSABLE:
            if step == known:
                self._passed.add(known)
        if step == "again":
            self._passed.clear()
        await self._login.cancel()
        return as_json({})

    # How far it is

    def to_json(self) -> dict[str, Any]:
        """Return what the page shows; nothing while it has not been opened."""
        if not self._is_open:
            return {}
        account = self._account()
        step = self._step(account)
        is_of_page = self._service.settings.origin(("app", "client_id")) == PAGE
        asks_for_id = is_of_page or not self._has_application()
        return {
            "step": step,
            "steps": [*(["application"] if asks_for_id else []), "login", *self._passable()],
            "computer": self._computer.to_json(),
            "application": self._check.to_json(),
            "canChangeId": is_of_page,
            "network": self._network,
            "account": self._account_json(account) if account and step in ("message", "channels") else None,
        }

    def _account_json(self, login: Login) -> dict[str, Any]:
        user_id, settings = login.user_id or "", self._service.settings
        painter, message = self._service.changer.get(user_id), self._messages.get(user_id)
        listed = settings.account(login.login)
        found = next((each for each in self._service.standings() if each.login == login.login), None)
        own = next((each for each in found.channels if each.login == login.login), None) if found else None
        return {
            "login": login.login,
            "isRead": own is not None and own.state == "joined",
            "problem": found.reason if found is not None and found.state in ("in trouble", "needs login") else "",
            "needsLogin": found is not None and found.needs_login,
            "isOff": painter is not None and not painter.settings.enabled,
            "color": painter.current.hex if painter and painter.current else "",
            "message": message and {"text": message.text, "channel": message.channel},
            "changed": user_id in self._changed,
            "channels": [name for name in wanted_channels(settings, login) if name != login.login],
            "live": listed is not None and listed.follow_live,
            "mayFollow": self._may_follow(login),
            "chat": f"https://www.twitch.tv/popout/{login.login}/chat" if self.is_real else "",
        }

    def _account(self) -> Login | None:
        """The account that is set up: the one that was logged in last."""
        known = [login for login in own_accounts(self._service.keeper) if login.user_id is not None]
        return known[-1] if known else None

    def _step(self, account: Login | None) -> Step:
        if account is None:
            return "login" if self._has_application() else "application"
        if self._asks_to_follow and self._may_follow(account):
            self._asks_to_follow = False
            self._passed.add("channels")
        left: list[Step] = [step for step in self._passable() if step not in self._passed]
        return left[0] if left else "done"

    def _passable(self) -> list[Step]:
        return [step for step in PASSABLE if step != "computer" or self._computer.is_offered]

    def _has_application(self) -> bool:
        settings = self._service.settings
        ids = (settings.app.client_id, *(each.client_id for each in settings.accounts))
        return any(ids) or any(login.client_id for login in self._service.keeper)

    @staticmethod
    def _may_follow(login: Login) -> bool:
        return FOLLOWS_SCOPE in login.pair.scopes

    # What happens meanwhile

    def _log_in_next(self) -> None:
        self._tasks.start(self._login.start(), "login after the check")

    def _on_message(self, message: OwnMessage) -> None:
        if self._is_open and not self._service.community.is_member(message.user_id):
            self._messages[message.user_id] = message
            self._tell()

    def _on_change(self, change: Change) -> None:
        if self._is_open and change.result == "changed" and not change.is_restore:
            self._changed.add(change.user_id)

    async def _look_at_computer(self) -> None:
        await self._computer.look()
        self._tell()

    async def _look_at_network(self) -> None:
        """Say that Twitch cannot be reached until it can: somebody may start before the network is there."""
        settings = self._service.settings
        oauth = self._service.oauth(settings.app.client_id)
        backoff = Backoff(random.Random(), first=FIRST_WAIT_SECONDS, most=MOST_WAIT_SECONDS)
        while isinstance(found := await oauth.validate("-"), Unknown):
            self._network = f"No connection to Twitch: {found.reason}. This page continues once there is one."
            self._tell()
            await self._clock.sleep(backoff.next())
        self._network = ""
        self._tell()

    def _guarded(self, handler: Handler) -> Handler:
        async def guarded(request: web.Request) -> web.StreamResponse:
            if not self._access.is_here(request):
                raise Refused(403, "The set-up opens only on this computer until a password is set under Settings.")
            return await handler(request)

        return guarded


async def _choice(request: web.Request) -> tuple[list[str], bool]:
    """Return the names of channels in a request, and whether to follow those that are live.

    Raises:
        Refused: it is not of this form.
    """
    try:
        body: Any = orjson.loads(await request.read())
        text, live = body["names"], body["live"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        text = live = None
    if not (isinstance(live, bool) and isinstance(text, str)) or request.content_type != "application/json":
        raise Refused(400, 'send {"names": "a, b", "live": false} as JSON')
    names = list(filter(None, re.split(r"[\s,;@]+", text)))
    try:
        return [*TypeAdapter[tuple[str, ...]](Channels).validate_python(names)], live
    except ValidationError as error:
        raise Refused(400, f"{shown(text)}: {error.errors()[0]['msg']}") from None
