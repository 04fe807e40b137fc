"""The routes of id.twitch.tv: device codes, tokens, validation, revocation."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from .devices import Devices
from .parameters import query_and_form
from .responses import ApiError, json_response
from .state import User
from .tokens import App, Pair, RefreshToken, Tokens

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"


class OAuth:
    """`cut` ends the subscriptions of a user and application whose whole connection was lost."""

    def __init__(self, tokens: Tokens, devices: Devices, cut: Callable[[User, App], Awaitable[None]]) -> None:
        self._tokens = tokens
        self._devices = devices
        self._cut = cut

    def routes(self) -> list[web.RouteDef]:
        """What answers on which path."""
        return [
            web.post("/oauth2/device", self.begin_device),
            web.post("/oauth2/token", self.grant),
            web.get("/oauth2/validate", self.validate),
            web.post("/oauth2/revoke", self.revoke),
        ]

    async def begin_device(self, request: web.Request) -> web.Response:
        """Begin a device-code login; Twitch reads `scopes` (plural) here."""
        given = await query_and_form(request)
        app = self._tokens.app(given.get("client_id", ""))
        scopes = tuple(given.get("scopes", "").split())
        if not scopes:
            raise ApiError(400, "missing scopes")
        return json_response(self._devices.begin(app, scopes, f"http://{request.host}"))

    async def grant(self, request: web.Request) -> web.Response:
        """Give tokens for what the grant type asks."""
        given = await query_and_form(request)
        app = self._tokens.app(given.get("client_id", ""))
        match given.get("grant_type", ""):
            case "refresh_token":
                _check_secret(app, given)
                return json_response((await self._refresh(app, given.get("refresh_token", ""))).body())
            case "client_credentials":
                return json_response(self._app_token(app, given))
            case grant if grant == DEVICE_GRANT:
                return json_response(self._devices.poll(given.get("device_code", ""), app).body())
            case "":
                raise ApiError(400, "missing grant type")
            case _:
                raise ApiError(400, "invalid grant type")

    async def validate(self, request: web.Request) -> web.Response:
        """Whose token it is, for how long, for what."""
        scheme, _, value = request.headers.get("Authorization", "").partition(" ")
        if not value:
            raise ApiError(401, "missing authorization token")
        token = self._tokens.access(value) if scheme in ("OAuth", "Bearer") else None
        if token is None:
            raise ApiError(401, "invalid access token")
        body: dict[str, Any] = {"client_id": token.app.client_id, "scopes": list(token.scopes)}
        if token.user:
            body |= {"login": token.user.login, "user_id": token.user.id}
        return json_response(body | {"expires_in": self._tokens.expires_in(token)})

    async def revoke(self, request: web.Request) -> web.Response:
        """Make a token invalid: 200 with an empty body."""
        given = await query_and_form(request)
        try:
            app = self._tokens.app(given.get("client_id", ""))
        except ApiError as refused:
            raise ApiError(404, "client does not exist") from refused
        self._tokens.revoke_access(given.get("token", ""), app)
        return web.Response()

    async def _refresh(self, app: App, value: str) -> Pair:
        if not value:
            raise ApiError(400, "missing refresh token")
        token = self._tokens.refresh_token(value, app)
        if token.spent:
            await self._lose_connection(token)
        return self._tokens.renew(token)

    async def _lose_connection(self, token: RefreshToken) -> None:
        """A one-time token was used again: the whole connection of the account is gone (twitchdev/issues#903)."""
        self._tokens.spent_twice.append(token.user.login)
        self._tokens.revoke(token.user, token.app)
        await self._cut(token.user, token.app)
        raise ApiError(400, "Invalid refresh token")

    def _app_token(self, app: App, given: dict[str, str]) -> dict[str, object]:
        if app.public:
            raise ApiError(403, "invalid client secret")
        _check_secret(app, given)
        value = self._tokens.issue_app_token(app)
        token = self._tokens.access(value)
        expires_in = self._tokens.expires_in(token) if token else 0
        return {"access_token": value, "expires_in": expires_in, "token_type": "bearer"}


def _check_secret(app: App, given: dict[str, str]) -> None:
    secret = given.get("client_secret", "")
    if not app.public and not secret:
        raise ApiError(400, "missing client secret")
    if secret != app.client_secret:
        raise ApiError(403, "invalid client secret")
