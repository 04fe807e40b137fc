"""The metrics for Prometheus, read from the running parts at each scrape."""

from __future__ import annotations

import collections
import math
from collections.abc import Hashable, Iterable, Iterator, Mapping

from prometheus_client import CollectorRegistry, Counter, GCCollector, Histogram, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from colorchanger_bot.changer.pending_changes import Change
from colorchanger_bot.service.service import Service
from colorchanger_bot.service.standing import needs_login, own_accounts

CONTENT_TYPE = CONTENT_TYPE_LATEST
BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 30.0, 60.0, 120.0)
"""Seconds; the usual delay of 1 to 3 s is part of what is measured."""


class Metrics:
    """All metrics of one service, in a registry of their own."""

    def __init__(self, service: Service) -> None:
        self._registry = CollectorRegistry()
        self._changes = Counter(
            "colorchanger_changes", "Colour changes requested, by result.", ["result"], registry=self._registry
        )
        self._seconds = Histogram(
            "colorchanger_change_seconds",
            "From the message until Twitch confirmed the change, delay included.",
            buckets=BUCKETS,
            registry=self._registry,
        )
        self._changes.labels("changed")  # present from the first scrape, at zero
        self._registry.register(_Running(service))
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self._registry)
        service.changer.on_change(self._note)

    def text(self) -> bytes:
        """Return everything in Prometheus' text format."""
        return generate_latest(self._registry)

    def _note(self, change: Change) -> None:
        self._changes.labels(change.result).inc()
        if change.result == "changed":
            self._seconds.observe(change.seconds)


class _Sum:
    """Adds up the counters of parts that come and go; the sum never decreases."""

    def __init__(self) -> None:
        self._parts: dict[Hashable, int] = {}
        self.total = 0

    def read(self, parts: Mapping[Hashable, int]) -> int:
        """Return the sum, including what was counted since the last call."""
        self.total += sum(max(0, number - self._parts.get(key, 0)) for key, number in parts.items())
        self._parts = dict(parts)
        return self.total


class _Running(Collector):
    """Collects what the running parts know."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._messages = _Sum()
        self._ends: dict[str, _Sum] = {}
        self._handovers: dict[str, _Sum] = {}

    def collect(self) -> Iterable[Metric]:
        yield from self._chat()
        yield from self._logins()
        yield from self._store()
        help_ = "Python's memory blocks, divided by those soon after the start."
        yield _gauge("colorchanger_memory_growth_ratio", help_, self._service.memory.ratio)

    def _chat(self) -> Iterator[Metric]:
        service = self._service
        messages = self._messages.read({id(painter): painter.messages for painter in service.changer})
        yield _counter("colorchanger_messages", "Own messages that were seen.", messages)
        readers = [bot.readers for bot in service.bots.values()]
        sessions = [session for each in readers for session in each.sessions]
        numbers = collections.Counter(channel.readers for each in readers for channel in each.channels)
        read = numbers.total() - numbers[0]
        yield _gauge("colorchanger_subscribed_channels", "Channels whose chat is read.", read)
        yield _gauge("colorchanger_wanted_channels", "Channels to read, each once.", numbers.total())
        by_readers = GaugeMetricFamily(
            "colorchanger_channel_readers", "Channels, by the number of accounts that read them.", labels=["readers"]
        )
        for number in range(4):
            by_readers.add_metric([str(number)], numbers[number])
        yield by_readers
        handovers = CounterMetricFamily(
            "colorchanger_handovers",
            "Readers that were asked to take over, by what happened before.",
            labels=["reason"],
        )
        lost = {id(each): each.handovers for each in readers}
        for reason in {"silent", "closed", "login", "refused", *(reason for each in lost.values() for reason in each)}:
            known = self._handovers.setdefault(reason, _Sum())
            handovers.add_metric([reason], known.read({key: each[reason] for key, each in lost.items()}))
        yield handovers
        ends = CounterMetricFamily(
            "colorchanger_reconnects", "Chat sessions that ended and were followed by another.", labels=["reason"]
        )
        for reason in {"closed", "silent", "moved", *(reason for each in sessions for reason in each.ends)}:
            known = self._ends.setdefault(reason, _Sum())
            ends.add_metric([reason], known.read({id(session): session.ends[reason] for session in sessions}))
        yield ends

    def _logins(self) -> Iterator[Metric]:
        service = self._service
        refreshes = CounterMetricFamily(
            "colorchanger_token_refreshes", "Token refreshes, by result.", labels=["result"]
        )
        for result, number in {"refreshed": 0, **service.keeper.refreshes}.items():
            refreshes.add_metric([result], number)
        yield refreshes
        logins = own_accounts(service.keeper)
        yield _gauge("colorchanger_accounts", "Accounts that are managed.", len(logins))
        lost = sum(bool(needs_login(login) and needs_login(login, service.report(login))) for login in logins)
        yield _gauge("colorchanger_accounts_needing_login", "Accounts that must log in again.", lost)
        remaining = [budget.remaining for budget in service.budgets.by_login.values()]
        help_ = "Requests that Twitch still allows this minute, of the account that has the fewest; NaN: not known yet."
        yield _gauge("colorchanger_ratelimit_remaining", help_, min(remaining, default=math.nan))

    def _store(self) -> Iterator[Metric]:
        help_ = "1 while the store cannot be read or written, else 0."
        yield _gauge("colorchanger_store_failing", help_, bool(self._service.store.trouble))
        help_ = "Unix seconds at which the store was last written; while all is well, at most some seconds ago."
        yield _gauge("colorchanger_store_last_write_timestamp_seconds", help_, self._service.last_beat)


def _gauge(name: str, help_: str, value: float) -> Metric:
    return GaugeMetricFamily(name, help_, value=value)


def _counter(name: str, help_: str, value: float) -> Metric:
    return CounterMetricFamily(name, help_, value=value)
