"""The Client ID that a person pastes: cleaned, checked with Twitch, and kept once Twitch accepts it."""

from __future__ import annotations

import asyncio
import logging
import random
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from colorchanger_bot.clock import Backoff, Clock, cancel
from colorchanger_bot.errors import ColorChangerError, OutcomeUnknown, TwitchUnavailable
from colorchanger_bot.service.login_application import check_application
from colorchanger_bot.service.service import Service
from colorchanger_bot.settings.types import ClientId

logger = logging.getLogger(__name__)

KEY = "app.client_id"
FIRST_WAIT_SECONDS, MOST_WAIT_SECONDS = 1.0, 10.0
_ADDRESS = re.compile(r"dev\.twitch\.tv/console/apps/([a-z0-9]+)", re.IGNORECASE)
_LABEL = re.compile(r"^\W*(?:\w+_)?client[\s_-]*id\w*\W*[:=]\W*|^\W*client[ _-]id\s+", re.IGNORECASE)
_AROUND = re.compile(r"^\W+|\W+$")
_ID = re.compile(r"[A-Za-z0-9]{1,40}")


class NotAnId(ValueError):
    """Raised when what was pasted cannot be a Client ID; the message is for the person."""


def client_id_in(pasted: str) -> str:
    """Return the Client ID in what was pasted, without a label, quotes and spaces, or out of Twitch's address.

    Raises:
        NotAnId: there is none.
    """
    # Copied text can bring invisible characters along.
    text = "".join(each for each in unicodedata.normalize("NFKC", pasted) if unicodedata.category(each) != "Cf")
    if found := _ADDRESS.search(text):
        return found[1].lower()
    text = _AROUND.sub("", "".join(_LABEL.sub("", text).split()))
    if not text:
        raise NotAnId("Paste the Client ID here.")
    # Anything else may be a secret, or the page's whole text: it is not sent to Twitch to find out.
    no_id = NotAnId("This is not a Client ID: it has only letters and digits, mostly 30 of them.")
    if not _ID.fullmatch(text):
        raise no_id
    try:
        return TypeAdapter[str](ClientId).validate_python(text)
    except ValidationError:
        raise no_id from None


@dataclass(slots=True)
class Check:
    """The check of one Client ID."""

    state: Literal["asking", "waiting", "refused"]
    text: str
    client_id: str


class ApplicationCheck:
    """One check at a time. Without a network it continues once there is one."""

    def __init__(
        self, service: Service, clock: Clock, tell: Callable[[], None], accepted: Callable[[], object]
    ) -> None:
        self.current: Check | None = None
        self._service = service
        self._clock = clock
        self._tell = tell
        self._accepted = accepted
        self._task: asyncio.Task[None] | None = None

    async def start(self, pasted: str) -> None:
        """Check what was pasted; if Twitch accepts it, keep it and use it from now on."""
        await self.cancel()
        try:
            client_id = client_id_in(pasted)
        except NotAnId as error:
            self.current = Check("refused", str(error), "")  # it may be a secret, and every open page is told this
        else:
            self.current = Check("asking", "Asking Twitch …", client_id)
            self._task = asyncio.create_task(self._run(self.current), name="check of the Client ID")
        self._tell()

    async def cancel(self) -> None:
        """Stop checking."""
        if self._task is not None:
            await cancel([self._task])
        self._task = self.current = None

    def to_json(self) -> dict[str, Any]:
        """Return what the page shows."""
        check = self.current
        return {"state": check.state, "text": check.text, "clientId": check.client_id} if check else {"state": ""}

    async def _run(self, check: Check) -> None:
        try:
            await self._until_answered(check)
            await self._service.change_preferences({KEY: check.client_id})
        except ColorChangerError as error:
            check.state, check.text = "refused", str(error)
        except Exception:  # the outermost place of this task
            logger.exception("the check of the Client ID failed")
            check.state, check.text = "refused", "An error in ColorChanger: see the log."
        else:
            self.current = None
            self._accepted()
        self._tell()

    async def _until_answered(self, check: Check) -> None:
        backoff = Backoff(random.Random(), first=FIRST_WAIT_SECONDS, most=MOST_WAIT_SECONDS)
        while True:
            try:
                await check_application(self._service.settings, check.client_id, self._clock)
            except (TwitchUnavailable, OutcomeUnknown) as error:
                check.state, check.text = "waiting", unreachable(error)
                self._tell()
                await self._clock.sleep(backoff.next())
            else:
                return


def unreachable(error: ColorChangerError) -> str:
    """Return what the page says while Twitch cannot be asked."""
    return f"No connection to Twitch: {error}. ColorChanger keeps trying."
