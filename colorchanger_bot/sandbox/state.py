"""What the local Twitch knows: users with their colours and channels. Tests wait here for changes."""

from __future__ import annotations

import asyncio
import itertools
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from .responses import timestamp

# The hex that chat shows for each name (Twitch API, "Update User Chat Color").
NAMED_COLORS = {
    "blue": "#0000FF",
    "blue_violet": "#8A2BE2",
    "cadet_blue": "#5F9EA0",
    "chocolate": "#D2691E",
    "coral": "#FF7F50",
    "dodger_blue": "#1E90FF",
    "firebrick": "#B22222",
    "golden_rod": "#DAA520",
    "green": "#008000",
    "hot_pink": "#FF69B4",
    "orange_red": "#FF4500",
    "red": "#FF0000",
    "sea_green": "#2E8B57",
    "spring_green": "#00FF7F",
    "yellow_green": "#9ACD32",
}
_REMEMBERED = 50_000  # colour changes
_HEX = re.compile(r"#[0-9A-Fa-f]{6}")
_LOGIN = re.compile(r"[a-z0-9_]{1,25}")


@dataclass(eq=False, slots=True, kw_only=True)
class User:
    """A user and the channel of the same name."""

    id: str
    login: str
    display_name: str
    color: str = ""
    turbo: bool = False
    created_at: str = field(default_factory=timestamp)
    moderators: set[str] = field(default_factory=set[str])  # ids of those who moderate this channel
    banned: set[str] = field(default_factory=set[str])  # ids of those who may not enter this channel
    following: dict[str, str] = field(default_factory=dict[str, str])  # broadcaster id: since when
    live_since: str | None = None

    def shown(self, color: str) -> str | None:
        """The hex that chat shows for a name or hex, None if this user may not have it."""
        if color in NAMED_COLORS:
            return NAMED_COLORS[color]
        return color.upper() if self.turbo and _HEX.fullmatch(color) else None

    def privileged_in(self, channel: User) -> bool:
        """Whether this user owns or moderates the channel."""
        return self is channel or self.id in channel.moderators


@dataclass(frozen=True, slots=True)
class ColorChange:
    """A colour change: what chat shows now, what the request asked for, and the monotonic time."""

    login: str
    user_id: str
    color: str
    sent: str
    at: float


class State:
    """Users by login and by id, and the colour changes so far."""

    def __init__(self) -> None:
        self.color_changes: list[ColorChange] = []
        self._ids = itertools.count(70_000_001)
        self._by_login: dict[str, User] = {}
        self._by_id: dict[str, User] = {}
        self._happened = asyncio.Event()

    @property
    def users(self) -> list[User]:
        """All users, oldest first."""
        return list(self._by_id.values())

    def add_user(self, login: str, *, color: str = "", turbo: bool = False, display_name: str | None = None) -> User:
        """A new user; `color` is a hex, or empty for one who never chose.

        Raises: ValueError for a bad or taken login, or a bad colour.
        """
        name, login = display_name or login, login.lower()
        if not _LOGIN.fullmatch(login) or login in self._by_login:
            raise ValueError(f"{login!r} is taken or is not a valid login")
        if color and not _HEX.fullmatch(color):
            raise ValueError(f"{color!r} is not a colour of the form #RRGGBB")
        user = User(id=str(next(self._ids)), login=login, display_name=name, color=color.upper(), turbo=turbo)
        self._by_login[login] = self._by_id[user.id] = user
        return user

    def user(self, login: str) -> User:
        """The user of that login.

        Raises: KeyError when there is none.
        """
        if (found := self.find(login=login)) is None:
            raise KeyError(f"the local Twitch has no user {login!r}")
        return found

    def find(self, *, login: str = "", id: str = "") -> User | None:
        """The user of that login or id, if there is one."""
        return self._by_login.get(login.lower()) or self._by_id.get(id)

    def rename(self, user: User, login: str) -> None:
        """Give a user another login; the id stays.

        Raises: ValueError for a bad or taken login.
        """
        if not _LOGIN.fullmatch(login) or login in self._by_login:
            raise ValueError(f"{login!r} is taken or is not a valid login")
        del self._by_login[user.login]
        user.login = user.display_name = login
        self._by_login[login] = user

    def change_color(self, user: User, sent: str) -> bool:
        """Change the colour if the user may have it; returns whether it was changed."""
        shown = user.shown(sent)
        if shown is None:
            return False
        user.color = shown
        self.color_changes.append(ColorChange(user.login, user.id, shown, sent, time.monotonic()))
        if len(self.color_changes) > 1.2 * _REMEMBERED:  # in one go, so that the list is rarely moved
            del self.color_changes[:-_REMEMBERED]
        return True

    def notify(self) -> None:
        """Wake everyone who waits for a change."""
        self._happened.set()
        self._happened = asyncio.Event()

    async def wait_for(self, condition: Callable[[], object], *, timeout: float, what: str) -> None:  # noqa: ASYNC109
        """Wait until `condition` holds; it is checked after each change.

        Raises: TimeoutError, with `what` in its text, after `timeout` seconds.
        """
        try:
            async with asyncio.timeout(timeout):
                while not condition():
                    await self._happened.wait()
        except TimeoutError:
            raise TimeoutError(f"{what}: not within {timeout:g} s") from None
