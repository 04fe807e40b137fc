"""What came back from a request, and whether Twitch wrote it.

Gateways, protection pages and login pages answer in Twitch's place, with any status. Only Twitch's own word may
decide about tokens, bans, colours or applications, so every caller asks here who has spoken.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from colorchanger_bot.errors import TwitchUnavailable

SHOWN_CHARACTERS = 200


class Answer(NamedTuple):
    """An answer with any status and its whole body; the body is empty if it was too large to be Twitch's."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        """Return the body as a JSON object.

        Raises:
            TwitchUnavailable: it is not one.
        """
        data = self._object()
        if data is None:
            raise foreign(self.status)
        return data

    @property
    def refusal(self) -> str | None:
        """Twitch's words when it refuses a request, maybe empty; None if the answer is no refusal by Twitch."""
        return refusal_in(self.status, self._object())

    @property
    def message(self) -> str:
        """Twitch's words when it refuses a request; empty without any."""
        return self.refusal or ""

    def _object(self) -> dict[str, Any] | None:
        try:
            data = orjson.loads(self.body)
        except orjson.JSONDecodeError:
            return None
        return data if isinstance(data, dict) else None  # pyright: ignore[reportUnknownVariableType]


def refusal_in(http_status: int, data: object) -> str | None:
    """Return the words of a refusal by Twitch, maybe empty; None if the decoded body is not one.

    Helix and id.twitch.tv both refuse with a JSON object whose `status` repeats the HTTP status and whose `message` is
    a text (Twitch API reference, authentication guide).
    """
    if http_status < 400 or not isinstance(data, dict):
        return None
    body: dict[str, Any] = data  # pyright: ignore[reportUnknownVariableType]
    status, message = body.get("status"), body.get("message")
    if type(status) is not int or status != http_status or not isinstance(message, str):
        return None
    return message[:SHOWN_CHARACTERS]


def by_twitch(answer: Answer) -> Answer:
    """Return the answer if it is a success or a refusal by Twitch; what a success says is checked by its reader.

    Raises:
        TwitchUnavailable: something between here and Twitch has answered, or Twitch is in trouble.
    """
    if not (200 <= answer.status < 300 or answer.refusal is not None):
        raise foreign(answer.status)
    if answer.status >= 500:
        raise TwitchUnavailable(f"Twitch is in trouble ({answer.status})")
    return answer


def foreign(status: int) -> TwitchUnavailable:
    """Return the error for an answer that Twitch did not write."""
    if status >= 500:
        return TwitchUnavailable(f"Twitch is in trouble ({status})")
    return TwitchUnavailable(
        f"something other than Twitch answered ({status}): a proxy, a firewall or a login page is in between"
    )
