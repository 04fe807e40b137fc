"""The local Twitch as one server: the routes of id, Helix and EventSub on one port."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from types import TracebackType
from typing import NamedTuple, Self

from aiohttp import web

from .chat import Chat
from .control import Control
from .devices import Device, Devices
from .eventsub import EventSub
from .faults import Faults, SeenRequest
from .helix import Helix
from .limits import Limits
from .oauth import OAuth
from .recorder import Recorder
from .registry import Registry
from .responses import error_middleware, timestamp
from .router import HelixRouter
from .state import ColorChange, State, User
from .subscriptions import Subscriptions
from .tokens import App, Pair, Tokens

DEFAULT_SCOPES = ("user:read:chat", "user:manage:chat_color")
_SHUTDOWN = 0.2  # seconds for requests that are being answered


class Enabled(NamedTuple):
    """A subscription that delivers."""

    id: str
    user_id: str
    broadcaster_user_id: str
    session_id: str
    client_id: str


class LocalTwitch:
    """A Twitch of one's own, as strict as the real one.

    `limits` replace fields of `Limits`. `now` is the wall clock, by which tokens expire and rate limits refill.
    `auto_approve` is a login that approves every device after its first poll.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        auto_approve: str | None = None,
        now: Callable[[], float] = time.time,
        **limits: float,
    ) -> None:
        own = Limits(**limits)
        self.host = host
        self.port = port
        self.connections = 0
        self.faults = Faults()
        self._state = State()
        self._tokens = Tokens(own, now)
        self._devices = Devices(self._state, self._tokens, own, now)
        self._devices.auto_approve = auto_approve
        self._registry = Registry(self._state.notify)
        self.eventsub = EventSub(self._registry, own, self._state.notify)
        self._chat = Chat(self._state, self.eventsub, own, now)
        self._recorder = Recorder(self._tokens, self.faults, self._state.notify)
        self._router = HelixRouter(self._tokens, own, now)
        self._subscriptions = Subscriptions(self._state, self.eventsub, self._registry, own, now)
        self._runner: web.AppRunner | None = None
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    # Life

    async def start(self) -> None:
        """Listen.

        Raises: OSError when the port is taken.
        """
        self._runner = web.AppRunner(
            self._application(), handle_signals=False, access_log=None, shutdown_timeout=_SHUTDOWN
        )
        await self._runner.setup()
        self._server = await asyncio.get_running_loop().create_server(self._accept, self.host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        self.eventsub.url = self.eventsub_url

    async def close(self) -> None:
        """Stop, within a second."""
        if self._server:
            self._server.close()
            await self.eventsub.shut_down()
        if self._runner:
            await self._runner.cleanup()
        await self._recorder.close()
        self._server = self._runner = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    # Where it is

    @property
    def id_url(self) -> str:
        """Stands for https://id.twitch.tv."""
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "::1": "[::1]"}.get(self.host, self.host)  # noqa: S104
        return f"http://{host}:{self.port}"

    @property
    def api_url(self) -> str:
        """Stands for https://api.twitch.tv/helix."""
        return f"{self.id_url}/helix"

    @property
    def eventsub_url(self) -> str:
        """Stands for wss://eventsub.wss.twitch.tv/ws."""
        return f"ws{self.id_url.removeprefix('http')}/ws"

    # Who is there

    def add_app(self, client_id: str | None = None, client_secret: str = "") -> App:
        """Register an application: public without a secret, else confidential."""
        return self._tokens.add_app(client_id, client_secret)

    def add_user(self, login: str, color: str = "", *, turbo: bool = False, display_name: str | None = None) -> User:
        """Make up a user."""
        return self._state.add_user(login, color=color, turbo=turbo, display_name=display_name)

    def user(self, login: str) -> User:
        """The user of that login."""
        return self._state.user(login)

    def rename(self, login: str, new: str) -> None:
        """Let someone take another login; the id stays."""
        self._state.rename(self.user(login), new)

    def follow(self, login: str, channel: str) -> None:
        """Let someone follow a channel."""
        self.user(login).following[self.user(channel).id] = timestamp()

    def go_live(self, channel: str, live: bool = True) -> None:
        """Begin, or end, the stream of a channel."""
        self.user(channel).live_since = timestamp() if live else None

    def make_moderator(self, login: str, channel: str) -> None:
        """Let someone moderate a channel."""
        self.user(channel).moderators.add(self.user(login).id)

    def ban(self, login: str, channel: str) -> Awaitable[None]:
        """Ban someone at once; what is awaited, if one likes, is that the client has been told."""
        banned, place = self.user(login), self.user(channel)
        place.banned.add(banned.id)
        return self._begin(self.eventsub.revoke("chat_user_banned", user=banned, channel=place))

    def unban(self, login: str, channel: str) -> None:
        """Let someone in again."""
        self.user(channel).banned.discard(self.user(login).id)

    # Tokens

    def issue_tokens(
        self, login: str, client_id: str, scopes: Iterable[str] = DEFAULT_SCOPES, *, expires_in: float | None = None
    ) -> Pair:
        """A pair as after a login."""
        return self._tokens.issue(self.user(login), self._tokens.app(client_id), scopes, expires_in=expires_in)

    def expire(self, login: str) -> None:
        """Let all access tokens of the user expire; the refresh tokens go on."""
        self._tokens.expire(self.user(login))

    def revoke_login(self, login: str) -> Awaitable[None]:
        """The user disconnects all applications: tokens dead at once, subscriptions revoked (may be awaited)."""
        user = self.user(login)
        self._tokens.revoke(user)
        return self._begin(self.eventsub.revoke("authorization_revoked", user=user))

    @property
    def refreshes(self) -> dict[str, int]:
        """How often each login's tokens were refreshed."""
        return self._tokens.refreshes

    @property
    def spent_twice(self) -> list[str]:
        """The logins whose one-time refresh token was used again."""
        return self._tokens.spent_twice

    @property
    def pending_devices(self) -> list[Device]:
        """The device-code logins that nobody has approved yet."""
        return self._devices.pending

    def approve_device(self, user_code: str, login: str) -> None:
        """Log a device in."""
        self._devices.approve(user_code, self.user(login))

    def deny_device(self, user_code: str) -> None:
        """End a device-code login without a token."""
        self._devices.deny(user_code)

    # Chat

    async def say(self, login: str, *, in_: str, text: str, reply_to: str | None = None) -> str:
        """Someone writes in a channel; returns the message id."""
        return await self._chat.say(self.user(login), self.user(in_), text, reply_to)

    async def say_shared(self, login: str, *, in_: str, mirrored_to: Sequence[str], text: str) -> list[str]:
        """Someone writes in a shared chat; returns the message ids, the original's first."""
        mirrors = [self.user(channel) for channel in mirrored_to]
        return await self._chat.say_shared(self.user(login), self.user(in_), mirrors, text)

    def on_say(self, listener: Callable[[str, str, str, str], None]) -> None:
        """Call `listener` with each line of chat: login, channel, colour (empty: never chosen) and text."""
        self._chat.listeners.append(lambda who, where, text: listener(who.login, where.login, who.color, text))

    # What happened

    @property
    def requests(self) -> list[SeenRequest]:
        """Every request so far."""
        return self._recorder.requests

    @property
    def color_changes(self) -> list[ColorChange]:
        """Every colour change so far."""
        return self._state.color_changes

    @property
    def subscriptions(self) -> list[Enabled]:
        """The enabled subscriptions."""
        return [
            Enabled(known.id, known.user.id, known.channel.id, known.session.id, known.client_id)
            for known in self._registry.enabled
        ]

    async def wait_for(self, condition: Callable[[], object], *, timeout: float = 5.0) -> None:  # noqa: ASYNC109
        """Wait until `condition` holds; it is asked again whenever something happens here.

        Raises: TimeoutError.
        """
        await self._state.wait_for(condition, timeout=timeout, what="what was waited for")

    async def wait_subscribed(self, login: str, channel: str, *, timeout: float = 5.0) -> None:  # noqa: ASYNC109
        """Wait until someone reads a channel.

        Raises: TimeoutError.
        """
        user, place = self.user(login), self.user(channel)
        await self._state.wait_for(
            lambda: self._registry.matching(user=user, channel=place),
            timeout=timeout,
            what=f"{login} reads the chat of {channel}",
        )

    # Parts

    def _application(self) -> web.Application:
        app = web.Application()
        self._recorder.attach(app)
        app.middlewares.append(error_middleware)
        for routes in (
            OAuth(self._tokens, self._devices, self._cut).routes(),
            Helix(self._state, self._tokens, self._chat).routes(self._router),
            self._subscriptions.routes(self._router),
            Control(self._state, self._chat, self._registry, self._devices).routes(),
            [web.get("/ws", self.eventsub.connect)],
        ):
            app.add_routes(routes)
        return app

    def _accept(self) -> asyncio.BaseProtocol:
        if self._runner is None or self._runner.server is None:
            raise ConnectionAbortedError("the local Twitch is closing")
        self.connections += 1
        return self._runner.server()

    async def _cut(self, user: User, app: App) -> None:
        await self.eventsub.revoke("authorization_revoked", user=user, client_id=app.client_id)

    def _begin(self, work: Coroutine[None, None, None]) -> Awaitable[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
