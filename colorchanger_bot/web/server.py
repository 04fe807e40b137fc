"""The dashboard, listening on its port."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

from aiohttp import web

from colorchanger_bot.clock import Clock, SystemClock
from colorchanger_bot.service.service import Service
from colorchanger_bot.web.app import Dashboard
from colorchanger_bot.web.chat import Chat
from colorchanger_bot.web.connections import gates
from colorchanger_bot.words import reason

logger = logging.getLogger(__name__)

GRACE_SECONDS = 0.5
"""How long a stop waits for answers under way; colours must be put back within 4 s, too."""


IDLE_SECONDS = 10.0
"""How long a browser's connection may stay open without a request: the number of connections is limited."""
BACKLOG = 128
"""Connections that wait to be accepted."""
MORE_PORTS = 9
"""How many of the next ports are tried before any free one: so the address stays the same, mostly."""


class Web:
    """The dashboard of a service."""

    def __init__(self, dashboard: Dashboard, runner: web.AppRunner, listening: asyncio.Server, host: str) -> None:
        self._dashboard = dashboard
        self._runner = runner
        self._listening = listening
        self._port = int(listening.sockets[0].getsockname()[1])
        self._host = host

    @classmethod
    async def open(
        cls, service: Service, *, clock: Clock, chat: Chat | None = None, more_ports: Sequence[int] = ()
    ) -> Web:
        """Start to listen, on one of `more_ports` if the port of the settings is taken.

        Raises:
            OSError: all ports are taken, or the address is not of this machine.
        """
        settings = service.settings.web
        dashboard = Dashboard(service, clock=clock, chat=chat)
        runner = web.AppRunner(
            dashboard.application(),
            access_log=None,
            keepalive_timeout=IDLE_SECONDS,
            shutdown_timeout=GRACE_SECONDS,
            handler_cancellation=True,
        )
        await runner.setup()
        if runner.server is None:
            raise RuntimeError("the web server could not be set up")
        try:
            listening = await _listen(runner.server, settings.host, [settings.port, *more_ports])
        except OSError:
            await runner.cleanup()
            raise
        return cls(dashboard, runner, listening, settings.host)

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return self._port

    @property
    def url(self) -> str:
        """Where a person opens it."""
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "::1": "[::1]"}.get(self._host, self._host)  # noqa: S104
        return f"http://{host}:{self.port}"

    async def close(self) -> None:
        """Stop listening, and end what is open."""
        self._listening.close()
        await self._dashboard.close()
        await self._runner.cleanup()


@asynccontextmanager
async def serving(
    service: Service, *, clock: Clock | None = None, chat: Chat | None = None, other_port: bool = False
) -> AsyncGenerator[Web | None]:
    """Serve the dashboard of a service; None if its port is taken, without which colours change all the same.

    With `other_port`, another one is used then.
    """
    port = service.settings.web.port
    # Not beyond the last port; 0 is any free one.
    others = [*range(port + 1, min(port + MORE_PORTS, 65535) + 1), 0] if other_port and port else []
    page: Web | None = None
    try:
        page = await Web.open(service, clock=clock or SystemClock(), chat=chat, more_ports=others)
    except OSError as error:
        where = f"{service.settings.web.host}:{service.settings.web.port}"
        logger.error(
            "no dashboard on %s: %s; colours keep changing; set another web.port, or end what uses this one",
            where,
            reason(error),
        )
    else:
        logger.info("the dashboard is on %s", page.url)
        if port not in (0, page.port):
            logger.warning("port %d is taken by another program, so the dashboard is on port %d", port, page.port)
    service.announce_page(page.url if page is not None else "")
    try:
        yield page
    finally:
        if page is not None:
            await page.close()


async def _listen(server: web.Server, host: str, ports: Sequence[int]) -> asyncio.Server:
    """Listen on the first of these ports that can be used.

    Raises:
        OSError: none can.
    """
    *first, last = ports
    loop = asyncio.get_running_loop()
    for port in first:
        with contextlib.suppress(OSError):
            return await loop.create_server(gates(server), host, port, backlog=BACKLOG)
    return await loop.create_server(gates(server), host, last, backlog=BACKLOG)
