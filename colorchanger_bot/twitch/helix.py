"""The Helix calls that ColorChanger makes, with every error mapped (Twitch API reference)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import aiohttp

from colorchanger_bot.color import Color
from colorchanger_bot.errors import (
    LOG_IN,
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
from colorchanger_bot.twitch.answers import Answer, by_twitch, foreign
from colorchanger_bot.twitch.http import forget_connections, send

CHAT_MESSAGE, CHAT_NOTIFICATION = "channel.chat.message", "channel.chat.notification"
"""The two types in which an account's own words come: the second for announcements, watch streaks and resubs."""
USERS_PER_CALL = 100
MOST_PAGES = 50
UNREADABLE = "Twitch answered with a list that is not in its format"


class User(NamedTuple):
    """A Twitch user, and the channel of the same name."""

    id: str
    login: str
    name: str


class Subscribed(NamedTuple):
    """An enabled chat subscription, in any session of any program of this application."""

    id: str
    session_id: str
    broadcaster_id: str
    user_id: str
    type: str = CHAT_MESSAGE


class Helix:
    """The calls of one account; the guard of the session replaces `handle` by the token."""

    def __init__(self, session: aiohttp.ClientSession, *, client_id: str, handle: str, api_url: str) -> None:
        self._session = session
        self._url = api_url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {handle}", "Client-Id": client_id}

    def forget_connections(self) -> None:
        """Use none of the idle connections again: the network may have changed without a word."""
        forget_connections(self._session)

    async def put_color(self, user_id: str, color: Color) -> None:
        """Set the colour of the account (scope user:manage:chat_color).

        Raises:
            ColorRejected, MissingScope, TokenRefused, NeedsLogin, RateLimited, OutcomeUnknown, TwitchUnavailable
        """
        answer = await self._call("PUT", "chat/color", params={"user_id": user_id, "color": color.wire})
        if answer.status == 400:
            raise ColorRejected(f"Twitch does not accept {color} ({answer.message or 'no reason given'})")
        _expect(answer, 204)  # a 200 did not come from Twitch, and the colour is asked for again

    async def get_color(self, user_id: str) -> Color | None:
        """Return the colour of a user; None if they never chose one.

        Raises:
            the errors of `put_color`, except ColorRejected
        """
        data = await self._data("GET", "chat/color", params={"user_id": user_id})
        text = data[0].get("color") if data else None
        try:
            return Color.parse(text) if isinstance(text, str) and text else None
        except UnknownColor:
            return None

    async def users(self, logins: Sequence[str] = (), *, ids: Sequence[str] = ()) -> list[User]:
        """Return the users with these logins and ids that exist, in no order."""
        wanted = [*(("login", login) for login in logins), *(("id", id_) for id_ in ids)]
        found: list[User] = []
        for start in range(0, len(wanted), USERS_PER_CALL):
            params = wanted[start : start + USERS_PER_CALL]
            answer = await self._call("GET", "users", params=params)
            _expect(answer, 200)
            try:
                found += [
                    User(str(row["id"]), str(row["login"]).lower(), str(row.get("display_name") or row["login"]))
                    for row in _rows(answer)
                ]
            except (LookupError, TypeError, AttributeError):
                raise foreign(answer.status) from None
        return found

    async def subscribe_chat(
        self, session_id: str, *, broadcaster_id: str, user_id: str, type_: str = CHAT_MESSAGE
    ) -> str:
        """Let an EventSub session see a channel's chat as `user_id` (scope user:read:chat); return the subscription.

        The id is empty if the subscription existed already.

        Raises:
            ChannelRefused: banned there, or the scope is missing.
            SessionGone: the session has ended.
            RateLimited: `retry_at` is None if, and only if, sessions that have ended still count at Twitch.
            the other errors of `put_color`
        """
        body = {
            "type": type_,
            "version": "1",
            "condition": {"broadcaster_user_id": broadcaster_id, "user_id": user_id},
            "transport": {"method": "websocket", "session_id": session_id},
        }
        try:
            answer = await self._call("POST", "eventsub/subscriptions", json=body)
        except RateLimited as error:
            raise _refused_subscription(error) from None
        if answer.status == 409:
            return ""
        if answer.status == 403:
            raise ChannelRefused(answer.message or "Twitch does not let this account read the channel")
        if answer.status == 400:
            about_session = any(sign in answer.message.lower() for sign in ("session", "transport"))
            if about_session or not answer.message:
                raise SessionGone(answer.message or "the EventSub session has ended")
            raise ChannelRefused(answer.message)
        _expect(answer, 202, 200)
        try:
            return str(_rows(answer)[0]["id"])
        except (LookupError, TypeError):
            raise foreign(answer.status) from None

    async def subscriptions(self) -> list[Subscribed]:
        """Return the enabled chat subscriptions of this account and application, in all sessions."""
        rows = await self._pages("eventsub/subscriptions", [("status", "enabled")])
        try:
            return [
                Subscribed(
                    id=str(row["id"]),
                    session_id=str(row["transport"].get("session_id", "")),
                    broadcaster_id=str(row["condition"].get("broadcaster_user_id", "")),
                    user_id=str(row["condition"].get("user_id", "")),
                    type=str(row["type"]),
                )
                for row in rows
                if row["type"] in (CHAT_MESSAGE, CHAT_NOTIFICATION) and row["status"] == "enabled"
            ]
        except (LookupError, TypeError, AttributeError):
            raise TwitchUnavailable(UNREADABLE) from None

    async def live_followed(self, user_id: str) -> dict[str, str]:
        """Return the live channels that the account follows, login to id (scope user:read:follows)."""
        rows = await self._pages("streams/followed", [("user_id", user_id)])
        try:
            return {str(row["user_login"]).lower(): str(row["user_id"]) for row in rows}
        except (LookupError, TypeError, AttributeError):
            raise TwitchUnavailable(UNREADABLE) from None

    async def unsubscribe(self, subscription_id: str) -> None:
        """End a subscription; it may be gone already."""
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

    async def _pages(self, path: str, params: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
        """Return all rows of a list that comes in pages, up to a limit that no list of ours reaches."""
        rows: list[dict[str, Any]] = []
        after: list[tuple[str, str]] = []
        for _ in range(MOST_PAGES):
            answer = await self._call("GET", path, params=[*params, *after])
            _expect(answer, 200)
            rows += _rows(answer)
            pagination: object = answer.json().get("pagination")
            cursor = _table(pagination).get("cursor")
            if not isinstance(cursor, str) or not cursor:
                return rows
            after = [("after", cursor)]
        raise TwitchUnavailable(f"Twitch's list at {path} has no end")

    async def _data(self, method: str, path: str, **options: Any) -> list[dict[str, Any]]:
        answer = await self._call(method, path, **options)
        _expect(answer, 200)
        return _rows(answer)

    async def _call(self, method: str, path: str, **options: Any) -> Answer:
        try:
            answer = await send(self._session, method, f"{self._url}/{path}", headers=self._headers, **options)
        except OutcomeUnknown as error:
            if method == "GET":  # it changes nothing
                raise TwitchUnavailable(str(error)) from None
            raise
        by_twitch(answer)
        if answer.status == 401:
            raise _unauthorized(answer.message)
        if answer.status == 429:
            raise RateLimited(f"Twitch asks to slow down ({answer.message or 'too many requests'})", _reset(answer))
        return answer


def _rows(answer: Answer) -> list[dict[str, Any]]:
    data: object = answer.json().get("data")
    if not isinstance(data, list):
        raise foreign(answer.status)
    rows: list[object] = data  # pyright: ignore[reportUnknownVariableType]
    if not all(isinstance(row, dict) for row in rows):
        raise foreign(answer.status)
    return data  # pyright: ignore[reportUnknownVariableType]


def _table(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}  # pyright: ignore[reportUnknownVariableType]


def _refused_subscription(error: RateLimited) -> ColorChangerError:
    """Tell the 429s of a subscription apart: ended sessions that still count, the bucket, or anything else."""
    if "limit exceeded" in str(error) or "condition exceeded" in str(error):
        return RateLimited(f"Twitch still counts sessions that have ended ({error})")
    return error if error.retry_at is not None else TwitchUnavailable(str(error))


def _unauthorized(message: str) -> ColorChangerError:
    if "scope" in message.lower():
        return MissingScope(f"the login lacks a permission ({message}); {LOG_IN}")
    return TokenRefused(f"Twitch refuses the login ({message or '401'})")


def _reset(answer: Answer) -> float | None:
    """Return when the bucket of the rate limit is full again; None for a 429 that is not about the bucket."""
    text = answer.headers.get("Ratelimit-Reset", "")
    if answer.headers.get("Ratelimit-Remaining", "0") != "0":
        return None
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) else None


def _expect(answer: Answer, *statuses: int) -> None:
    if answer.status in statuses:
        return
    if answer.status < 300:  # a success that Twitch does not have
        raise foreign(answer.status)
    raise TwitchUnavailable(f"Twitch answered {answer.status} ({answer.message or 'no reason given'})")


class HelixColors:
    """The `ColorApi` of our own bot: each account has its own `Helix`."""

    def __init__(self) -> None:
        self.by_user: dict[str, Helix] = {}

    async def put_color(self, user_id: str, color: Color) -> None:
        await self.by_user[user_id].put_color(user_id, color)

    async def get_color(self, user_id: str) -> Color | None:
        return await self.by_user[user_id].get_color(user_id)
