"""The routes of Helix, but for the subscriptions: users, colours, chat, follows, streams."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aiohttp import web

from .chat import Chat
from .limits import Limits
from .parameters import query_and_body
from .responses import ApiError, json_response, paginate
from .router import HelixRouter, own, required
from .state import State, User
from .tokens import AccessToken, Tokens

ANNOUNCEMENT_COLORS = ("BLUE", "GREEN", "ORANGE", "PURPLE", "PRIMARY")


class Helix:
    """Reads and changes the state of the local Twitch."""

    def __init__(self, state: State, tokens: Tokens, chat: Chat, limits: Limits) -> None:
        self._state = state
        self._limits = limits
        self._tokens = tokens
        self._chat = chat

    def routes(self, router: HelixRouter) -> list[web.RouteDef]:
        """What answers on which path, and the scope that it takes."""
        return [
            router.route("GET /users", self.users),
            router.route("GET /chat/color", self.colors),
            router.route("PUT /chat/color", self.change_color, scope="user:manage:chat_color"),
            router.route("POST /chat/messages", self.send_message),
            router.route("POST /chat/announcements", self.announce, scope="moderator:manage:announcements"),
            router.route("GET /channels/followed", self.followed, scope="user:read:follows"),
            router.route("GET /streams", self.streams),
            router.route("GET /streams/followed", self.followed_streams, scope="user:read:follows"),
        ]

    async def users(self, request: web.Request, token: AccessToken) -> web.Response:
        """Users by `id` and `login`, or the token's own."""
        ids, logins = request.query.getall("id", []), request.query.getall("login", [])
        if len(ids) + len(logins) > 100:
            raise ApiError(400, "The number of id and login parameters may not exceed 100.")
        if not ids and not logins:
            if token.user is None:
                raise ApiError(400, "The id or login parameter is required with an app access token.")
            return json_response({"data": [_user(token.user)]})
        found = [self._state.find(id=id) for id in ids] + [self._state.find(login=login) for login in logins]
        return json_response({"data": [_user(user) for user in _once(found)]})

    async def colors(self, request: web.Request, token: AccessToken) -> web.Response:
        """The colours of 1 to 100 users."""
        ids = request.query.getall("user_id", [])
        if not ids:
            raise ApiError(400, 'Missing required parameter "user_id"')
        if len(ids) > 100:
            raise ApiError(400, "The number of user_id parameters may not exceed 100.")
        found = _once([self._state.find(id=id) for id in ids])
        return json_response({"data": [{**_named("user", user), "color": user.color} for user in found]})

    async def change_color(self, request: web.Request, token: AccessToken) -> web.Response:
        """Change the token's user's colour: 204 and nothing else."""
        user = own(token, required(request, "user_id"), "user_id")
        if not self._state.change_color(user, required(request, "color")):
            raise ApiError(400, "invalid color: a named color, or a hex color code with Turbo or Prime.")
        return web.Response(status=204)

    async def send_message(self, request: web.Request, token: AccessToken) -> web.Response:
        """Send a chat message; Twitch takes its parameters from the query, a form and JSON alike."""
        given = await query_and_body(request)
        channel = self._state.find(id=str(given.get("broadcaster_id", "")))
        if channel is None:
            raise ApiError(400, "The broadcaster_id is missing or is not a user.")
        sender = self._sender(token, str(given.get("sender_id", "")), channel)
        text = _message(given)
        if len(text) > self._limits.chat_characters:
            raise ApiError(422, "The message is too large.")
        if sender.id in channel.banned:
            raise ApiError(403, "The sender is banned from the broadcaster's chat room.")
        reply_to = given.get("reply_parent_message_id")
        sent = await self._chat.send(sender, channel, text, str(reply_to) if reply_to else None)
        return json_response({"data": [sent]})

    async def announce(self, request: web.Request, token: AccessToken) -> web.Response:
        """Send an announcement: 204."""
        given = await query_and_body(request)
        moderator = own(token, str(given.get("moderator_id", "")), "moderator_id")
        channel = self._state.find(id=str(given.get("broadcaster_id", "")))
        if channel is None:
            raise ApiError(400, "The broadcaster_id is missing or is not a user.")
        if not moderator.privileged_in(channel):
            raise ApiError(401, "The user in moderator_id does not moderate the broadcaster's chat room.")
        color = str(given.get("color") or "primary").upper()
        if color not in ANNOUNCEMENT_COLORS:
            raise ApiError(400, f"The color must be one of {', '.join(ANNOUNCEMENT_COLORS)}.")
        text = _message(given)[: int(self._limits.chat_characters)]  # Twitch cuts what is too long
        await self._chat.send_notice(moderator, channel, text, "announcement", {"color": color})
        return web.Response(status=204)

    def _sender(self, token: AccessToken, sender_id: str, channel: User) -> User:
        """The token's user, or with an application's token a user who lets it act as a bot."""
        if token.user is not None:
            granted, needed = set(token.scopes), {"user:write:chat"}
            sender = own(token, sender_id, "sender_id")
        else:
            sender = self._state.find(id=sender_id)
            if sender is None:
                raise ApiError(400, "The sender_id is missing or is not a user.")
            granted, needed = self._tokens.granted(token.app, sender), {"user:write:chat", "user:bot"}
            if not sender.privileged_in(channel):
                granted |= {"channel:bot"} & self._tokens.granted(token.app, channel)
                needed |= {"channel:bot"}
        if missing := needed - granted:
            raise ApiError(401, f"Missing scope: {min(missing)}")
        return sender

    async def followed(self, request: web.Request, token: AccessToken) -> web.Response:
        """The channels that the token's user follows."""
        user = own(token, required(request, "user_id"), "user_id")
        one = request.query.get("broadcaster_id")
        rows = [
            {**_named("broadcaster", channel), "followed_at": user.following[channel.id]}
            for channel in self._state.users
            if channel.id in user.following and one in (None, channel.id)
        ]
        rows, pagination = paginate(rows, request)
        return json_response({"total": len(user.following), "data": rows, "pagination": pagination})

    async def streams(self, request: web.Request, token: AccessToken) -> web.Response:
        """The live streams, of everyone or of those asked for."""
        ids, logins = request.query.getall("user_id", []), request.query.getall("user_login", [])
        asked = [user for user in self._state.users if user.id in ids or user.login in logins]
        return _streams(request, asked if ids or logins else self._state.users, default=20)

    async def followed_streams(self, request: web.Request, token: AccessToken) -> web.Response:
        """The live streams of the channels that the token's user follows."""
        user = own(token, required(request, "user_id"), "user_id")
        return _streams(
            request, [channel for channel in self._state.users if channel.id in user.following], default=100
        )


def _streams(request: web.Request, channels: Sequence[User], *, default: int) -> web.Response:
    rows, pagination = paginate(
        [_stream(channel) for channel in channels if channel.live_since], request, default=default
    )
    return json_response({"data": rows, "pagination": pagination})


def _message(given: dict[str, Any]) -> str:
    text = given.get("message")
    if not isinstance(text, str) or not text:
        raise ApiError(400, "The message must not be empty.")
    return text


def _once(found: Sequence[User | None]) -> list[User]:
    """Each user once: Twitch ignores repeated and unknown ones."""
    return list(dict.fromkeys(user for user in found if user))


def _named(prefix: str, user: User) -> dict[str, str]:
    return {f"{prefix}_id": user.id, f"{prefix}_login": user.login, f"{prefix}_name": user.display_name}


def _user(user: User) -> dict[str, Any]:
    return {
        "id": user.id,
        "login": user.login,
        "display_name": user.display_name,
        "type": "",
        "broadcaster_type": "",
        "description": "",
        "profile_image_url": "https://static-cdn.jtvnw.net/user-default-pictures-uv/sandbox-profile_image-300x300.png",
        "offline_image_url": "",
        "view_count": 0,
        "created_at": user.created_at,
    }


def _stream(user: User) -> dict[str, Any]:
    return {
        "id": f"4{user.id}",
        **_named("user", user),
        "game_id": "509658",
        "game_name": "Just Chatting",
        "type": "live",
        "title": f"{user.display_name} is live",
        "tags": [],
        "viewer_count": 1,
        "started_at": user.live_since,
        "language": "en",
        "thumbnail_url": f"https://static-cdn.jtvnw.net/previews-ttv/live_user_{user.login}-{{width}}x{{height}}.jpg",
        "tag_ids": [],
        "is_mature": False,
    }
