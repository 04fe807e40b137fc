"""The registry of EventSub subscriptions: those that deliver, and those that ended."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from .responses import timestamp
from .sessions import Subscription
from .state import User

_REMEMBERED = 1_000  # ended subscriptions that are still listed


class Registry:
    """All subscriptions; `notify` is called whenever one comes or goes."""

    def __init__(self, notify: Callable[[], None]) -> None:
        self.ended: deque[Subscription] = deque(maxlen=_REMEMBERED)
        self._notify = notify
        self._by_channel: dict[str, dict[str, Subscription]] = {}

    @property
    def enabled(self) -> list[Subscription]:
        """The subscriptions that deliver."""
        return [subscription for channel in self._by_channel.values() for subscription in channel.values()]

    def of(self, channel: User) -> list[Subscription]:
        """The enabled subscriptions to a channel."""
        return list(self._by_channel.get(channel.id, {}).values())

    def matching(self, *, user: User, client_id: str = "", channel: User | None = None) -> list[Subscription]:
        """The enabled subscriptions of a user."""
        return [
            found
            for found in self.enabled
            if found.user is user and client_id in ("", found.client_id) and channel in (None, found.channel)
        ]

    def add(self, subscription: Subscription) -> None:
        """Enable a subscription; from now on its session serves this user alone."""
        session = subscription.session
        session.client_id, session.user = subscription.client_id, subscription.user
        session.subscriptions[subscription.id] = subscription
        self._by_channel.setdefault(subscription.channel.id, {})[subscription.id] = subscription
        self._notify()

    def remove(self, subscription: Subscription) -> None:
        """Forget a subscription."""
        subscription.session.subscriptions.pop(subscription.id, None)
        self._by_channel[subscription.channel.id].pop(subscription.id, None)
        self._notify()

    def end(self, subscription: Subscription, status: str) -> None:
        """Disable a subscription without telling the client; it stays on the list for a while."""
        subscription.status, subscription.disconnected_at = status, timestamp()
        self.ended.append(subscription)
        self.remove(subscription)
