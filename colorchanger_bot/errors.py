"""Every exception of ColorChanger, as one tree.

    ColorChangerError
    ├── ConfigError             the settings are wrong
    ├── UnknownColor            a text that is not a colour
    ├── UnknownUser             nobody on Twitch has this name
    ├── StoreError              the store cannot be opened, read or written
    │   └── StoreLocked         another running process owns it
    ├── AuthError               Twitch does not let this account do this
    │   ├── NeedsLogin          the login is gone: its owner has to log in again
    │   ├── MissingScope        the login lacks a permission
    │   └── TokenRefused        Twitch refused a token that it had just issued
    ├── LoginFailed             a device-code login ended without a token
    ├── JoinRefused             a viewer cannot begin to join the community
    ├── AutostartFailed         the system does not let ColorChanger start at log-in
    ├── ColorRejected           Twitch does not accept this colour from this account
    ├── ChannelRefused          this account may not read that channel
    ├── SessionGone             the EventSub session that a subscription was meant for no longer exists
    ├── RateLimited             too many requests: `retry_at` says when to continue
    ├── OutcomeUnknown          sent, but not answered: it may have taken effect or not
    └── TwitchUnavailable       Twitch cannot be reached, or answered that it is in trouble

`retry` says whether trying the same thing again later can help. Every message is one plain line for a person and never
contains a token, a secret or a header.
"""

from __future__ import annotations

from typing import ClassVar, Literal

LOG_IN = "run: colorchanger login"
"""The advice where the owner of an account has to log in again."""
JOIN_AGAIN = "to change that, join again"
"""The advice where a member of the community has to."""


class ColorChangerError(Exception):
    """The root: catch this to catch everything that ColorChanger raises on purpose."""

    retry: ClassVar[bool] = False


class ConfigError(ColorChangerError):
    """Raised with every problem of the settings at once, one line each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class UnknownColor(ColorChangerError, ValueError):
    """Raised when a text is not a colour. `suggestion` is the closest name; `is_hex`: it looks like a hex."""

    def __init__(self, text: str, suggestion: str | None = None, *, is_hex: bool = False) -> None:
        if is_hex:
            super().__init__(f'"{text}" is not a colour: a hex has 3 or 6 digits, such as #f80 or #ff8800')
        else:
            super().__init__(f'"{text}" is not a colour I know{f": did you mean {suggestion}?" if suggestion else ""}')
        self.text = text
        self.suggestion = suggestion
        self.is_hex = is_hex


class UnknownUser(ColorChangerError):
    """Raised when nobody on Twitch has that name."""

    def __init__(self, login: str) -> None:
        super().__init__(f"there is nobody called {login} on Twitch")


class StoreError(ColorChangerError):
    """Raised when the store cannot be opened, read or written."""


class NoStorePlace(StoreError):
    """This user has no directory for a store, and the settings name none: nothing can have been stored."""


class StoreLocked(StoreError):
    """Raised when another running process owns the store."""


class AuthError(ColorChangerError):
    """Twitch does not let this account do this."""


class NeedsLogin(AuthError):
    """Raised when the login of an account is gone: its owner has to log in again."""


class MissingScope(AuthError):
    """Raised when the login lacks a permission (an OAuth scope)."""


class TokenRefused(AuthError):
    """Raised when Twitch refuses a token that it has just issued; retrying at once would flood it with requests."""

    retry = True


LoginEnd = Literal["denied", "expired", "failed"]
"""`denied`: refused on Twitch's page, or the code was used elsewhere; `failed`: Twitch or the application."""


class LoginFailed(ColorChangerError):
    """Raised when a device-code login ends without a token: refused, expired, or no such application."""

    def __init__(self, message: str, end: LoginEnd = "failed") -> None:
        super().__init__(message)
        self.end: LoginEnd = end


JoinRefusal = Literal["closed", "full", "busy", "too often", "unavailable"]
"""`busy`: too many viewers are joining now; `too often`: this one asked for too many codes; `unavailable`: no code."""


class JoinRefused(ColorChangerError):
    """Raised when a viewer cannot begin to join the community; the message is for the viewer."""

    retry = True

    def __init__(self, message: str, reason: JoinRefusal) -> None:
        super().__init__(message)
        self.reason: JoinRefusal = reason


class AutostartFailed(ColorChangerError):
    """Raised when the system does not let ColorChanger start at log-in, or stop doing so."""


class ColorRejected(ColorChangerError):
    """Raised when Twitch does not accept a colour from an account, mostly a hex without Turbo or Prime."""


class ChannelRefused(ColorChangerError):
    """Raised when an account may not read a channel: banned or timed out there, or a scope is missing."""

    retry = True


class SessionGone(ColorChangerError):
    """Raised when the EventSub session that a subscription was meant for no longer exists."""

    retry = True


class RateLimited(ColorChangerError):
    """Raised on 429. `retry_at` is in unix seconds; None when Twitch did not say."""

    retry = True

    def __init__(self, message: str, retry_at: float | None = None) -> None:
        super().__init__(message)
        self.retry_at = retry_at


class OutcomeUnknown(ColorChangerError):
    """Raised when a request was sent and not answered: it may have taken effect or not."""

    retry = True


class TwitchUnavailable(ColorChangerError):
    """Raised when Twitch cannot be reached, or answers with 5xx or in a format that is not its own."""

    retry = True
