"""Peers that talk to the local Twitch as any client does: over HTTP and WebSocket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from colorchanger_bot.sandbox import App, LocalTwitch, Pair

CHAT = {"type": "channel.chat.message", "version": "1"}
DEADLINE = 3.0


class Answer:
    """An answer that was read to its end."""

    def __init__(self, response: aiohttp.ClientResponse, body: bytes, json: Any) -> None:
        self.status = response.status
        self.headers = response.headers
        self.body = body
        self.json = json

    @property
    def message(self) -> str:
        return self.json["message"]


class Line:
    """One EventSub socket."""

    def __init__(self, ws: aiohttp.ClientWebSocketResponse, welcome: dict[str, Any]) -> None:
        self.ws = ws
        self.welcome = welcome
        self.session_id: str = welcome["payload"]["session"]["id"]

    async def next(self) -> dict[str, Any]:
        return await self.ws.receive_json(timeout=DEADLINE)

    async def event(self) -> dict[str, Any]:
        message = await self.next()
        assert message["metadata"]["message_type"] == "notification"
        return message["payload"]["event"]

    async def close_code(self) -> int | None:
        while (await self.ws.receive(timeout=DEADLINE)).type is aiohttp.WSMsgType.TEXT:
            pass
        return self.ws.close_code


class Peer:
    """An account with its tokens."""

    def __init__(self, session: aiohttp.ClientSession, twitch: LocalTwitch, login: str, app: App, pair: Pair) -> None:
        self.session = session
        self.twitch = twitch
        self.app = app
        self.pair = pair
        self.user = twitch.user(login)
        self.lines: list[Line] = []  # a socket that nobody holds would be closed

    async def request(self, method: str, url: str, **kwargs: Any) -> Answer:
        async with asyncio.timeout(DEADLINE), self.session.request(method, url, **kwargs) as response:
            body = await response.read()
            is_json = response.content_type == "application/json" and body.startswith(b"{")
            return Answer(response, body, await response.json() if is_json else None)

    async def helix(self, line: str, params: Any = None, json: Any = None, headers: Any = None) -> Answer:
        method, path = line.split()
        own = {"Authorization": f"Bearer {self.pair.access}", "Client-Id": self.app.client_id}
        return await self.request(
            method, f"{self.twitch.api_url}{path}", params=params, json=json, headers=own | (headers or {})
        )

    async def id(self, line: str, data: Any = None, **kwargs: Any) -> Answer:
        method, path = line.split()
        return await self.request(method, f"{self.twitch.id_url}{path}", data=data, **kwargs)

    async def refresh(self, token: str | None = None, **more: str) -> Answer:
        form = {"grant_type": "refresh_token", "client_id": self.app.client_id}
        return await self.id("POST /oauth2/token", form | {"refresh_token": token or self.pair.refresh} | more)

    async def validate(self, token: str | None = None) -> Answer:
        headers = {"Authorization": f"OAuth {token or self.pair.access}"}
        return await self.id("GET /oauth2/validate", headers=headers)

    async def connect(self, url: str = "", **params: str) -> Line:
        ws = await self.session.ws_connect(url or self.twitch.eventsub_url, params=params or None)
        self.lines.append(Line(ws, await ws.receive_json(timeout=DEADLINE)))
        return self.lines[-1]

    async def subscribe(self, line: Line, channel: str, **changes: Any) -> Answer:
        body = {
            **CHAT,
            "condition": {"broadcaster_user_id": self.twitch.user(channel).id, "user_id": self.user.id},
            "transport": {"method": "websocket", "session_id": line.session_id},
        }
        return await self.helix("POST /eventsub/subscriptions", json=body | changes)

    async def read(self, *channels: str) -> Line:
        """A socket that reads these channels."""
        line = await self.connect()
        for channel in channels:
            assert (await self.subscribe(line, channel)).status == 202
        return line


class Town:
    """A local Twitch with alice, bob and carol in it."""

    def __init__(self, session: aiohttp.ClientSession, twitch: LocalTwitch) -> None:
        self.session = session
        self.twitch = twitch
        self.app = twitch.add_app()
        twitch.add_user("alice", "#FF0000", turbo=True)
        twitch.add_user("bob", display_name="Bob")
        twitch.add_user("carol", "#00FF00")

    def peer(self, login: str, *, app: App | None = None, **how: Any) -> Peer:
        app = app or self.app
        return Peer(self.session, self.twitch, login, app, self.twitch.issue_tokens(login, app.client_id, **how))


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def limits() -> dict[str, Any]:
    """What differs from Twitch in a test module or class."""
    return {}


@pytest.fixture
async def town(session: aiohttp.ClientSession, limits: dict[str, Any]) -> AsyncIterator[Town]:
    async with LocalTwitch(**limits) as twitch:
        yield Town(session, twitch)
        await session.close()  # first, or the local Twitch waits for answers to its close frames


@pytest.fixture
def twitch(town: Town) -> LocalTwitch:
    return town.twitch


@pytest.fixture
def alice(town: Town) -> Peer:
    return town.peer("alice")


@pytest.fixture
def bob(town: Town) -> Peer:
    return town.peer("bob")
