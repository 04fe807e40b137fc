"""The Helix calls that ColorChanger makes itself, with every error mapped (Twitch API reference)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp

from colorchanger_bot.color import Color
from colorchanger_bot.errors import (
    ChannelRefused,
    ColorChangerError,
    ColorRejected,
    MissingScope,
    OutcomeUnknown,
    RateLimited,
    SessionGone,
    TokenRefused,
    TwitchUnavailable,
    UnknownColor,
)
from colorchanger_bot.http import Answer, send

CHAT_MESSAGE = "channel.chat.message"
USERS_PER_CALL = 100
CURE = "run: colorchanger login"


@dataclass(frozen=True, slots=True)
class User:
    """A Twitch user, who is a channel too."""

    id: str
    login: str
    name: str


class Helix:
    """The calls of one account; the session's guard puts the token in the place of `handle`."""

    def __init__(self, session: aiohttp.ClientSession, *, client_id: str, handle: str, api_url: str) -> None:
        self._session = session
        self._url = api_url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {handle}", "Client-Id": client_id}

    async def put_color(self, user_id: str, color: Color) -> None:
        """Give the account a colour (scope user:manage:chat_color).

        Raises:
            ColorRejected, MissingScope, TokenRefused, NeedsLogin, RateLimited, OutcomeUnknown, TwitchUnavailable
        """
        answer = await self._call("PUT", "chat/color", params={"user_id": user_id, "color": color.wire})
        if answer.status == 400:
            raise ColorRejected(f"Twitch does not take {color} ({answer.message or 'no reason given'})")
        _expect(answer, 204, 200)

    async def get_color(self, user_id: str) -> Color | None:
        """Return the colour a user has; None for one who never chose.

        Raises:
            the errors of `put_color` but ColorRejected
        """
        data = await self._data("GET", "chat/color", params={"user_id": user_id})
        text = data[0].get("color") if data else None
        try:
            return Color.parse(text) if isinstance(text, str) and text else None
        except UnknownColor:
            return None

    async def users(self, logins: Sequence[str]) -> list[User]:
        """Return the users of these logins that exist, in no order."""
        found: list[User] = []
        for start in range(0, len(logins), USERS_PER_CALL):
            params = [("login", login) for login in logins[start : start + USERS_PER_CALL]]
            users = await self._data("GET", "users", params=params)
            found += [User(str(user["id"]), str(user["login"]).lower(), str(user["display_name"])) for user in users]
        return found

    async def subscribe_chat(self, session_id: str, *, broadcaster_id: str, user_id: str) -> str:
        """Let an EventSub session see a channel's chat as `user_id` (scope user:read:chat); return the subscription.

        An empty id stands for a subscription that existed already.

        Raises:
            ChannelRefused: banned there, or the scope is missing.
            SessionGone: the session has ended.
            RateLimited: `retry_at` is None when lingering sessions are in the way.
            the other errors of `put_color`
        """
        body = {
            "type": CHAT_MESSAGE,
            "version": "1",
            "condition": {"broadcaster_user_id": broadcaster_id, "user_id": user_id},
            "transport": {"method": "websocket", "session_id": session_id},
        }
        answer = await self._call("POST", "eventsub/subscriptions", json=body)
        if answer.status == 409:
            return ""
        if answer.status == 403:
            raise ChannelRefused(answer.message or "Twitch does not let this account read the channel")
        if answer.status == 400:
            raise SessionGone(answer.message or "the EventSub session has ended")
        _expect(answer, 202, 200)
        made: list[dict[str, Any]] = answer.json().get("data") or []
        return str(made[0].get("id", "")) if made else ""

    async def unsubscribe(self, subscription_id: str) -> None:
        """End a subscription; one that is gone already is fine."""
        answer = await self._call("DELETE", "eventsub/subscriptions", params={"id": subscription_id})
        _expect(answer, 204, 404)

    async def say(self, broadcaster_id: str, sender_id: str, text: str, *, reply_to: str) -> str | None:
        """Answer a message in chat (scope user:write:chat); return the new message's id, None if Twitch dropped it."""
        body = {
            "broadcaster_id": broadcaster_id,
            "sender_id": sender_id,
            "message": text[:500],
            "reply_parent_message_id": reply_to,
        }
        data = await self._data("POST", "chat/messages", json=body)
        sent = data[0] if data else {}
        return str(sent.get("message_id", "")) if sent.get("is_sent") else None

    async def _data(self, method: str, path: str, **options: Any) -> list[dict[str, Any]]:
        answer = await self._call(method, path, **options)
        _expect(answer, 200)
        data = answer.json().get("data")
        if not isinstance(data, list):
            raise TwitchUnavailable("Twitch answered with something that is not its format")
        return data  # pyright: ignore[reportUnknownVariableType]

    async def _call(self, method: str, path: str, **options: Any) -> Answer:
        try:
            answer = await send(self._session, method, f"{self._url}/{path}", headers=self._headers, **options)
        except OutcomeUnknown as error:
            if method == "GET":  # it asks and changes nothing: no answer is no harm
                raise TwitchUnavailable(str(error)) from None
            raise
        if answer.status == 401:
            raise _unauthorized(answer.message)
        if answer.status == 429:
            raise RateLimited(f"Twitch asks to slow down ({answer.message or 'too many requests'})", _reset(answer))
        if answer.status >= 500:
            raise TwitchUnavailable(f"Twitch is in trouble ({answer.status})")
        return answer


def _unauthorized(message: str) -> ColorChangerError:
    if "scope" in message.lower():
        return MissingScope(f"the login lacks a permission ({message}); {CURE}")
    return TokenRefused(f"Twitch refuses the login ({message or '401'})")


def _reset(answer: Answer) -> float | None:
    """When the rate limit's bucket is full again; None for a 429 that is not about the bucket."""
    text = answer.headers.get("Ratelimit-Reset", "")
    if answer.headers.get("Ratelimit-Remaining", "0") != "0":
        return None
    try:
        return float(text)
    except ValueError:
        return None


def _expect(answer: Answer, *statuses: int) -> None:
    if answer.status not in statuses:
        raise TwitchUnavailable(f"Twitch answered {answer.status} ({answer.message or 'no reason given'})")


class HelixColors:
    """The `ColorApi` of our own bot: each account's calls go through its own `Helix`."""

    def __init__(self) -> None:
        self.by_user: dict[str, Helix] = {}

    async def put_color(self, user_id: str, color: Color) -> None:
        await self.by_user[user_id].put_color(user_id, color)

    async def get_color(self, user_id: str) -> Color | None:
        return await self.by_user[user_id].get_color(user_id)
