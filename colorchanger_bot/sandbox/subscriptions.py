"""The routes of Helix for EventSub subscriptions, and every rule that Twitch has for them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable
from typing import Any, cast

from aiohttp import web

from .eventsub import EventSub
from .limits import Limits
from .parameters import body
from .rate_limits import SlidingWindow
from .registry import Registry
from .responses import ApiError, json_response, paginate
from .router import HelixRouter, required
from .sessions import TYPES, Session, Subscription
from .state import State, User
from .tokens import AccessToken

MAX_TOTAL_COST = 10
# Twitch says the same for a missing scope, a ban, and a full list or too quick a pace of joined channels.
UNAUTHORIZED = "subscription missing proper authorization"

_TYPE = re.compile(r"[a-z_]{1,40}(\.[a-z_]{1,40}){1,4}")
_STATUS = re.compile(
    r"enabled|authorization_revoked|moderator_removed|user_removed|chat_user_banned|version_removed|beta_maintenance"
    r"|notification_failures_exceeded|webhook_callback_verification_(pending|failed)|conduit_deleted"
    r"|websocket_(disconnected|failed_ping_pong|received_inbound_traffic|connection_unused|internal_error"
    r"|network_timeout|network_error|failed_to_reconnect)"
)
_FILTERS: dict[str, Callable[[str], object]] = {
    "status": _STATUS.fullmatch,
    "type": _TYPE.fullmatch,
    "user_id": re.compile(r"[0-9]{1,20}").fullmatch,
    "subscription_id": re.compile(r"[0-9A-Za-z-]{1,64}").fullmatch,
}


class Subscriptions:
    """Creates, lists and deletes subscriptions."""

    def __init__(
        self, state: State, eventsub: EventSub, registry: Registry, limits: Limits, now: Callable[[], float]
    ) -> None:
        self._state = state
        self._eventsub = eventsub
        self._registry = registry
        self._limits = limits
        self._joins: dict[str, SlidingWindow] = defaultdict(
            lambda: SlidingWindow(limits.joins, limits.join_window, now)
        )

    def routes(self, router: HelixRouter) -> list[web.RouteDef]:
        """What answers on which path; the scope is a rule of the subscription, not of the route."""
        return [
            router.route("POST /eventsub/subscriptions", self.create),
            router.route("GET /eventsub/subscriptions", self.list),
            router.route("DELETE /eventsub/subscriptions", self.delete),
        ]

    async def create(self, request: web.Request, token: AccessToken) -> web.Response:
        """Subscribe: 202 with the subscription."""
        given = await body(request)
        type = _type(given)
        session = self._session(given, token)
        channel = self._channel(given, token)
        user = token.user
        if user is None or "user:read:chat" not in token.scopes or user.id in channel.banned:
            raise ApiError(403, UNAUTHORIZED)
        subscription = Subscription(session, token.app.client_id, user, channel, type)
        self._check_limits(subscription)
        if not self._registry.matching(user=user, channel=channel):
            self._joins[user.id].note()
        self._registry.add(subscription)
        total = len(self._registry.matching(user=user, client_id=token.app.client_id))
        return json_response(_listed([subscription], total), status=202)

    async def list(self, request: web.Request, token: AccessToken) -> web.Response:
        """What this token's user and application subscribed to, oldest first, also what ended a while ago."""
        filters = {name: request.query[name] for name in _FILTERS if name in request.query}
        if len(filters) > 1:
            raise ApiError(400, f"The filters {', '.join(_FILTERS)} are mutually exclusive.")
        for name, value in filters.items():
            if not _FILTERS[name](value):
                raise ApiError(400, f'The parameter "{name}" was malformed.')
        rows = self._visible(token)
        for name, value in filters.items():
            rows = [row for row in rows if value in _values(row, name)]
        total = len(rows)
        rows, pagination = paginate(rows, request, default=100)
        return json_response(_listed(rows, total) | {"pagination": pagination})

    async def delete(self, request: web.Request, token: AccessToken) -> web.Response:
        """Unsubscribe: 204."""
        id = required(request, "id")
        for subscription in self._visible(token):
            if subscription.id == id and subscription.status == "enabled":
                self._registry.remove(subscription)
                return web.Response(status=204)
        raise ApiError(404, "subscription not found")

    def _session(self, body: dict[str, Any], token: AccessToken) -> Session:
        """The live session of the request, which serves this token's user or nobody yet."""
        transport = _fields(body, "transport")
        if transport.get("method") != "websocket" or token.user is None:
            raise ApiError(400, "invalid transport and auth combination")
        session = self._eventsub.sessions.get(transport.get("session_id", ""))
        if session is None or not session.alive:
            raise ApiError(400, "websocket transport session does not exist or has already disconnected")
        if session.user and (session.user, session.client_id) != (token.user, token.app.client_id):
            raise ApiError(400, "websocket transport cannot have subscriptions created by different users")
        return session

    def _channel(self, body: dict[str, Any], token: AccessToken) -> User:
        """The channel of the condition, which must name the token's user as its reader."""
        condition = _fields(body, "condition")
        for name in ("broadcaster_user_id", "user_id"):
            if not condition.get(name):
                raise ApiError(400, f"missing or unparseable condition: {name}")
        channel = self._state.find(id=condition["broadcaster_user_id"])
        if channel is None:
            raise ApiError(400, "invalid condition: broadcaster_user_id is not a user")
        if token.user is None or condition["user_id"] != token.user.id:
            raise ApiError(403, UNAUTHORIZED)
        return channel

    def _check_limits(self, wanted: Subscription) -> None:
        """EventSub's limits count per client id and user, chat's per user."""
        session, user, channel = wanted.session, wanted.user, wanted.channel
        if any((known.channel, known.type) == (channel, wanted.type) for known in session.subscriptions.values()):
            raise ApiError(409, "subscription already exists")
        mine = self._registry.matching(user=user, client_id=wanted.client_id)
        same = [known for known in mine if (known.channel, known.type) == (channel, wanted.type)]
        if len(same) >= self._limits.same_subscription:
            raise ApiError(429, "maximum subscriptions with type and condition exceeded")
        if len({known.session for known in mine} - {session}) >= self._limits.sockets:
            raise ApiError(429, "number of websocket transports limit exceeded")
        if len(session.subscriptions) >= self._limits.subscriptions_per_socket:
            raise ApiError(429, "number of websocket subscriptions limit exceeded")
        joined = {known.channel for known in self._registry.matching(user=user)}
        if channel in joined:
            return
        counted = {known for known in joined if not user.privileged_in(known)}
        too_many = not user.privileged_in(channel) and len(counted) >= self._limits.joined_channels
        if too_many or self._joins[user.id].full():
            raise ApiError(403, UNAUTHORIZED)

    def _visible(self, token: AccessToken) -> list[Subscription]:
        if token.user is None:
            return []
        enabled = self._registry.matching(user=token.user, client_id=token.app.client_id)
        ended = [
            known
            for known in self._registry.ended
            if (known.client_id, known.user) == (token.app.client_id, token.user)
        ]
        return sorted(enabled + ended, key=lambda known: known.created_at)


def _listed(rows: list[Subscription], total: int) -> dict[str, Any]:
    return {
        "data": [row.body() for row in rows],
        "total": total,
        "total_cost": 0,
        "max_total_cost": MAX_TOTAL_COST,
    }


def _values(row: Subscription, filter: str) -> tuple[str, ...]:
    """The values of a filter that find this subscription."""
    return {
        "status": (row.status,),
        "type": (row.type,),
        "user_id": (row.user.id, row.channel.id),
        "subscription_id": (row.id,),
    }[filter]


def _type(body: dict[str, Any]) -> str:
    """The subscription type that is asked for.

    Raises: ApiError when it is not one of the local Twitch's, or not in a version of Twitch's.
    """
    type, version = body.get("type"), body.get("version")
    if isinstance(type, str) and _TYPE.fullmatch(type) and type not in TYPES:
        raise ApiError(400, f"The local Twitch has no subscription type {type}; it has {' and '.join(TYPES)}.")
    if not isinstance(type, str) or type not in TYPES or version != TYPES[type]:
        raise ApiError(400, "invalid subscription type and version")
    return type


def _fields(body: dict[str, Any], name: str) -> dict[str, str]:
    """An object of texts within the body.

    Raises: ApiError when it is not there or is something else.
    """
    value = body.get(name)
    if not isinstance(value, dict):
        raise ApiError(400, f"missing or unparseable {name}")
    fields = cast("dict[object, object]", value)
    return {str(key): text for key, text in fields.items() if isinstance(text, str)}
