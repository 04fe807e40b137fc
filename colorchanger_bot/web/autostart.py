"""The switch "start with this computer" on the page."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

from colorchanger_bot.autostart import switch
from colorchanger_bot.autostart.entry import Status
from colorchanger_bot.errors import AutostartFailed
from colorchanger_bot.service.service import Service


class ComputerStart:
    """Whether ColorChanger starts with this computer; the system is asked in a thread."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._changing = asyncio.Lock()
        self._status: Status | None = None
        """None: not known yet."""

    @property
    def is_offered(self) -> bool:
        """Whether this computer can do it."""
        return self._status is not None and self._status.state != "unavailable"

    def to_json(self) -> dict[str, Any]:
        """Return what the page shows."""
        if self._status is None:
            return {"isOn": False, "problem": ""}
        return {"isOn": self._status.state == "on", "problem": self._status.reason}

    async def look(self) -> None:
        """Ask the system how it stands."""
        async with self._changing:
            try:
                self._status = await asyncio.to_thread(switch.status)
            except AutostartFailed as error:
                self._status = Status("unavailable", reason=str(error))

    async def turn(self, *, on: bool) -> None:
        """Turn it on or off.

        Raises:
            AutostartFailed: the system refused.
        """
        async with self._changing:
            self._status = await asyncio.to_thread(
                partial(switch.turn_on, self._service.settings.source) if on else switch.turn_off
            )
