"""Sockets over real connections: whatever ends a session, one socket is left, on both sides."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import random
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import pairwise
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from yarl import URL

from colorchanger_bot.clock import SystemClock
from colorchanger_bot.errors import ChannelRefused, SessionGone
from colorchanger_bot.eventsub.frames import Event
from colorchanger_bot.eventsub.reconnect import IMMEDIATE_CONNECTS, ConnectPace, may_move
from colorchanger_bot.eventsub.session import ChatSession
from colorchanger_bot.eventsub.timing import Timing
from colorchanger_bot.twitch.http import open_socket_session
from tests.eventsub.chat_server import ChatServer, Connections, Manner, envelope, serving
from tests.eventsub.helix import FakeHelix
from tests.fakes import FakeClock, until

TIMING = Timing(keepalive_grace=0.1, overlap=0.4, close=0.4, spread=0.0, handover=0.5, reconnect=(0.05, 0.1))
MANNERS: tuple[Manner, ...] = ("reads", "ponders", "sleeps", "chatters")
CLOSED_SECONDS = TIMING.close + TIMING.overlap + 2.5
"""From the end of a session until the last of its sockets is closed: the limits, and what a busy machine adds."""


class HookedClock(SystemClock):
    """A clock that does something once, when it is asked for the time after something has happened."""

    def __init__(self) -> None:
        self._hook: tuple[Callable[[], object], Callable[[], None]] | None = None

    def do_when(self, condition: Callable[[], object], do: Callable[[], None]) -> None:
        self._hook = condition, do

    def monotonic(self) -> float:  # pyright: ignore[reportIncompatibleMethodOverride]
        if self._hook is not None and self._hook[0]():
            do, self._hook = self._hook[1], None
            do()
        return time.monotonic()


class Reader:
    """One account's chat session on a server, its connections, and what it received."""

    def __init__(
        self,
        server: ChatServer,
        connections: Connections,
        http: aiohttp.ClientSession | None = None,
        timing: Timing = TIMING,
    ) -> None:
        self.server = server
        self.connections = connections
        self.clock = HookedClock()
        self.helix = FakeHelix(self.clock)
        self.received: list[tuple[str, str, str]] = []
        """The message, the delivery and the type of each event."""
        self.parses_others = False
        self.fails = False
        """Whether receiving an event ends in an error."""
        self.http = http or connections.session()
        self.session = ChatSession(
            "1",
            "me",
            helix=self.helix,  # pyright: ignore[reportArgumentType]
            sockets=self.http,
            url=server.url,
            clock=self.clock,
            rng=random.Random(7),
            receive=self._receive,
            wants=lambda event: "wanted" in event["message"]["text"],
            parse_others=lambda _: self.parses_others,
            timing=timing,
        )
        self.session.set_channels(["me"])
        self._task: asyncio.Task[None] | None = None

    def _receive(self, event: Event, delivery_id: str, type_: str) -> None:
        if self.fails:
            raise RuntimeError("a mistake in a cog")
        self.received.append((event["message_id"], delivery_id, type_))

    def begin(self) -> None:
        self._task = asyncio.create_task(self.session.run())

    async def start(self) -> None:
        self.begin()
        await until(lambda: self.session.joined == 1)

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self.http.close()

    async def until_one_socket_is_left(self) -> None:
        """Wait until the session has been replaced, and all but one of its connections are closed on both sides."""
        await until(lambda: self.session.reconnects >= 1 or self.session.ends["moved"])
        await until(lambda: self.session.joined)
        await until(lambda: (self.server.open, self.connections.open) == (1, 1), seconds=CLOSED_SECONDS)


@pytest.fixture
async def server() -> AsyncIterator[ChatServer]:
    async with serving() as server:
        yield server


@pytest.fixture
async def reader(server: ChatServer) -> AsyncIterator[Reader]:
    reader = Reader(server, Connections())
    yield reader
    await reader.stop()
    await until(lambda: (server.open, reader.connections.open) == (0, 0))


def message(text: str, *, by: str = "1", id_: str = "m1") -> dict[str, object]:
    return {
        "event": {
            "broadcaster_user_id": "1",
            "chatter_user_id": by,
            "message_id": id_,
            "message": {"text": text, "fragments": []},
        }
    }


async def _silence(reader: Reader) -> None:
    """Nothing: the keepalive window passes."""


async def _session_gone(reader: Reader) -> None:
    reader.helix.answers["id of place"].append(SessionGone("the session does not exist"))
    reader.session.set_channels(["me", "place"])
    await until(lambda: reader.session.reconnects)
    reader.session.set_channels(["me"])


async def _failed_move(reader: Reader) -> None:
    nowhere = {"session": {"reconnect_url": "ws://127.0.0.1:9/"}}
    await reader.server.send(envelope("session_reconnect", nowhere), 0)


async def _move(reader: Reader) -> None:
    there = {"session": {"reconnect_url": f"{reader.server.url}?moved"}}
    await reader.server.send(envelope("session_reconnect", there), 0)


async def _mistake(reader: Reader) -> None:
    reader.fails = True
    await reader.server.send(envelope("notification", message("hello")), 0)


ENDS: dict[str, Callable[[Reader], Awaitable[None]]] = {
    "silence": _silence,
    "Twitch says that the session is gone": _session_gone,
    "a move that fails": _failed_move,
    "a move": _move,
    "a mistake of ours": _mistake,
}
CASES = [(end, manner) for end in ENDS for manner in MANNERS if (end, manner) != ("silence", "chatters")]


@pytest.mark.parametrize(("end", "manner"), CASES)
async def test_one_socket_is_left_after_a_session(end: str, manner: Manner, server: ChatServer, reader: Reader) -> None:
    server.manners = [manner, "reads"]
    server.keepalive = 0.3 if end == "silence" else 10.0
    await reader.start()
    server.keepalive = 10.0
    await ENDS[end](reader)
    await reader.until_one_socket_is_left()


@pytest.mark.parametrize("manner", MANNERS)
async def test_no_socket_is_left_in_a_pause_nor_after_the_stop(
    manner: Manner, server: ChatServer, reader: Reader
) -> None:
    server.manners = [manner]
    await reader.start()
    reader.session.pause("log in again")
    await until(lambda: (server.open, reader.connections.open) == (0, 0), seconds=CLOSED_SECONDS)
    reader.session.resume()
    await until(lambda: reader.session.joined == 1)
    began = time.monotonic()
    await reader.stop()
    assert time.monotonic() - began < CLOSED_SECONDS
    await until(lambda: (server.open, reader.connections.open) == (0, 0))


async def test_a_silent_session_is_replaced_before_its_close_is_answered(server: ChatServer, reader: Reader) -> None:
    server.manners = ["sleeps", "reads"]
    server.keepalive = 0.3
    await reader.start()
    server.keepalive = 10.0
    await until(lambda: len(server.sockets) == 2)
    assert server.open == 2
    await reader.until_one_socket_is_left()
    assert reader.session.ends == {"silent": 1}


async def test_a_silent_socket_is_closed_politely_if_the_other_side_listens(server: ChatServer, reader: Reader) -> None:
    server.keepalive = 0.3
    await reader.start()
    server.keepalive = 10.0
    await reader.until_one_socket_is_left()
    assert server.sockets[0].close_code == aiohttp.WSCloseCode.OK


def certificate(folder: Path) -> Path:
    """A certificate for localhost, and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    file = folder / "certificate.pem"
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
        + signed.public_bytes(serialization.Encoding.PEM)
    )
    return file


@pytest.mark.parametrize("manner", ["reads", "ponders", "sleeps"])
async def test_one_socket_is_left_after_silence_over_tls(manner: Manner, tmp_path: Path) -> None:
    file = certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    async with serving(context) as server:
        connections = Connections()
        reader = Reader(server, connections, connections.session(ssl.create_default_context(cafile=str(file))))
        server.manners = [manner, "reads"]
        server.keepalive = 0.3
        await reader.start()
        server.keepalive = 10.0
        try:
            await reader.until_one_socket_is_left()
        finally:
            await reader.stop()


# What is read


async def test_the_messages_of_others_are_not_parsed_while_nobody_is_interested(
    server: ChatServer, reader: Reader
) -> None:
    await reader.start()
    broken = '{"payload": {"event": {"chatter_user_id": "2"'
    await server.send(broken)
    await server.send(envelope("notification", message("wanted", by="2")))
    await server.send(envelope("notification", message("mine", id_="m2")))
    await until(lambda: len(reader.received) == 1)
    assert reader.session.malformed_frames == 0  # a broken frame that nobody parsed
    reader.parses_others = True
    await server.send(broken)
    await server.send(envelope("notification", message("not this one", by="2", id_="m3")))
    await server.send(envelope("notification", message("wanted", by="2", id_="m4")))
    await until(lambda: len(reader.received) == 2)
    assert reader.session.malformed_frames == 1
    assert [id_ for id_, *_ in reader.received] == ["m2", "m4"]


async def test_a_repeated_frame_is_passed_on_with_the_same_delivery_id(server: ChatServer, reader: Reader) -> None:
    await reader.start()
    frame = envelope("notification", message("hello"), message_id="d1", subscription_type="channel.chat.message")
    await server.send(frame)
    await server.send(frame)
    await until(lambda: len(reader.received) == 2)
    assert set(reader.received) == {("m1", "d1", "channel.chat.message")}


async def test_own_notifications_with_a_text_are_passed_on_and_no_others(server: ChatServer, reader: Reader) -> None:
    await reader.start()
    reader.parses_others = True
    type_ = "channel.chat.notification"
    for number, (text, by) in enumerate([("", "1"), ("wanted", "2"), ("an announcement", "1")]):
        payload = message(text, by=by, id_=f"m{number}")
        await server.send(envelope("notification", payload, subscription_type=type_))
    await until(lambda: reader.received)
    assert reader.received == [("m2", "id of a notification", type_)]
    assert reader.session.malformed_frames == 0


async def test_own_messages_in_a_channel_that_is_not_read_are_dropped(server: ChatServer, reader: Reader) -> None:
    await reader.start()
    elsewhere = message("hello", id_="m1")
    elsewhere["event"] = {**elsewhere["event"], "broadcaster_user_id": "3"}  # pyright: ignore[reportGeneralTypeIssues]
    await server.send(envelope("notification", elsewhere))
    await server.send(envelope("notification", message("hello", id_="m2")))
    await until(lambda: reader.received)
    assert [id_ for id_, *_ in reader.received] == ["m2"]


async def test_the_end_of_a_subscription_of_this_account_is_followed_and_of_no_other(
    server: ChatServer, reader: Reader
) -> None:
    await reader.start()
    for user_id, status in (("2", "chat_user_banned"), ("1", "version_removed")):
        condition = {"broadcaster_user_id": "1", "user_id": user_id}
        subscription = {"id": "session 1 1 channel.chat.message", "condition": condition, "status": status}
        await server.send(envelope("revocation", {"subscription": {**subscription, "type": "channel.chat.message"}}))
    (channel,) = reader.session.channels
    await until(lambda: channel.state == "parked")
    assert channel.reason == "Twitch no longer offers this kind of subscription"
    assert reader.session.malformed_frames == 0


# Moving


async def test_after_a_move_channels_are_joined_with_the_new_session_id(server: ChatServer, reader: Reader) -> None:
    await reader.start()
    await _move(reader)
    await until(lambda: reader.session.ends["moved"])
    reader.session.set_channels(["me", "place"])
    await until(lambda: reader.session.joined == 2)
    assert reader.helix.sessions == ["session 1", "session 2"]
    await reader.until_one_socket_is_left()


async def test_the_old_socket_is_read_until_the_new_one_gets_everything(server: ChatServer, reader: Reader) -> None:
    await reader.start()
    reader.helix.gate.clear()
    reader.session.set_channels(["me", "place"])
    await _move(reader)
    await until(lambda: reader.session.ends["moved"])
    moved = time.monotonic()
    await until(lambda: time.monotonic() - moved > 2.5 * TIMING.overlap)
    await server.send(envelope("notification", message("on its way")), 0)
    await until(lambda: reader.received)
    reader.helix.gate.set()
    await reader.until_one_socket_is_left()


async def test_nothing_more_is_read_in_a_pause(server: ChatServer) -> None:
    connections = Connections()
    reader = Reader(server, connections, timing=TIMING._replace(overlap=60.0))
    await reader.start()
    reader.session.pause("log in again")
    try:
        await until(lambda: (server.open, connections.open) == (0, 0), seconds=CLOSED_SECONDS)
        assert reader.session.ends == {"ended_by_us": 1}
    finally:
        await reader.stop()


@pytest.mark.parametrize("manner", ["reads", "ponders"])
async def test_a_socket_that_is_opened_after_its_session_ended_is_closed(
    manner: Manner, server: ChatServer, reader: Reader
) -> None:
    server.manners = [manner]
    await reader.start()
    # The welcome of the next socket and the end of the session come in the same moment.
    reader.clock.do_when(lambda: len(server.sockets) == 2, lambda: reader.session.pause("log in again"))
    await _move(reader)
    await until(lambda: reader.session.reconnects)
    await until(lambda: (server.open, reader.connections.open) == (0, 0), seconds=CLOSED_SECONDS)
    assert (len(server.sockets), reader.session.ends["moved"]) == (2, 0)
    # Left to itself it would be closed as well, without a goodbye, when its memory is freed.
    assert server.sockets[1].close_code == aiohttp.WSCloseCode.OK


@pytest.mark.parametrize("manner", ["reads", "ponders"])
async def test_a_socket_that_is_opened_for_a_session_in_a_pause_is_closed(
    manner: Manner, server: ChatServer, reader: Reader
) -> None:
    server.manners = [manner]
    reader.clock.do_when(lambda: server.sockets, lambda: reader.session.pause("log in again"))
    reader.begin()
    await until(lambda: server.sockets)
    await until(lambda: (server.open, reader.connections.open) == (0, 0), seconds=CLOSED_SECONDS)
    assert reader.helix.sessions == []


async def test_a_move_under_way_when_its_session_ends_leaves_no_socket(server: ChatServer, reader: Reader) -> None:
    await reader.start()
    asked = asyncio.Event()

    async def handshake(request: web.Request) -> None:
        if "moved" in request.query_string:
            asked.set()
            await asyncio.sleep(3600)

    server.handshake = handshake
    await _move(reader)
    await asked.wait()
    await server.sockets[0].close(code=4004)
    await reader.until_one_socket_is_left()
    assert reader.helix.sessions == ["session 1", "session 2"]


@pytest.mark.parametrize(
    ("configured", "target", "allowed"),
    [
        ("wss://eventsub.wss.twitch.tv/ws", "wss://eventsub.wss.twitch.tv/ws?challenge=1", True),
        ("wss://eventsub.wss.twitch.tv/ws", "wss://cell-c.eventsub.wss.twitch.tv/ws", True),
        ("wss://eventsub.wss.twitch.tv/ws", "wss://TWITCH.tv:443/ws", True),
        ("wss://eventsub.wss.twitch.tv/ws", "ws://eventsub.wss.twitch.tv/ws", False),
        ("wss://eventsub.wss.twitch.tv/ws", "https://eventsub.wss.twitch.tv/ws", False),
        ("wss://eventsub.wss.twitch.tv/ws", "wss://twitch.tv.example/ws", False),
        ("wss://eventsub.wss.twitch.tv/ws", "wss://nottwitch.tv/ws", False),
        ("wss://eventsub.wss.twitch.tv/ws", "wss://twitch.tv@evil.example/ws", False),
        ("wss://eventsub.wss.twitch.tv/ws", "wss://127.0.0.1/ws", False),
        ("wss://eventsub.wss.twitch.tv/ws", "wss:///ws", False),
        ("wss://eventsub.wss.twitch.tv/ws", "", False),
        ("wss://eventsub.wss.twitch.tv/ws", "a better place", False),
        ("wss://proxy.example.co.uk/ws", "wss://other.example.co.uk/ws", True),
        ("wss://proxy.example.co.uk/ws", "wss://another.co.uk/ws", False),
        ("wss://10.1.2.3/ws", "wss://9.1.2.3/ws", False),
        ("wss://10.1.2.3/ws", "wss://10.1.2.3:8443/ws", True),
        ("ws://127.0.0.1:8080/ws", "ws://127.0.0.1:9000/ws", True),
        ("ws://127.0.0.1:8080/ws", "ws://localhost:8080/ws", True),
        ("ws://127.0.0.1:8080/ws", "ws://10.1.2.3:8080/ws", False),
        ("ws://127.0.0.1:8080/ws", "wss://eventsub.wss.twitch.tv/ws", False),
        ("ws://twitch.home/ws", "ws://twitch.home/ws?challenge=1", True),
        ("ws://twitch.home/ws", "wss://twitch.home/ws", True),
        ("ws://twitch.home/ws", "http://twitch.home/ws", False),
        ("ws://twitch.home/ws", "ws://router.home/ws", False),
    ],
)
def test_a_session_is_moved_only_within_the_configured_site(configured: str, target: str, allowed: bool) -> None:
    assert may_move(URL(configured), URL(target, encoded=True)) is allowed


async def test_a_session_that_is_sent_elsewhere_starts_again_at_the_configured_address(
    server: ChatServer, reader: Reader
) -> None:
    async with serving(host="127.0.0.2") as elsewhere:
        await reader.start()
        foreign = {"session": {"reconnect_url": elsewhere.url}}
        await server.send(envelope("session_reconnect", foreign))
        await reader.until_one_socket_is_left()
        assert (elsewhere.paths, len(server.paths)) == ([], 2)


# Connecting


async def test_a_welcome_that_does_not_come_is_not_waited_for_for_ever(server: ChatServer) -> None:
    async def hang(request: web.Request) -> web.StreamResponse | None:
        if len(server.paths) == 1:
            await asyncio.sleep(3600)
        return None

    server.handshake = hang
    reader = Reader(server, Connections(), timing=TIMING._replace(connect=0.3))
    reader.begin()
    try:
        await until(lambda: reader.session.trouble)
        assert "no welcome in time" in reader.session.trouble
        await until(lambda: reader.session.joined == 1)
        assert reader.session.trouble == ""
    finally:
        await reader.stop()


async def test_the_end_of_a_socket_is_no_error_of_ours(
    server: ChatServer, reader: Reader, caplog: pytest.LogCaptureFixture
) -> None:
    await reader.start()
    await server.sockets[0].close(code=4000)
    await until(lambda: reader.session.reconnects and reader.session.joined)
    assert reader.session.ends == {"closed_4000": 1}
    assert [record.getMessage() for record in caplog.records if record.exc_info] == []


async def test_while_every_channel_is_parked_there_is_no_session_until_one_is_tried_again(
    server: ChatServer, caplog: pytest.LogCaptureFixture
) -> None:
    reader = Reader(server, Connections(), timing=TIMING._replace(second_try=0.05, park=(60.0, 60.0)))
    reader.helix.answers["1"].extend([ChannelRefused("subscription missing proper authorization")] * 2)
    reader.begin()
    try:
        await until(lambda: (server.open, reader.session.reconnects) == (0, 1))
        reader.session.retry_now()
        await until(lambda: reader.session.joined == 1)
        assert len(server.paths) == 2
        assert [record.getMessage() for record in caplog.records if record.exc_info] == []
    finally:
        await reader.stop()


async def test_a_redirect_is_not_followed(server: ChatServer) -> None:
    async with serving() as elsewhere:
        reader = Reader(server, Connections(), open_socket_session())

        async def handshake(request: web.Request) -> web.StreamResponse | None:
            if len(server.paths) > 2:
                return None
            raise web.HTTPTemporaryRedirect(elsewhere.url.replace("ws://", "http://"))

        server.handshake = handshake
        await reader.start()
        assert (elsewhere.paths, len(server.paths)) == ([], 3)
        await reader.stop()


async def test_a_connection_that_flaps_is_made_anew_with_a_pause() -> None:
    clock = FakeClock()
    pace = ConnectPace(clock, random.Random(7), Timing())
    times: list[float] = []

    async def connect_for_ever() -> None:
        while True:
            await pace.wait()
            pace.succeeded()
            times.append(clock.monotonic())

    connecting = asyncio.create_task(connect_for_ever())
    await clock.advance(60)
    connecting.cancel()
    await asyncio.gather(connecting, return_exceptions=True)
    assert times[IMMEDIATE_CONNECTS - 1] < 2
    assert all(later - earlier >= 1 for earlier, later in pairwise(times[IMMEDIATE_CONNECTS - 1 :]))
    assert len(times) <= IMMEDIATE_CONNECTS + 60


async def test_failed_connects_wait_longer_each_time_up_to_8_s() -> None:
    clock = FakeClock()
    pace = ConnectPace(clock, random.Random(7), Timing())
    waits: list[float] = []

    async def fail_for_ever() -> None:
        while True:
            began = clock.monotonic()
            await pace.failed()
            waits.append(clock.monotonic() - began)

    failing = asyncio.create_task(fail_for_ever())
    await clock.advance(120)
    failing.cancel()
    await asyncio.gather(failing, return_exceptions=True)
    assert 0.75 <= waits[0] <= 1
    assert waits[1] > waits[0]
    assert min(waits[4:]) >= 6
    assert max(waits) <= 8
