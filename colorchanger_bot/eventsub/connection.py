"""Connection: an account's connection to Twitch's chat: the socket in use, and those it replaced, until they end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

import aiohttp
from yarl import URL

from colorchanger_bot.clock import Clock, Tasks
from colorchanger_bot.eventsub.socket import Socket, open_socket
from colorchanger_bot.eventsub.timing import Timing

MOST_OVERLAPS = 10
"""A replaced socket is read for at most this many overlaps while the new one does not get everything yet."""


class Connection:
    """Opens, reads, replaces and closes sockets.

    `receive` gets each text frame with its socket; `ended` is called when the socket in use has ended by itself. Each
    open socket takes one of the account's `slots`.
    """

    def __init__(
        self,
        http: aiohttp.ClientSession,
        tasks: Tasks,
        login: str,
        *,
        clock: Clock,
        timing: Timing,
        receive: Callable[[Socket, str], None],
        ended: Callable[[], None],
        slots: asyncio.Semaphore,
    ) -> None:
        self.current: Socket | None = None
        """The socket in use."""
        self._http = http
        self._tasks = tasks
        self._login = login
        self._clock = clock
        self._timing = timing
        self._receive = receive
        self._ended = ended
        self._slots = slots

    async def open(self, url: URL, *, limit: float) -> Socket:
        """Open a socket without using it yet.

        Raises:
            TwitchUnavailable: no welcome within `limit` seconds.
        """
        close_limit = self._timing.close
        await self._slots.acquire()  # an old socket gives its place back within the limits of `retire`
        try:
            socket = await open_socket(self._http, url, self._clock, self._tasks, limit=limit, close_limit=close_limit)
        except BaseException:
            self._slots.release()
            raise
        socket.when_closed(self._slots.release)
        return socket

    def use(self, socket: Socket, session_number: int) -> None:
        """Read a socket, and make it the one in use."""
        socket.session_number = session_number
        self.current = socket
        self._tasks.start(self._read(socket), f"socket of {self._login}")

    def retire(self, socket: Socket, is_replaced: Callable[[], bool] | None) -> None:
        """Close a socket once its last messages have been read and its replacement gets everything.

        None: nothing replaces it, so it is closed at once.
        """
        if socket is self.current:
            self.current = None
        if not socket.end_reason:  # else its reader closes it
            self._tasks.start(self._close_later(socket, is_replaced), f"old socket of {self._login}")

    async def _read(self, socket: Socket) -> None:
        try:
            await socket.read(partial(self._receive, socket), keepalive_grace=self._timing.keepalive_grace)
        finally:
            if socket is self.current:
                self._ended()
            await socket.close()

    async def _close_later(self, socket: Socket, is_replaced: Callable[[], bool] | None) -> None:
        try:
            for _ in range(MOST_OVERLAPS if is_replaced is not None else 0):
                await self._clock.sleep(self._timing.overlap)
                if socket.end_reason or (is_replaced is not None and is_replaced()):
                    break
        finally:
            await socket.close()
