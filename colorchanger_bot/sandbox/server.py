"""The HTTP server: one port for id, Helix and EventSub, whose connections the network can forget."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from aiohttp import web

from .network import forget

_SHUTDOWN = 0.2  # seconds for requests that are being answered


class Server:
    """Serves an application; counts the connections that it accepts."""

    def __init__(self, host: str, port: int) -> None:
        self.host = host
        self.port = port
        self.accepted = 0
        self._runner: web.AppRunner | None = None
        self._server: asyncio.Server | None = None
        self._forgotten: list[asyncio.Transport] = []

    @property
    def running(self) -> bool:
        """Whether it was started and not yet closed."""
        return self._server is not None

    @property
    def url(self) -> str:
        """Where clients on this machine find it."""
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "::1": "[::1]"}.get(self.host, self.host)  # noqa: S104
        return f"http://{host}:{self.port}"

    async def start(self, application: web.Application) -> None:
        """Listen.

        Raises: OSError when the port is taken.
        """
        self._runner = web.AppRunner(application, handle_signals=False, access_log=None, shutdown_timeout=_SHUTDOWN)
        await self._runner.setup()
        self._server = await asyncio.get_running_loop().create_server(self._accept, self.host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    def stop_listening(self) -> None:
        """Accept no more connections."""
        if self._server:
            self._server.close()

    async def close(self) -> None:
        """End all connections."""
        self.stop_listening()
        for transport in self._forgotten:
            transport.abort()
        if self._runner:
            await self._runner.cleanup()
        self._server = self._runner = None

    def forget_connections(self, *, but: Collection[asyncio.Transport]) -> int:
        """Let the network forget the open connections; returns how many."""
        serving = self._runner.server.connections if self._runner and self._runner.server else []
        transports = [handler.transport for handler in serving if isinstance(handler.transport, asyncio.Transport)]
        forgotten = [each for each in transports if each not in but and each not in self._forgotten]
        for transport in forgotten:
            forget(transport)
        self._forgotten += forgotten
        return len(forgotten)

    def _accept(self) -> asyncio.BaseProtocol:
        if self._runner is None or self._runner.server is None:
            raise ConnectionAbortedError("the local Twitch is closing")
        self.accepted += 1
        return self._runner.server()
