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
        self._enabled: dict[tuple[str, str], dict[str, Subscription]] = {}
        self._by_user: dict[str, dict[str, Subscription]] = {}

    @property
    def enabled(self) -> list[Subscription]:
        """The subscriptions that deliver."""
        return [known for group in self._enabled.values() for known in group.values()]

    def of(self, channel: User, type: str) -> list[Subscription]:
        """The enabled subscriptions of a type to a channel."""
        return list(self._enabled.get((channel.id, type), {}).values())

    def matching(
        self, *, user: User, client_id: str = "", channel: User | None = None, type: str = ""
    ) -> list[Subscription]:
        """The enabled subscriptions of a user."""
        return [
            found
            for found in self._by_user.get(user.id, {}).values()
            if client_id in ("", found.client_id) and channel in (None, found.channel) and type in ("", found.type)
        ]

    def add(self, subscription: Subscription) -> None:
        """Enable a subscription; from now on its session serves this user alone."""
        session = subscription.session
        session.client_id, session.user = subscription.client_id, subscription.user
        session.subscriptions[subscription.id] = subscription
        self._enabled.setdefault((subscription.channel.id, subscription.type), {})[subscription.id] = subscription
        self._by_user.setdefault(subscription.user.id, {})[subscription.id] = subscription
        self._notify()

    def remove(self, subscription: Subscription) -> None:
        """Forget a subscription."""
        subscription.session.subscriptions.pop(subscription.id, None)
        self._enabled[subscription.channel.id, subscription.type].pop(subscription.id, None)
        self._by_user[subscription.user.id].pop(subscription.id, None)
        self._notify()

    def end(self, subscription: Subscription, status: str) -> None:
        """Disable a subscription without telling the client; it stays on the list for a while."""
        subscription.status, subscription.disconnected_at = status, timestamp()
        self.ended.append(subscription)
        self.remove(subscription)
