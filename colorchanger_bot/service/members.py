"""Members: how each member of the community is doing, and all of them as pages and sums."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from colorchanger_bot.auth.scopes import COLOR_SCOPE, lacking
from colorchanger_bot.changer.changer import Changer
from colorchanger_bot.clock import Clock
from colorchanger_bot.service.standing import reports_of_bot
from colorchanger_bot.settings.load import CommunitySettings, Settings
from colorchanger_bot.store.store import Login, Store

MemberState = Literal["on", "off", "needs login", "starting", "not read", "in trouble", "blocked", "closed"]
"""`off`: by the member; `needs login`: has to join again; `not read`: nobody reads the channel now; `blocked`: kept out
by a list; `closed`: the community is switched off."""
Sums = Mapping[MemberState, int]


@dataclass(frozen=True, slots=True)
class Member:
    """How one member is doing."""

    login: str
    user_id: str
    state: MemberState
    reason: str
    """In plain words; empty where the state says it all."""
    is_on: bool
    """Whether the member's colours are switched on."""
    color: str | None
    since: float
    """Unix seconds of the first join."""
    last_change: float | None
    """Unix seconds; None: none since the start. The next two count from the start as well."""
    messages: int
    changes: int


@dataclass(frozen=True, slots=True)
class MembersPage:
    """One page of the list of members."""

    rows: tuple[Member, ...]
    page: int
    pages: int
    found: int
    """How many members match what was looked for."""
    total: int
    sums: Sums
    """Of all members."""


async def known_sums(settings: Settings, store: Store, now: float) -> Sums:
    """Return how the members are doing, as the running bot says, else as far as the store tells.

    Raises:
        StoreError: the store cannot be read.
    """
    beat = await store.heartbeat()
    if beat is not None and await reports_of_bot(beat, settings, store, now) is not None:
        return beat.status.get("members", {})
    return stored_sums(await store.logins(), settings.community, is_read=False)


def stored_sums(logins: Iterable[Login], settings: CommunitySettings, *, is_read: bool) -> Sums:
    """Return how the members are doing as far as their logins tell."""
    usual: MemberState = "on" if is_read else "not read"
    return Counter((_obstacle(login, settings) or (usual, ""))[0] for login in logins if login.is_member)


def _obstacle(login: Login, settings: CommunitySettings) -> tuple[MemberState, str] | None:
    """Return why a member's colours cannot change, whether the bot runs or not; None if nothing speaks against it."""
    if login.lost or COLOR_SCOPE not in login.pair.scopes:
        return "needs login", login.lost or lacking(login)
    if not settings.enabled:
        return "closed", ""
    if bar := settings.bar(login.login):
        return "blocked", "on the block list" if bar == "blocked" else "not on the allow list"
    return None


class Members:
    """Works out how members are doing."""

    def __init__(self, changer: Changer, clock: Clock) -> None:
        self._changer = changer
        self._clock = clock

    def sums(self, members: Iterable[Login], settings: CommunitySettings, *, is_read: bool) -> Sums:
        """Return how many members are in each state."""
        return Counter(self._state(login, settings, is_read=is_read)[0] for login in members)

    def page(
        self,
        members: list[Login],
        settings: CommunitySettings,
        *,
        is_read: bool,
        query: str,
        page: int,
        per_page: int,
    ) -> MembersPage:
        """Return a page of those whose name contains `query`, by name; of pages that are too far, the last one."""
        query = query.strip().lower().removeprefix("@")
        found = sorted((login for login in members if query in login.login), key=lambda login: login.login)
        per_page = max(1, per_page)
        pages = max(1, -(-len(found) // per_page))
        page = min(max(1, page), pages)
        shown = found[(page - 1) * per_page : page * per_page]
        return MembersPage(
            tuple(self.of(login, settings, is_read=is_read) for login in shown),
            page,
            pages,
            len(found),
            len(members),
            self.sums(members, settings, is_read=is_read),
        )

    def of(self, login: Login, settings: CommunitySettings, *, is_read: bool) -> Member:
        """Return how one member is doing."""
        state, reason = self._state(login, settings, is_read=is_read)
        painter = self._changer.get(login.user_id or "")
        ago = painter.seconds_since_change if painter else None
        return Member(
            login=login.login,
            user_id=login.user_id or "",
            state=state,
            reason=reason,
            is_on=painter.settings.enabled if painter else False,
            color=painter.current.hex if painter and painter.current else None,
            since=login.member_since or 0.0,
            last_change=None if ago is None else self._clock.now().timestamp() - ago,
            messages=painter.messages if painter else 0,
            changes=painter.changes if painter else 0,
        )

    def _state(self, login: Login, settings: CommunitySettings, *, is_read: bool) -> tuple[MemberState, str]:
        if (obstacle := _obstacle(login, settings)) is not None:
            return obstacle
        painter = self._changer.get(login.user_id or "")
        if painter is None:
            return "starting", ""
        if not painter.settings.enabled:
            return "off", ""
        if not is_read:
            return "not read", f"nobody reads #{settings.channel} now"
        if painter.trouble:
            return "in trouble", painter.trouble
        return "on", ""
