"""A network that changes: connections that were good are dead, without a word from either side."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from yarl import URL

from colorchanger_bot.clock import SystemClock
from colorchanger_bot.eventsub.frames import Event
from colorchanger_bot.eventsub.session import ChatSession
from colorchanger_bot.sandbox import LocalTwitch
from colorchanger_bot.twitch.helix import Helix
from colorchanger_bot.twitch.http import open_session, open_socket_session
from tests.fakes import until

BACK_SECONDS = 15.0


class Router:
    """Passes connections on to a port, until it forgets them: then no byte of theirs passes any more."""

    def __init__(self, target: int) -> None:
        self.port = 0
        self._target = target
        self._passing: set[asyncio.Task[None]] = set()
        self._writers: list[asyncio.StreamWriter] = []

    def forget(self) -> None:
        """Forget all connections; new ones pass."""
        for task in self._passing:
            task.cancel()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self._target)
        self._writers += [writer, back]
        for source, sink in ((reader, back), (there, writer)):
            task = asyncio.create_task(self._pass(source, sink))
            self._passing.add(task)
            task.add_done_callback(self._passing.discard)

    async def _pass(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await source.read(65_536):
            sink.write(data)
        sink.close()

    def close(self) -> None:
        self.forget()
        for writer in self._writers:
            writer.transport.abort()


@asynccontextmanager
async def routed_to(target: int) -> AsyncGenerator[Router]:
    router = Router(target)
    server = await asyncio.start_server(router.serve, "127.0.0.1", 0)
    router.port = server.sockets[0].getsockname()[1]
    try:
        yield router
    finally:
        server.close()
        router.close()


async def test_chat_is_back_in_15_s_after_the_network_forgot_all_connections() -> None:
    received: list[str] = []

    def receive(event: Event, delivery_id: str, type_: str) -> None:
        received.append(event["message_id"])

    async with (
        LocalTwitch() as twitch,
        routed_to(twitch.port) as router,
        open_session() as requests,
        open_socket_session() as sockets,
    ):
        twitch.add_user("me")
        app = twitch.add_app()
        token = twitch.issue_tokens("me", app.client_id).access
        api_url = str(URL(twitch.api_url).with_port(router.port))
        session = ChatSession(
            twitch.user("me").id,
            "me",
            helix=Helix(requests, client_id=app.client_id, handle=token, api_url=api_url),
            sockets=sockets,
            url=str(URL(twitch.eventsub_url).with_port(router.port)),
            clock=SystemClock(),
            rng=random.Random(7),
            receive=receive,
        )
        session.set_channels(["me"])
        running = asyncio.create_task(session.run())
        try:
            await until(lambda: session.joined == 1)
            await asyncio.sleep(0.2)
            router.forget()
            began = time.monotonic()
            while not received:
                await twitch.say("me", in_="me", text="hello")
                await asyncio.sleep(0.1)
                assert time.monotonic() - began < BACK_SECONDS + 10
            seconds = time.monotonic() - began
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
    assert seconds < BACK_SECONDS
