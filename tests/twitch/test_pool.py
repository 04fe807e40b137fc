"""What is remembered about the network is bounded: colours come in time, whatever a NAT, a proxy or a resolver does."""

from __future__ import annotations

import asyncio
import socket
import ssl
import sys
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from colorchanger_bot.clock import SystemClock
from colorchanger_bot.color import Color
from colorchanger_bot.errors import OutcomeUnknown, TwitchUnavailable
from colorchanger_bot.sandbox import LocalTwitch, faults
from colorchanger_bot.twitch.helix import Helix
from colorchanger_bot.twitch.http import http_address, open_session, open_socket_session, send
from colorchanger_bot.twitch.oauth import OAuth, Owner
from colorchanger_bot.twitch.pool import DNS_SECONDS, KEEP_IDLE_SECONDS, Pool, probed_socket
from tests.conftest import SCOPES
from tests.processes import Environment, running
from tests.twitch.network import NAME, Authority, ForwardProxy, Nat, served, tls

PUT = "PUT /helix/chat/color"
IN_TIME = 5.0


@pytest.fixture
async def nat(twitch: LocalTwitch) -> AsyncIterator[Nat]:
    made = Nat(port_of(twitch))
    async with served(made):
        yield made


def port_of(twitch: LocalTwitch) -> int:
    return int(URL(twitch.api_url).port or 0)


def helix(twitch: LocalTwitch, session: aiohttp.ClientSession, client_id: str, port: int) -> Helix:
    twitch.add_user("me", turbo=True)
    pair = twitch.issue_tokens("me", client_id, SCOPES)
    return Helix(session, client_id=client_id, handle=pair.access, api_url=f"http://127.0.0.1:{port}/helix")


async def test_a_colour_comes_in_time_over_connections_that_a_nat_has_forgotten(
    twitch: LocalTwitch, nat: Nat, client_id: str
) -> None:
    async with open_session() as session:
        calls = helix(twitch, session, client_id, nat.port)
        me = twitch.user("me").id
        await asyncio.gather(*(calls.get_color(me) for _ in range(8)))  # several connections, all to be forgotten
        for number in range(2):
            nat.forget()
            began = time.monotonic()
            await calls.put_color(me, Color(number))
            assert time.monotonic() - began < IN_TIME
        nat.forget()
        began = time.monotonic()
        await asyncio.gather(*(calls.get_color(me) for _ in range(8)))
        assert time.monotonic() - began < IN_TIME
    assert [change.sent for change in twitch.color_changes] == ["#000000", "#000001"]


async def test_a_request_that_must_not_be_repeated_is_sent_once_and_leaves_no_old_connection(
    twitch: LocalTwitch, nat: Nat
) -> None:
    url = f"http://127.0.0.1:{nat.port}/oauth2/token"
    async with open_session() as session:
        await send(session, "POST", url)
        nat.forget()
        limit = aiohttp.ClientTimeout(total=0.5)
        with pytest.raises(OutcomeUnknown):
            await send(session, "POST", url, timeout=limit)
        await send(session, "POST", url, timeout=limit)
    assert nat.opened == 2


async def test_a_refresh_never_goes_over_a_connection_that_may_be_forgotten(
    twitch: LocalTwitch, nat: Nat, client_id: str
) -> None:
    twitch.add_user("me")
    pair = twitch.issue_tokens("me", client_id, SCOPES)
    async with open_session() as session:
        url = f"http://127.0.0.1:{nat.port}"
        oauth = OAuth(session, client_id=client_id, client_secret="", id_url=url, clock=SystemClock())
        assert isinstance(await oauth.validate(pair.access), Owner)
        nat.forget()
        async with asyncio.timeout(IN_TIME):
            assert (await oauth.refresh(pair.refresh)).access
    assert twitch.refreshes == {"me": 1}


async def test_a_connection_that_was_cut_while_idle_costs_no_request(
    twitch: LocalTwitch, nat: Nat, client_id: str
) -> None:
    async with open_session() as session:
        calls = helix(twitch, session, client_id, nat.port)
        me = twitch.user("me").id
        await asyncio.gather(*(calls.get_color(me) for _ in range(4)))
        twitch.faults.add("GET /helix/chat/color", faults.drop())
        await calls.get_color(me)
        assert nat.opened == 5  # the other three are of the same age, and were not tried


async def test_a_new_connection_has_more_time_for_its_answer_than_a_used_one(
    twitch: LocalTwitch, client_id: str
) -> None:
    async with open_session() as session:
        calls = helix(twitch, session, client_id, port_of(twitch))
        twitch.faults.add(PUT, faults.delay(3.5), times=2)
        await calls.put_color(twitch.user("me").id, Color(1))  # on a new connection
        began = time.monotonic()
        await calls.put_color(twitch.user("me").id, Color(2))  # on the used one, and after three seconds on a new one
        assert 2.9 < time.monotonic() - began < 4.5
        assert [seen.line for seen in twitch.requests].count(PUT) == 3


async def test_no_answer_to_a_colour_is_noticed_after_four_seconds(twitch: LocalTwitch, client_id: str) -> None:
    async with open_session() as session:
        calls = helix(twitch, session, client_id, port_of(twitch))
        twitch.faults.add(PUT, faults.hang(20))
        began = time.monotonic()
        with pytest.raises(OutcomeUnknown):
            await calls.put_color(twitch.user("me").id, Color(1))
        assert 3.5 < time.monotonic() - began < IN_TIME


async def test_an_address_that_swallows_connections_is_given_up_after_three_seconds() -> None:
    with socket.socket() as full:  # its queue is full: the kernel drops what comes
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        address = full.getsockname()
        fillers = [socket.socket() for _ in range(4)]
        try:
            for filler in fillers:
                filler.setblocking(False)
                filler.connect_ex(address)
            async with open_session() as session:
                began = time.monotonic()
                with pytest.raises(TwitchUnavailable, match="cannot be reached"):
                    await send(session, "PUT", f"http://127.0.0.1:{address[1]}/")
                assert time.monotonic() - began < 4
        finally:
            for filler in fillers:
                filler.close()


async def test_both_sessions_forget_idle_connections_and_addresses_within_seconds() -> None:
    async with open_session() as requests, open_socket_session() as sockets:
        for session in (requests, sockets):
            assert isinstance(session.connector, Pool)
            # aiohttp shows these nowhere, and to wait for them would take half a minute.
            assert session.connector._keepalive_timeout == KEEP_IDLE_SECONDS  # pyright: ignore[reportPrivateUsage]
            assert session.connector._cached_hosts._ttl == DNS_SECONDS  # pyright: ignore[reportPrivateUsage]
    assert max(KEEP_IDLE_SECONDS, DNS_SECONDS) <= 15


async def test_a_name_is_looked_up_anew_after_a_failure(twitch: LocalTwitch) -> None:
    class Resolver(AbstractResolver):
        port = 1
        asked = 0

        async def resolve(self, host: str, port: int = 0, family: int = socket.AF_INET) -> list[ResolveResult]:
            self.asked += 1
            return [
                ResolveResult(hostname=host, host="127.0.0.1", port=self.port, family=socket.AF_INET, proto=0, flags=0)
            ]

        async def close(self) -> None: ...

    resolver = Resolver()
    async with open_session() as session:
        session.connector._resolver = resolver  # type: ignore[union-attr]  # pyright: ignore
        for _ in range(2):
            with pytest.raises(TwitchUnavailable):
                await send(session, "GET", "http://a.name.invalid/")
        assert resolver.asked == 2
        resolver.port = port_of(twitch)
        answer = await send(session, "GET", f"http://a.name.invalid:{port_of(twitch)}/helix/users")
    assert answer.refusal


@pytest.mark.skipif(sys.platform != "linux", reason="each system has other options")
def test_the_kernel_probes_an_idle_connection_within_fifteen_seconds() -> None:
    with probed_socket((socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", 1))) as made:
        assert made.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        idle, interval, count = (
            made.getsockopt(socket.IPPROTO_TCP, option)
            for option in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
        )
    assert idle + interval * count < 15


@pytest.mark.skipif(sys.platform != "linux", reason="each system has other options")
async def test_the_connections_of_both_sessions_are_probed(twitch: LocalTwitch) -> None:
    seen = asyncio.Event()

    async def slow_body(request: web.Request, handler: object) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await seen.wait()
        return response

    twitch.faults.add("GET /oauth2/validate", slow_body, times=2)
    async with open_session() as requests, open_socket_session() as sockets:
        for session in (requests, sockets):
            seen.clear()
            async with session.get(f"{twitch.id_url}/oauth2/validate") as answer:
                assert answer.connection is not None
                assert answer.connection.transport is not None
                made = answer.connection.transport.get_extra_info("socket")
                assert made.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 10
                seen.set()


async def test_a_name_that_cannot_be_resolved_is_said() -> None:
    async with open_session() as session:
        with pytest.raises(TwitchUnavailable, match=r"twitch\.invalid cannot be resolved"):
            await send(session, "GET", "http://twitch.invalid/")


# Proxies and certificates


@pytest.fixture
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The environment without any proxy of this machine."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "WS_PROXY", "WSS_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    return monkeypatch


@pytest.mark.parametrize(
    ("answer", "words"),
    [("407 Proxy Authentication Required", "asks for a name and password"), ("403 Forbidden", "refuses .* \\(403\\)")],
)
async def test_a_proxy_that_refuses_is_named(answer: str, words: str, no_proxies: pytest.MonkeyPatch) -> None:
    proxy = ForwardProxy(answer=answer)
    async with served(proxy):
        no_proxies.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        async with open_session() as session:
            with pytest.raises(TwitchUnavailable, match=words):
                await send(session, "PUT", "https://127.0.0.1:1/")


async def test_a_proxy_that_is_not_there_is_named(no_proxies: pytest.MonkeyPatch) -> None:
    no_proxies.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    async with open_session() as session:
        with pytest.raises(TwitchUnavailable, match="check HTTPS_PROXY"):
            await send(session, "GET", "https://127.0.0.1:2/")


async def test_no_proxy_is_obeyed(twitch: LocalTwitch, no_proxies: pytest.MonkeyPatch) -> None:
    no_proxies.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    no_proxies.setenv("NO_PROXY", "127.0.0.1")
    async with open_session() as session:
        assert (await send(session, "GET", f"{twitch.api_url}/users")).status == 401


@pytest.mark.parametrize(
    ("begins", "ends", "words"),
    [
        (timedelta(days=-1), timedelta(days=1), "set SSL_CERT_FILE"),
        (timedelta(days=1), timedelta(days=2), "not yet valid; check the clock"),
        (timedelta(days=-2), timedelta(days=-1), "has expired; check the clock"),
    ],
)
async def test_a_certificate_that_cannot_be_verified_is_said_with_what_helps(
    begins: timedelta, ends: timedelta, words: str, twitch: LocalTwitch, tmp_path: Path
) -> None:
    authority = Authority(tmp_path)
    trusting = ssl.create_default_context(cafile=None if "SSL_CERT_FILE" in words else str(authority.file))
    async with tls(port_of(twitch), authority.context(begins=begins, ends=ends)) as port, open_session() as session:
        with pytest.raises(TwitchUnavailable, match=f"127.0.0.1 cannot be verified.* {words}"):
            await send(session, "GET", f"https://127.0.0.1:{port}/helix/users", ssl=trusting)


async def test_a_run_behind_a_forward_proxy_sends_everything_through_it(
    twitch: LocalTwitch, with_tokens: Environment, tmp_path: Path, no_proxies: pytest.MonkeyPatch
) -> None:
    authority, proxy = Authority(tmp_path), ForwardProxy()
    async with tls(port_of(twitch), authority.context()) as port, served(proxy):
        here = f"{NAME}:{port}"  # nothing gets there but through the proxy
        environment = {name: value for name, value in with_tokens.items() if not name.lower().endswith("_proxy")} | {
            "COLORCHANGER_TWITCH__API_URL": f"https://{here}/helix",
            "COLORCHANGER_TWITCH__ID_URL": f"https://{here}",
            "COLORCHANGER_TWITCH__EVENTSUB_URL": f"wss://{here}/ws",
            "HTTPS_PROXY": f"http://127.0.0.1:{proxy.port}",
            "SSL_CERT_FILE": str(authority.file),
        }
        async with running(environment):
            await twitch.wait_subscribed("me", "me", timeout=20)
            await twitch.say("me", in_="me", text="hello")
            await twitch.wait_for(lambda: twitch.color_changes, timeout=10)
    assert set(proxy.asked) == {f"CONNECT {here}"}


async def test_a_run_whose_certificate_is_not_trusted_says_what_to_set(
    twitch: LocalTwitch, with_tokens: Environment, tmp_path: Path
) -> None:
    authority = Authority(tmp_path)
    async with tls(port_of(twitch), authority.context()) as port:
        environment = with_tokens | {"COLORCHANGER_TWITCH__ID_URL": f"https://127.0.0.1:{port}"}
        async with running(environment) as process:
            assert process.stderr is not None
            line = b""
            async with asyncio.timeout(20):
                while b"SSL_CERT_FILE" not in line:
                    line = await process.stderr.readline()


async def test_a_websocket_goes_through_the_same_proxy_as_https(
    twitch: LocalTwitch, no_proxies: pytest.MonkeyPatch
) -> None:
    assert http_address(URL("wss://eventsub.wss.twitch.tv/ws?a=1")) == URL("https://eventsub.wss.twitch.tv/ws?a=1")
    assert http_address(URL("ws://127.0.0.1:80/ws")) == URL("http://127.0.0.1:80/ws")
    async with open_socket_session() as sockets, sockets.ws_connect(http_address(URL(twitch.eventsub_url))) as socket_:
        assert (await socket_.receive()).type is aiohttp.WSMsgType.TEXT
