"""Hosts: real TwitchIO bots of somebody else, on the local Twitch."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Any

import twitchio
from aiohttp import web
from twitchio import eventsub
from twitchio.ext import commands

from colorchanger_bot.sandbox import App, LocalTwitch, Pair, faults
from colorchanger_bot.settings.load import Settings
from colorchanger_bot.wiring import attach

COGS = "colorchanger_bot.cogs"
SUBSCRIPTIONS = "GET /helix/eventsub/subscriptions"


class Host(commands.Bot):
    """Somebody else's bot; it notes what goes wrong in it."""

    def __init__(self, twitch: LocalTwitch, login: str, app: App, **options: Any) -> None:
        self.errors: list[Exception] = []
        self.unknown: list[str] = []
        """The commands that it does not have, as it would say in chat."""
        self.hellos = 0
        self.channel = twitch.user(login)
        options = {"prefix": "!", "bot_id": self.channel.id} | options
        super().__init__(client_id=app.client_id, client_secret=app.client_secret, **options)
        self.add_command(hello)

    async def event_error(self, payload: twitchio.EventErrorPayload) -> None:
        self.errors.append(payload.error)

    async def event_command_error(self, payload: commands.CommandErrorPayload) -> None:
        if isinstance(payload.exception, commands.CommandNotFound):
            self.unknown.append(payload.context.content)
        else:
            self.errors.append(payload.exception)

    async def read(self, *channels: str) -> None:
        for channel in channels:
            chat = eventsub.ChatMessageSubscription(broadcaster_user_id=channel, user_id=self.bot_id)
            await self.subscribe_websocket(chat, token_for=self.bot_id, as_bot=False)


@commands.command(name="hello")
async def hello(ctx: commands.Context[Host]) -> None:
    """The host's own command."""
    ctx.bot.hellos += 1


class Hosts:
    """Starts bots, and knows every secret they were given."""

    def __init__(self, twitch: LocalTwitch, stack: AsyncExitStack, scopes: tuple[str, ...]) -> None:
        self._twitch = twitch
        self._stack = stack
        self._scopes = scopes
        self.secrets: set[str] = set()

    def app(self, *, public: bool = False) -> App:
        return self._twitch.add_app(client_secret="" if public else "the-host-s-secret")

    def pair(self, login: str, app: App, scopes: tuple[str, ...] | None = None) -> Pair:
        pair = self._twitch.issue_tokens(login, app.client_id, self._scopes if scopes is None else scopes)
        self.secrets |= {pair.access, pair.refresh, app.client_secret} - {""}
        return pair

    def make(self, kind: type[Host], login: str, app: App, **options: Any) -> Host:
        """Make a bot that has not logged in yet; the test starts and ends it."""
        self._twitch.add_user(login, "#FF0000", turbo=True)
        return kind(self._twitch, login, app, **options)

    async def start(
        self,
        kind: type[Host] = Host,
        login: str = "me",
        *,
        public: bool = False,
        scopes: tuple[str, ...] | None = None,
        **options: Any,
    ) -> Host:
        """Log a bot in and give it a token with these scopes (all that we need if None; none at all if empty)."""
        app = self.app(public=public)
        bot = await self._stack.enter_async_context(self.make(kind, login, app, **options))
        pair = self.pair(login, app, scopes)
        await bot.login(token=pair.access if public else None, load_tokens=False, save_tokens=False)
        if scopes != ():
            await bot.add_token(pair.access, pair.refresh)
        return bot


async def ready(hosts: Hosts, kind: type[Host] = Host, login: str = "me", **sections: Any) -> Host:
    bot = await hosts.start(kind, login)
    attach(bot, settings=quick(**sections))
    await bot.load_module(COGS)
    await bot.read(bot.channel.id)
    return bot


def quick(**sections: Any) -> Settings:
    color = {"delay": 0, "restore": False, **sections.pop("color", {})}
    return Settings.of({"color": color, **sections})


def listing(*subscriptions: dict[str, Any]) -> faults.Action:
    """What Twitch says of the subscriptions over conduits and webhooks."""
    body = {"data": list(subscriptions), "total": len(subscriptions), "total_cost": 0, "max_total_cost": 10}

    async def act(_request: web.Request, _handler: Any) -> web.StreamResponse:
        return web.json_response(body | {"pagination": {}})

    return act


def subscription(channel: str, method: str = "conduit", status: str = "enabled") -> dict[str, Any]:
    return {
        "id": f"{method} {channel}",
        "status": status,
        "type": "channel.chat.message",
        "version": "1",
        "condition": {"broadcaster_user_id": channel, "user_id": "77"},
        "created_at": "2026-01-01T00:00:00Z",
        "cost": 0,
        "transport": {"method": method, "conduit_id": "conduit"},
    }


def page(status: int, text: str = "<html>Access denied</html>", content_type: str = "text/html") -> faults.Action:
    """What a gateway or a protection page answers in the place of Twitch."""

    async def act(_request: web.Request, _handler: Any) -> web.StreamResponse:
        return web.Response(status=status, text=text, content_type=content_type)

    return act
