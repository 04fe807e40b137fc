"""Applications and the tokens that users gave them: issued, refreshed, spent, expired, revoked."""

from __future__ import annotations

import secrets
import string
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from .limits import Limits
from .responses import ApiError
from .state import User


def random_text(length: int) -> str:
    """Lower-case letters and digits, as in Twitch's client ids and tokens."""
    return "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(length))


@dataclass(frozen=True, slots=True)
class App:
    """A registered application; without a secret it is a public client with one-time refresh tokens."""

    client_id: str
    client_secret: str = field(default="", repr=False)

    @property
    def public(self) -> bool:
        """Whether it is a public client."""
        return not self.client_secret


@dataclass(frozen=True, slots=True)
class Pair:
    """An access token and its refresh token; `expires_in` is in seconds."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    scopes: tuple[str, ...]
    expires_in: int

    def body(self) -> dict[str, object]:
        """The answer of `POST /oauth2/token`."""
        return {
            "access_token": self.access,
            "expires_in": self.expires_in,
            "refresh_token": self.refresh,
            "scope": list(self.scopes),
            "token_type": "bearer",
        }


@dataclass(eq=False, slots=True)
class AccessToken:
    """What one access token allows; no user for the token of an application itself."""

    app: App
    user: User | None
    scopes: tuple[str, ...]
    expires_at: float
    refresh: str = field(default="", repr=False)


@dataclass(eq=False, slots=True)
class RefreshToken:
    """What one refresh token renews."""

    value: str = field(repr=False)
    app: App
    user: User
    scopes: tuple[str, ...]
    idle_since: float
    spent: bool = False
    issued: deque[str] = field(default_factory=deque[str], repr=False)
    """Its valid access tokens, oldest first."""


class Tokens:
    """Every application and every token."""

    def __init__(self, limits: Limits, now: Callable[[], float]) -> None:
        self.spent_twice: list[str] = []
        self.refreshes: Counter[str] = Counter()
        self.refuse_refreshes = False
        self._limits = limits
        self._now = now
        self._apps: dict[str, App] = {}
        self._access: dict[str, AccessToken] = {}
        self._refresh: dict[str, RefreshToken] = {}

    def add_app(self, client_id: str | None = None, client_secret: str = "") -> App:
        """Register an application."""
        app = App(client_id or random_text(30), client_secret)
        self._apps[app.client_id] = app
        return app

    def app(self, client_id: str) -> App:
        """The application of that client id.

        Raises: ApiError when it was not given or does not exist.
        """
        if not client_id:
            raise ApiError(400, "missing client id")
        if client_id not in self._apps:
            raise ApiError(400, "invalid client")
        return self._apps[client_id]

    def issue(self, user: User, app: App, scopes: Iterable[str], *, expires_in: float | None = None) -> Pair:
        """A new pair, as after a login."""
        refresh = RefreshToken(random_text(50), app, user, tuple(scopes), self._now())
        self._refresh[refresh.value] = refresh
        self._forget_oldest(self._refresh)
        return self._pair(refresh, expires_in)

    def issue_app_token(self, app: App) -> str:
        """An access token of the application itself."""
        return self._remember(AccessToken(app, None, (), self._now() + self._limits.token_lifetime))

    def access(self, value: str) -> AccessToken | None:
        """What that access token allows, None if it is invalid or has expired."""
        token = self._access.get(value)
        return token if token and token.expires_at > self._now() else None

    def expires_in(self, token: AccessToken) -> int:
        """Seconds that are left, rounded down."""
        return int(token.expires_at - self._now())

    def granted(self, app: App, user: User) -> set[str]:
        """Every scope that the user has granted the application."""
        return {
            scope
            for token in self._refresh.values()
            if (token.app, token.user) == (app, user)
            for scope in token.scopes
        }

    def refresh_token(self, value: str, app: App) -> RefreshToken:
        """The refresh token of that value, which may be spent.

        Raises: ApiError when this application has no such token, it was idle for too long, or all are refused.
        """
        token = self._refresh.get(value)
        if token is None or token.app is not app or self.refuse_refreshes:
            raise ApiError(400, "Invalid refresh token")
        if app.public and self._now() - token.idle_since > self._limits.refresh_idle:
            raise ApiError(400, "Invalid refresh token")
        return token

    def renew(self, token: RefreshToken) -> Pair:
        """A new access token; a public client gets a new refresh token too, and this one is spent."""
        self.refreshes[token.user.login] += 1
        if not token.app.public:
            return self._pair(token)
        token.spent = True
        return self.issue(token.user, token.app, token.scopes)

    def expire(self, user: User) -> None:
        """Make every access token of the user invalid; the refresh tokens stay valid."""
        self._access = {value: token for value, token in self._access.items() if token.user is not user}

    def revoke(self, user: User, app: App | None = None) -> None:
        """Make every token of the user invalid, for one application or for all."""
        self._access = {v: t for v, t in self._access.items() if t.user is not user or app not in (None, t.app)}
        self._refresh = {v: t for v, t in self._refresh.items() if t.user is not user or app not in (None, t.app)}

    def revoke_access(self, value: str, app: App) -> None:
        """Make one access token and its refresh token invalid.

        Raises: ApiError when this application has no such token.
        """
        token = self.access(value)
        if token is None or token.app is not app:
            raise ApiError(400, "Invalid token")
        del self._access[value]
        self._refresh.pop(token.refresh, None)

    def _pair(self, refresh: RefreshToken, expires_in: float | None = None) -> Pair:
        lifetime = self._limits.token_lifetime if expires_in is None else expires_in
        refresh.idle_since = self._now()
        value = self._remember(
            AccessToken(refresh.app, refresh.user, refresh.scopes, self._now() + lifetime, refresh.value)
        )
        refresh.issued.append(value)
        if len(refresh.issued) > self._limits.access_tokens:
            self._access.pop(refresh.issued.popleft(), None)
        return Pair(value, refresh.value, refresh.scopes, int(lifetime))

    def _remember(self, token: AccessToken) -> str:
        value = random_text(30)
        self._access[value] = token
        self._forget_oldest(self._access)
        return value

    def _forget_oldest(self, tokens: dict[str, AccessToken] | dict[str, RefreshToken]) -> None:
        if len(tokens) > self._limits.remembered_tokens:
            del tokens[next(iter(tokens))]
