"""The routes of Helix: each request is checked for token, client id, rate limit and scope."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from .limits import Limits
from .rate_limits import TokenBucket
from .responses import ApiError
from .state import User
from .tokens import AccessToken, Tokens

Endpoint = Callable[[web.Request, AccessToken], Awaitable[web.Response]]


class HelixRouter:
    """Makes routes that check a request before its endpoint runs."""

    def __init__(self, tokens: Tokens, limits: Limits, now: Callable[[], float]) -> None:
        self._tokens = tokens
        self._limits = limits
        self._now = now
        self._buckets: dict[tuple[str, str], TokenBucket] = {}

    def route(self, line: str, endpoint: Endpoint, *, scope: str = "") -> web.RouteDef:
        """A route such as `PUT /chat/color`, for tokens that have the scope."""
        method, path = line.split()

        async def guarded(request: web.Request) -> web.Response:
            token = self._token(request)
            bucket = self._bucket(token)
            try:
                if not bucket.take():
                    raise ApiError(429, "Too many requests: wait for the time in Ratelimit-Reset.")
                if scope and scope not in token.scopes:
                    raise ApiError(401, f"Missing scope: {scope}")
                response = await endpoint(request, token)
            except ApiError as refused:
                refused.headers.update(bucket.headers())
                raise
            response.headers.update(bucket.headers())
            return response

        return web.route(method, f"/helix{path}", guarded)

    def _token(self, request: web.Request) -> AccessToken:
        scheme, _, value = request.headers.get("Authorization", "").partition(" ")
        client_id = request.headers.get("Client-Id", "")
        if not value:
            raise ApiError(401, "OAuth token is missing")
        if not client_id:
            raise ApiError(401, "Client ID is missing")
        token = self._tokens.access(value) if scheme == "Bearer" else None
        if token is None:
            raise ApiError(401, "Invalid OAuth token")
        if token.app.client_id != client_id:
            raise ApiError(401, "Client ID and OAuth token do not match")
        return token

    def _bucket(self, token: AccessToken) -> TokenBucket:
        owner = (token.app.client_id, token.user.id if token.user else "")
        if owner not in self._buckets:
            self._buckets[owner] = TokenBucket(self._limits.rate_limit, self._limits.rate_window, self._now)
        return self._buckets[owner]


def required(request: web.Request, name: str) -> str:
    """A parameter of the query that must be there.

    Raises: ApiError when it is not.
    """
    if not (value := request.query.get(name, "")):
        raise ApiError(400, f'Missing required parameter "{name}"')
    return value


def own(token: AccessToken, user_id: str, name: str) -> User:
    """The token's user, who must be the one that the request names.

    Raises: ApiError when it is someone else.
    """
    if token.user is None or token.user.id != user_id:
        raise ApiError(401, f"The ID in {name} must match the user ID found in the request's OAuth token.")
    return token.user
