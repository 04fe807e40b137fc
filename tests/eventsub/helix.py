"""FakeHelix: Twitch's answers about channels, as a test wants them, and a record of what was asked for when."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Sequence

from colorchanger_bot.clock import Clock
from colorchanger_bot.errors import ColorChangerError
from colorchanger_bot.twitch.helix import CHAT_MESSAGE, CHAT_NOTIFICATION, Subscribed, User


class FakeHelix:
    """The id of a login is `id of LOGIN`, but for the account itself, which is "1"."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.asked: list[tuple[float, str]] = []
        """When which channel's messages were asked for."""
        self.sessions: list[str] = []
        """The session of each request for messages."""
        self.asked_notifications: list[tuple[float, str]] = []
        self.answers: defaultdict[str, deque[ColorChangerError]] = defaultdict(deque)
        """The next errors of a channel, by its id."""
        self.notification_answers: deque[ColorChangerError] = deque()
        """The next errors for notifications of any channel."""
        self.look_ups: deque[ColorChangerError] = deque()
        """The next errors of `users`."""
        self.listed: list[Subscribed] = []
        self.live: list[dict[str, str] | ColorChangerError] = []
        self.ended: list[str] = []
        self.empty_answers = 0
        """So many requests for messages are answered with "it exists", although it does not."""
        self.answers_when_cancelled = False
        """Whether a request that is given up is answered all the same."""
        self.gate, self.notification_gate = asyncio.Event(), asyncio.Event()
        self.list_gate, self.look_up_gate = asyncio.Event(), asyncio.Event()
        """Requests for messages, notifications, lists and users wait for these."""
        for gate in (self.gate, self.notification_gate, self.list_gate, self.look_up_gate):
            gate.set()
        self.comparisons = 0
        self.forgotten = 0
        """How often the connections to Helix were given up."""
        self.looked_up: list[str] = []
        self.ids: dict[str, str] = {"nobody": "", "me": "1"}
        """By login, where they are not `id of LOGIN`; empty: there is no such user."""
        self.names: dict[str, str] = {"1": "me"}
        """Today's logins by id."""
        self.gone: set[str] = set()
        """The ids of those who are suspended or deleted."""

    def forget_connections(self) -> None:
        self.forgotten += 1

    async def users(self, logins: Sequence[str] = (), *, ids: Sequence[str] = ()) -> list[User]:
        self.looked_up += [*logins, *ids]
        await self.look_up_gate.wait()
        if self.look_ups:
            raise self.look_ups.popleft()
        by_login = [User(self.ids.get(login, f"id of {login}"), login, login) for login in logins]
        by_id = [User(id_, self.names.get(id_, id_.removeprefix("id of ")), "") for id_ in ids]
        return [user for user in by_login + by_id if user.id and user.id not in self.gone]

    async def subscribe_chat(
        self, session_id: str, *, broadcaster_id: str, user_id: str, type_: str = CHAT_MESSAGE
    ) -> str:
        if type_ == CHAT_NOTIFICATION:
            self.asked_notifications.append((self._clock.monotonic(), broadcaster_id))
            await self.notification_gate.wait()
            if self.notification_answers:
                raise self.notification_answers.popleft()
        else:
            self.asked.append((self._clock.monotonic(), broadcaster_id))
            self.sessions.append(session_id)
            await self._answer()
            if self.answers[broadcaster_id]:
                raise self.answers[broadcaster_id].popleft()
            if self.empty_answers:
                self.empty_answers -= 1
                return ""
        id_ = f"{session_id} {broadcaster_id} {type_}"
        self.listed.append(Subscribed(id_, session_id, broadcaster_id, user_id, type_))
        return id_

    async def _answer(self) -> None:
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            if not self.answers_when_cancelled:
                raise

    async def subscriptions(self) -> list[Subscribed]:
        self.comparisons += 1
        listed = list(self.listed)
        await self.list_gate.wait()
        return listed

    async def unsubscribe(self, subscription_id: str) -> None:
        self.ended.append(subscription_id)

    async def live_followed(self, user_id: str) -> dict[str, str]:
        answer = self.live.pop(0) if len(self.live) > 1 else self.live[0]
        if isinstance(answer, ColorChangerError):
            raise answer
        return answer

    def times(self, channel: str) -> list[float]:
        """When a channel's messages were asked for."""
        return [at for at, id_ in self.asked if id_ == f"id of {channel}"]
