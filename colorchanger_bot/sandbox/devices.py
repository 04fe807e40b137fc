"""Device-code logins: the device shows a code, a user approves it elsewhere, the device polls for its tokens."""

from __future__ import annotations

import secrets
import string
from collections.abc import Callable
from dataclasses import dataclass

from .limits import Limits
from .responses import ApiError
from .state import State, User
from .tokens import App, Pair, Tokens, random_text


@dataclass(eq=False, slots=True)
class Device:
    """A login that waits for its user."""

    device_code: str
    user_code: str
    app: App
    scopes: tuple[str, ...]
    expires_at: float
    approved_by: User | None = None


class Devices:
    """The pending logins; `auto_approve` is the login of a user who approves each one after its first poll."""

    def __init__(self, state: State, tokens: Tokens, limits: Limits, now: Callable[[], float]) -> None:
        self.auto_approve: str | None = None
        self._state = state
        self._tokens = tokens
        self._limits = limits
        self._now = now
        self._waiting: dict[str, Device] = {}

    @property
    def pending(self) -> list[Device]:
        """Those that nobody has approved yet."""
        return [device for device in self._waiting.values() if not device.approved_by and not self._expired(device)]

    def begin(self, app: App, scopes: tuple[str, ...], origin: str) -> dict[str, object]:
        """Begin a login: the answer of `POST /oauth2/device`."""
        user_code = "".join(secrets.choice(string.ascii_uppercase) for _ in range(8))
        device = Device(random_text(40), user_code, app, scopes, self._now() + self._limits.device_lifetime)
        self._forget_old()
        self._waiting[device.device_code] = device
        interval = self._limits.device_interval
        return {
            "device_code": device.device_code,
            "expires_in": int(self._limits.device_lifetime),
            "interval": int(interval) if interval >= 1 else interval,
            "user_code": user_code,
            "verification_uri": f"{origin}/activate?device-code={user_code}",
        }

    def approve(self, user_code: str, user: User) -> None:
        """Let the user log in with this code.

        Raises: KeyError when no such login waits.
        """
        self._find(user_code).approved_by = user

    def deny(self, user_code: str) -> None:
        """End the login without a token.

        Raises: KeyError when no such login waits.
        """
        del self._waiting[self._find(user_code).device_code]

    def poll(self, device_code: str, app: App) -> Pair:
        """The tokens, once.

        Raises: ApiError while nobody has approved, and when the code is wrong, used up, denied or expired.
        """
        device = self._waiting.get(device_code)
        if device is None or device.app is not app or self._expired(device):
            raise ApiError(400, "invalid device code")
        if device.approved_by is None:
            if self.auto_approve:
                device.approved_by = self._state.user(self.auto_approve)
            raise ApiError(400, "authorization_pending")
        del self._waiting[device_code]
        return self._tokens.issue(device.approved_by, app, device.scopes)

    def _forget_old(self) -> None:
        """Forget expired logins, and the oldest where too many wait."""
        waiting = {code: device for code, device in self._waiting.items() if not self._expired(device)}
        while len(waiting) >= self._limits.remembered_devices:
            del waiting[next(iter(waiting))]
        self._waiting = waiting

    def _expired(self, device: Device) -> bool:
        return self._now() >= device.expires_at

    def _find(self, user_code: str) -> Device:
        for device in self.pending:
            if device.user_code == user_code.strip().upper():
                return device
        raise KeyError(f"no login waits with the code {user_code!r}")
