"""How many requests a visitor may send, counted by address."""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from typing import NamedTuple
from urllib.parse import urlsplit

from aiohttp import web

from colorchanger_bot.clock import Clock
from colorchanger_bot.service.joins import person_at

MOST_ADDRESSES = 5000
"""Addresses that are remembered; of more, those that have been quiet longest are forgotten."""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Rate(NamedTuple):
    """So many requests at once, and so many a second after that."""

    burst: int
    per_second: float


class Rates:
    """A limit for each address, and one for all of them together."""

    def __init__(self, clock: Clock, *, each: Rate, together: Rate) -> None:
        self._clock = clock
        self._each = each
        self._together = together
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()
        """For each address, how many requests it had left, and when that was."""
        self._left_together = (float(together.burst), clock.monotonic())

    def wait(self, address: str) -> float:
        """Count a request, and return 0; or count nothing, and return the seconds until the next one is allowed."""
        now, address = self._clock.monotonic(), person_at(address)
        own = _refilled(self._left.get(address, (float(self._each.burst), now)), self._each, now)
        together = _refilled(self._left_together, self._together, now)
        if own < 1:
            return (1 - own) / self._each.per_second
        if together < 1:
            return (1 - together) / self._together.per_second
        self._left[address], self._left_together = (own - 1, now), (together - 1, now)
        self._left.move_to_end(address)
        if len(self._left) > MOST_ADDRESSES:
            self._left.popitem(last=False)
        return 0.0


def address_of(request: web.Request) -> str:
    """Return the address of a visitor; see `visitors_address`."""
    return visitors_address(request.remote or "", ",".join(request.headers.getall("X-Forwarded-For", ())))


def visitors_address(peer: str, forwarded: str) -> str:
    """Return the address of a visitor who came over `peer`, with this in `X-Forwarded-For`.

    Behind a proxy on this machine or in this network, it is the one that the proxy names. From anywhere else, what a
    visitor says of its own address counts for nothing.
    """
    address, named = _parsed(peer), forwarded.split(",")
    while named and address is not None and address.is_private:
        # Each proxy appends whom it saw: the last public address is the one that a proxy of ours has seen itself.
        address = _parsed(named.pop().strip()) or address
    return str(address or "")


def _parsed(text: str) -> Address | None:
    """The address in a text, which may have a port."""
    for candidate in (text, _host(text)):
        try:
            address = ipaddress.ip_address(candidate)
        except ValueError:
            continue
        return getattr(address, "ipv4_mapped", None) or address
    return None


def _host(text: str) -> str:
    try:
        return urlsplit(f"//{text}").hostname or ""
    except ValueError:
        return ""


def _refilled(left: tuple[float, float], rate: Rate, now: float) -> float:
    number, at = left
    return min(float(rate.burst), number + (now - at) * rate.per_second)
