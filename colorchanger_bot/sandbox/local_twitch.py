"""The local Twitch: what tests, the demo and bot authors do with it."""

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
from .server import Server
from .sessions import MESSAGE
from .state import ColorChange, State, User
from .subscriptions import Subscriptions
from .tokens import App, Pair, Tokens

DEFAULT_SCOPES = ("user:read:chat", "user:manage:chat_color")


class Enabled(NamedTuple):
    """A subscription that delivers."""

    id: str
    user_id: str
    broadcaster_user_id: str
    session_id: str
    client_id: str


class LocalTwitch:
    """A local Twitch, as strict as the real one.

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
        self._limits = own = Limits(**limits)
        self._server = Server(host, port)
        self.faults = Faults()
        self._state = State()
        self._tokens = Tokens(own, now)
        self._devices = Devices(self._state, self._tokens, own, now)
        self._devices.auto_approve = auto_approve
        self._registry = Registry(self._state.notify)
        self.eventsub = EventSub(self._registry, own, self._state.notify)
        self._chat = Chat(self._state, self.eventsub, own, now)
        self._recorder = Recorder(self._tokens, self.faults, own, self._state.notify)
        self._router = HelixRouter(self._tokens, own, now)
        self._subscriptions = Subscriptions(self._state, self.eventsub, self._registry, own, now)
        self._tasks: set[asyncio.Task[None]] = set()

    # Life

    async def start(self) -> None:
        """Listen.

        Raises: OSError when the port is taken.
        """
        await self._server.start(self._application())
        self.eventsub.listen_at(self.eventsub_url)

    async def close(self) -> None:
        """Stop within a second."""
        if self._server.running:
            self._server.stop_listening()
            await self.eventsub.shut_down()
        await self._server.close()
        await self._recorder.close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    # Where it is

    @property
    def host(self) -> str:
        """The address that it listens on."""
        return self._server.host

    @property
    def port(self) -> int:
        """The port that it listens on; 0 before the start if it was to choose one."""
        return self._server.port

    @property
    def connections(self) -> int:
        """How many TCP connections clients have opened so far."""
        return self._server.accepted

    @property
    def id_url(self) -> str:
        """Stands for https://id.twitch.tv."""
        return self._server.url

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
        """Create a user."""
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
        """Ban someone at once; await it if the client must have been told."""
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
        """Issue a pair of tokens, as after a login."""
        return self._tokens.issue(self.user(login), self._tokens.app(client_id), scopes, expires_in=expires_in)

    def expire(self, login: str) -> None:
        """Let all access tokens of the user expire; the refresh tokens stay valid."""
        self._tokens.expire(self.user(login))

    def revoke_login(self, login: str) -> Awaitable[None]:
        """The user disconnects all applications: tokens dead at once, subscriptions revoked (may be awaited)."""
        user = self.user(login)
        self._tokens.revoke(user)
        return self._begin(self.eventsub.revoke("authorization_revoked", user=user))

    def refuse_refreshes(self, on: bool = True) -> None:
        """Refuse every refresh, spending nothing, while the access tokens go on working (twitchdev/issues#1037)."""
        self._tokens.refuse_refreshes = on

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

    async def send_notice(self, login: str, *, in_: str, notice: str, text: str = "", **details: object) -> str:
        """Someone writes with a notice, which reaches subscribers to channel.chat.notification alone.

        `notice` is one of `NOTICES`; `details` replace example values, as in `streak_count=5` for a watch streak.
        Returns the message id.

        Raises: ValueError for an unknown notice or an unknown detail.
        """
        return await self._chat.send_notice(self.user(login), self.user(in_), text, notice, details)

    async def announce(self, login: str, *, in_: str, text: str, color: str = "PRIMARY") -> str:
        """Someone makes an announcement; returns the message id."""
        return await self.send_notice(login, in_=in_, notice="announcement", text=text, color=color)

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
        """The requests so far; of very many, the newest."""
        return self._recorder.requests

    @property
    def color_changes(self) -> list[ColorChange]:
        """The colour changes so far; of very many, the newest."""
        return self._state.color_changes

    @property
    def subscriptions(self) -> list[Enabled]:
        """The enabled subscriptions to chat messages: who reads where."""
        return self.subscriptions_to(MESSAGE)

    def subscriptions_to(self, type: str) -> list[Enabled]:
        """The enabled subscriptions of a type, such as channel.chat.notification."""
        return [
            Enabled(known.id, known.user.id, known.channel.id, known.session.id, known.client_id)
            for known in self._registry.enabled
            if known.type == type
        ]

    async def wait_for(self, condition: Callable[[], object], *, timeout: float = 5.0) -> None:  # noqa: ASYNC109
        """Wait until `condition` holds; it is checked whenever something happens here.

        Raises: TimeoutError.
        """
        await self._state.wait_for(condition, timeout=timeout, what="the condition")

    async def wait_subscribed(
        self,
        login: str,
        channel: str,
        *,
        timeout: float = 5.0,  # noqa: ASYNC109
        type: str = MESSAGE,
    ) -> None:
        """Wait until someone reads a channel: its messages, or what another `type` brings.

        Raises: TimeoutError.
        """
        user, place = self.user(login), self.user(channel)
        await self._state.wait_for(
            lambda: self._registry.matching(user=user, channel=place, type=type),
            timeout=timeout,
            what=f"{login} reads the chat of {channel}",
        )

    # The network

    async def forget_connections(self, *, sockets: bool = False) -> int:
        """Let the network forget every open connection, as NATs and firewalls do; returns how many.

        What clients send on them vanishes, without FIN, RST or (on Linux) even an ACK. New connections work.
        EventSub's sockets are forgotten only with `sockets`.
        """
        if sockets:
            await self.eventsub.forget()
        serving = self.eventsub.transports
        return self._server.forget_connections(but=serving) + (len(serving) if sockets else 0)

    # Parts

    def _application(self) -> web.Application:
        app = web.Application()
        self._recorder.attach(app)
        app.middlewares.append(error_middleware)
        for routes in (
            OAuth(self._tokens, self._devices, self._cut).routes(),
            Helix(self._state, self._tokens, self._chat, self._limits).routes(self._router),
            self._subscriptions.routes(self._router),
            self._control().routes(),
            [web.get("/ws", self.eventsub.connect)],
        ):
            app.add_routes(routes)
        return app

    def _control(self) -> Control:
        return Control(self._state, self._chat, self._registry, self._devices, self.faults, self._limits)

    async def _cut(self, user: User, app: App) -> None:
        await self.eventsub.revoke("authorization_revoked", user=user, client_id=app.client_id)

    def _begin(self, work: Coroutine[None, None, None]) -> Awaitable[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
