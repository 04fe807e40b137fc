"""The calls to id.twitch.tv (Twitch authentication guide), each with a three-state answer where the world has three."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Literal, NamedTuple

import aiohttp

from colorchanger_bot.clock import Clock
from colorchanger_bot.errors import LoginFailed, NeedsLogin, OutcomeUnknown, TokenRefused, TwitchUnavailable
from colorchanger_bot.store.store import TokenPair
from colorchanger_bot.twitch.answers import Answer, by_twitch, foreign
from colorchanger_bot.twitch.http import REQUEST_SECONDS, limits, send

logger = logging.getLogger(__name__)

CHECK_APPLICATION = "check app.client_id and app.client_secret"
CONFIDENTIAL = (
    "the application is Confidential and its secret is not set: set app.client_secret, "
    "or set its Client Type to Public at https://dev.twitch.tv/console and log in again"
)
REFRESH_SECONDS = 30.0
"""Longer than other requests have: the answer to a refresh may be the only copy of the next token."""
MADE_UP = "colorchanger-asks-whether-a-secret-is-needed"
"""A refresh token that nobody has."""
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"


class Owner(NamedTuple):
    """The account that a token belongs to."""

    user_id: str
    login: str
    client_id: str
    scopes: frozenset[str]
    expires_at: float | None
    """Unix seconds; None: the token does not end."""


class Unknown(NamedTuple):
    """Twitch did not say whose token it is, which never speaks against the token."""

    reason: str
    """In plain words, with what helps: the network, a proxy, a certificate, the clock, a login page, or Twitch."""


Validity = Owner | Unknown | Literal["invalid", "application"]
"""What `validate` finds: a person's token, nothing for certain, a dead token, or a token of an application alone."""
APPLICATION_ONLY = "this is an application's token, which stands for no account"


class DeviceCode(NamedTuple):
    """A login that waits for a person to enter a code."""

    device_code: str
    user_code: str
    url: str
    interval: float
    """Seconds between two requests that ask whether the person has entered it."""
    expires_at: float
    """On the monotonic clock, in seconds."""


class OAuth:
    """The requests of one application."""

    def __init__(
        self, session: aiohttp.ClientSession, *, client_id: str, client_secret: str, id_url: str, clock: Clock
    ) -> None:
        self.client_id = client_id
        self._secret = client_secret
        self._session = session
        self._url = f"{id_url.rstrip('/')}/oauth2"
        self._clock = clock

    async def validate(self, access_token: str) -> Validity:
        """Ask whose token this is."""
        headers = {"Authorization": f"OAuth {access_token}"}
        try:
            answer = by_twitch(await send(self._session, "GET", f"{self._url}/validate", headers=headers))
            if answer.status == 401:
                return "invalid"
            if answer.status != 200:
                return Unknown(f"Twitch answered {answer.status} ({answer.message or 'no reason given'})")
            return self._owner(answer)
        except (TwitchUnavailable, OutcomeUnknown) as error:
            return Unknown(str(error))

    async def refresh(self, refresh_token: str) -> TokenPair:
        """Spend a refresh token on a new pair.

        Raises:
            NeedsLogin: Twitch refused it.
            TokenRefused: Twitch does not accept the application itself, which says nothing of the token.
            TwitchUnavailable: it was not spent, as far as one can know; later, then.
            OutcomeUnknown: nobody knows whether it was spent.
        """
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        answer = await self._post("token", form, secret=True, seconds=REFRESH_SECONDS)
        if answer.status == 200:
            try:
                return self._pair(answer, refresh_token)
            except TwitchUnavailable:  # spent, it seems, and the new pair is lost on the way
                raise OutcomeUnknown("Twitch answered a token refresh with something that is not its format") from None
        if answer.refusal is None:  # not Twitch's word, and nobody knows how far the request came
            raise OutcomeUnknown(str(foreign(answer.status)))
        if answer.status in (400, 401, 403):
            self._check_application(answer)
            # People need not know what a token is; Twitch's own words are in the debug log.
            logger.debug("Twitch refused a refresh token: %s %s", answer.status, answer.message)
            raise NeedsLogin("Twitch ended the login")
        raise TwitchUnavailable(f"Twitch answered a token refresh with {answer.status}")

    def _check_application(self, answer: Answer) -> None:
        words = answer.message.lower()
        if "missing client secret" in words or ("client secret" in words and not self._secret):
            raise TokenRefused(CONFIDENTIAL)
        if "client" in words:
            raise TokenRefused(f"Twitch does not accept the application ({answer.message}): {CHECK_APPLICATION}")

    async def start_device_login(self, scopes: frozenset[str]) -> DeviceCode:
        """Begin a device-code login.

        Raises:
            LoginFailed: Twitch does not know the application.
            TwitchUnavailable, OutcomeUnknown: later, then.
        """
        asked = self._clock.monotonic()
        answer = by_twitch(await self._post("device", {"scopes": " ".join(sorted(scopes))}))
        if answer.status in (400, 401, 403, 404):
            raise LoginFailed(
                f"Twitch does not accept the application ({answer.message or answer.status}): {CHECK_APPLICATION}"
            )
        if answer.status != 200:
            raise TwitchUnavailable(f"Twitch answered the login with {answer.status}")
        data = answer.json()
        try:
            return DeviceCode(
                device_code=str(data["device_code"]),
                user_code=str(data["user_code"]),
                url=str(data["verification_uri"]),
                interval=float(data["interval"]),
                expires_at=asked + float(data["expires_in"]),
            )
        except (KeyError, TypeError, ValueError):
            raise foreign(answer.status) from None

    async def needs_secret(self) -> bool:
        """Ask Twitch whether logins of this application can only be renewed with a secret that is not set here.

        A confidential application gets codes without its secret, and fails when the first login is renewed. No for an
        application that Twitch says nothing of.

        Raises:
            TwitchUnavailable, OutcomeUnknown: later, then.
        """
        form = {"grant_type": "refresh_token", "refresh_token": MADE_UP}
        answer = by_twitch(await self._post("token", form, secret=True))
        return "missing client secret" in answer.message.lower()

    async def finish_device_login(self, code: DeviceCode, scopes: frozenset[str]) -> TokenPair:
        """Wait until the person has entered the code.

        Raises:
            LoginFailed: the person refused, or the code expired.
        """
        form = {"grant_type": DEVICE_GRANT, "device_code": code.device_code, "scopes": " ".join(sorted(scopes))}
        while self._clock.monotonic() < code.expires_at:
            await self._clock.sleep(code.interval)
            try:
                answer = by_twitch(await self._post("token", form, secret=True))
                if answer.status == 200:
                    return self._pair(answer)
            except (TwitchUnavailable, OutcomeUnknown):
                continue  # the person may be done all the same: ask again
            if answer.status >= 400 and answer.status != 429:
                message = answer.message.lower()
                if "pending" in message or "slow_down" in message:
                    continue
                if "denied" in message:
                    raise LoginFailed("the login was refused on Twitch's page", "denied")
                if "invalid device code" in message:
                    if code.expires_at - self._clock.monotonic() > code.interval:
                        raise LoginFailed("the code was declined on Twitch's page, or used elsewhere", "denied")
                    break
                raise LoginFailed(f"Twitch ended the login ({answer.message or answer.status})")
        raise LoginFailed("the code expired before it was entered: log in again", "expired")

    async def revoke(self, access_token: str) -> bool:
        """Revoke a token; return whether Twitch confirmed it."""
        try:
            answer = by_twitch(await self._post("revoke", {"token": access_token}))
        except (TwitchUnavailable, OutcomeUnknown):
            return False
        # Twitch confirms without a word, a login page does not; 400: it was invalid already.
        return answer.status == 400 or (answer.status == 200 and not answer.body.strip())

    async def _post(
        self, path: str, form: Mapping[str, str], *, secret: bool = False, seconds: float = REQUEST_SECONDS
    ) -> Answer:
        data = {"client_id": self.client_id, **form}
        if secret and self._secret:
            data["client_secret"] = self._secret
        limit = limits(seconds, seconds)
        # A token can be lost on a connection that the network has forgotten, and none of these can be repeated.
        return await send(self._session, "POST", f"{self._url}/{path}", fresh=True, data=data, timeout=limit)

    def _owner(self, answer: Answer) -> Validity:
        data = answer.json()
        user_id, login, client_id = data.get("user_id"), data.get("login"), data.get("client_id")
        if not (isinstance(client_id, str) and client_id):
            return Unknown(str(foreign(answer.status)))
        if not user_id and not login:
            return "application"
        if not (isinstance(user_id, str | int) and isinstance(login, str) and user_id and login):
            return Unknown(str(foreign(answer.status)))
        return Owner(
            user_id=str(user_id),
            login=login.lower(),
            client_id=client_id,
            scopes=_scopes(data.get("scopes")),
            expires_at=self._ends(data.get("expires_in")),
        )

    def _pair(self, answer: Answer, refresh_token: str = "") -> TokenPair:
        data = answer.json()
        access, refresh = data.get("access_token"), data.get("refresh_token") or refresh_token
        if not (isinstance(access, str) and access and isinstance(refresh, str)):
            raise foreign(answer.status)
        now = self._clock.now().timestamp()
        return TokenPair(access, refresh, self._ends(data.get("expires_in")), _scopes(data.get("scope")), now)

    def _ends(self, seconds: object) -> float | None:
        # 0 stands for a token without an end (some old applications have them).
        if not isinstance(seconds, int | float) or seconds <= 0:
            return None
        return self._clock.now().timestamp() + seconds


def _scopes(value: object) -> frozenset[str]:
    """Return the scopes in an answer, a list or a text; an unreadable value must not cost the pair beside it."""
    if isinstance(value, str):
        return frozenset(value.split())
    if isinstance(value, list):
        items: list[object] = value  # pyright: ignore[reportUnknownVariableType]
        return frozenset(item for item in items if isinstance(item, str))
    return frozenset()
