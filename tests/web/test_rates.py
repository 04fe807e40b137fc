"""How often an address may come, and which address a visitor has."""

from __future__ import annotations

import pytest

from colorchanger_bot.web.rates import MOST_ADDRESSES, Rate, Rates, visitors_address
from tests.fakes import FakeClock

EACH, TOGETHER = Rate(3, 0.5), Rate(10, 2.0)


async def test_an_address_has_a_burst_and_then_its_pace() -> None:
    clock = FakeClock()
    rates = Rates(clock, each=EACH, together=TOGETHER)
    assert [rates.wait("192.0.2.1") for _ in range(4)] == [0, 0, 0, 2.0]
    assert rates.wait("192.0.2.2") == 0
    await clock.advance(2)
    assert [rates.wait("192.0.2.1") for _ in range(2)] == [0, 2.0]
    await clock.advance(3600)
    assert [rates.wait("192.0.2.1") for _ in range(4)] == [0, 0, 0, 2.0]


async def test_all_addresses_together_have_a_limit_too() -> None:
    clock = FakeClock()
    rates = Rates(clock, each=EACH, together=TOGETHER)
    assert [rates.wait(f"192.0.2.{number}") for number in range(11)] == [0] * 10 + [0.5]
    await clock.advance(0.5)
    assert rates.wait("192.0.2.200") == 0


def test_what_is_refused_does_not_count_against_others() -> None:
    rates = Rates(FakeClock(), each=EACH, together=TOGETHER)
    for _ in range(100):
        rates.wait("192.0.2.1")
    assert [rates.wait("192.0.2.2") for _ in range(3)] == [0, 0, 0]


def test_very_many_addresses_are_not_all_remembered() -> None:
    rates = Rates(FakeClock(), each=EACH, together=Rate(10**6, 1.0))
    for number in range(MOST_ADDRESSES + 500):
        rates.wait(f"address {number}")
    assert len(rates._left) == MOST_ADDRESSES  # pyright: ignore[reportPrivateUsage]


def test_all_addresses_of_one_ipv6_network_are_one_visitor() -> None:
    rates = Rates(FakeClock(), each=EACH, together=TOGETHER)
    assert [rates.wait(f"2001:db8:1:2::{number}") for number in range(4)] == [0, 0, 0, 2.0]
    assert rates.wait("2001:db8:1:3::1") == 0


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("8.8.8.8", "", "8.8.8.8"),
        ("8.8.8.8", "9.9.9.9", "8.8.8.8"),  # anybody can write this header
        ("127.0.0.1", "9.9.9.9", "9.9.9.9"),
        ("::1", "9.9.9.9", "9.9.9.9"),
        ("172.17.0.1", "1.1.1.1, 9.9.9.9", "9.9.9.9"),  # the proxy saw 9.9.9.9, which made up the other
        ("127.0.0.1", "1.1.1.1, 9.9.9.9, 10.0.0.2", "9.9.9.9"),  # two proxies
        ("127.0.0.1", "9.9.9.9:51234", "9.9.9.9"),
        ("127.0.0.1", "[2620:fe::fe]:443", "2620:fe::fe"),
        ("::ffff:127.0.0.1", "2620:fe::fe", "2620:fe::fe"),
        ("127.0.0.1", "10.0.0.7", "10.0.0.7"),
        ("127.0.0.1", "unknown, , [", "127.0.0.1"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("", "9.9.9.9", ""),
    ],
)
def test_the_address_is_one_that_a_proxy_of_ours_has_seen(peer: str, forwarded: str, address: str) -> None:
    assert visitors_address(peer, forwarded) == address
