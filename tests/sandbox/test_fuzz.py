"""Whatever a client sends, the local Twitch answers, and never with an error of its own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from colorchanger_bot.sandbox import LocalTwitch

LINES = (
    ("POST", "/oauth2/device"), ("POST", "/oauth2/token"), ("GET", "/oauth2/validate"), ("POST", "/oauth2/revoke"),
    ("GET", "/helix/users"), ("GET", "/helix/chat/color"), ("PUT", "/helix/chat/color"),
    ("POST", "/helix/chat/messages"), ("POST", "/helix/chat/announcements"), ("GET", "/helix/channels/followed"),
    ("GET", "/helix/streams"), ("GET", "/helix/streams/followed"), ("POST", "/helix/eventsub/subscriptions"),
    ("GET", "/helix/eventsub/subscriptions"), ("DELETE", "/helix/eventsub/subscriptions"),
    ("GET", "/activate"), ("POST", "/activate"), ("POST", "/sandbox/say"), ("GET", "/sandbox/state"), ("GET", "/ws"),
)  # fmt: skip
PATHS = sorted({path for _, path in LINES} | {"/nowhere", "/helix/%2e%2e", "/%00%ff"})
METHODS = st.sampled_from(["GET", "POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS"])
NAMES: tuple[str, ...] = (
    "user_id", "color", "id", "login", "first", "after", "status", "type", "subscription_id", "broadcaster_id",
    "sender_id", "moderator_id", "message", "reply_parent_message_id", "client_id", "client_secret", "grant_type",
    "refresh_token", "device_code", "scopes", "token", "user_code", "device-code", "as", "in", "text", "notice",
    "details", "keepalive_timeout_seconds", "challenge", "version", "condition", "transport",
)  # fmt: skip
CONTENT_TYPES = (
    b"application/json", b"application/json; charset=utf-16", b"text/plain", b"", b";;;", b"\xff\xfe",
    b"application/x-www-form-urlencoded", b"application/x-www-form-urlencoded; charset=utf-7",
    b"application/x-www-form-urlencoded; charset=unicode_escape",
    b"application/x-www-form-urlencoded; charset=no such one",
    b"multipart/form-data", b"multipart/form-data; boundary=x", b'multipart/form-data; boundary="',
)  # fmt: skip
HEADERS = (
    b"Content-Encoding: gzip", b"Content-Encoding: br", b"Content-Encoding: nonsense", b"Expect: nonsense",
    b"Upgrade: websocket\r\nConnection: Upgrade", b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x",
    b"Origin: \xff", b"Authorization: Bearer \xff\xfe", b"Authorization: OAuth", b"Cookie: \x80=;;",
)  # fmt: skip
HOSTS = (b"127.0.0.1", b"localhost:1", b"\xff", b"[", b"evil.example")

words = st.one_of(
    st.sampled_from(["", "0", "-1", "1", "9" * 5_000, "1e999", "nan", "\x00", "\ud7ff", "💜" * 50, "'\"<>&"]),
    st.text(max_size=20),
)
pairs: st.SearchStrategy[list[tuple[str, str]]] = st.lists(st.tuples(st.sampled_from(NAMES), words), max_size=5)
json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), words),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(NAMES), inner, max_size=3)),
    max_leaves=6,
)


def as_json(value: object) -> bytes:
    return json.dumps(value).encode()


def as_form(fields: list[tuple[str, str]]) -> bytes:
    return "&".join(f"{name}={quote(text)}" for name, text in fields).encode()


def as_multipart(fields: list[tuple[str, str]]) -> bytes:
    part = '--x\r\nContent-Disposition: form-data; name="{}"\r\n\r\n{}\r\n'
    return ("".join(part.format(*field) for field in fields) + "--x--\r\n").encode()


queries = st.one_of(pairs.map(as_form), st.sampled_from([b"%ff=%00", b"first=%zz", b"\xff\xfe=\x80", b"&&==", b""]))
bodies = st.one_of(
    st.binary(max_size=100),
    json_values.map(as_json),
    st.dictionaries(st.sampled_from(NAMES), json_values, max_size=6).map(as_json),
    pairs.map(as_form),
    pairs.map(as_multipart),
    st.sampled_from([b"[" * 5_000, b'{"message": "\\ud800"}', b"{" + b" " * 2_000_000 + b"}", b"--x\r\n\r\n--x--"]),
)


class Client:
    """Sends bytes to a local Twitch of its own and returns the status of the answer."""

    def __init__(self) -> None:
        self.runner = asyncio.Runner()
        self.twitch = self.runner.run(self.begin())
        self.app = self.twitch.add_app(client_secret="hush")
        self.user = self.twitch.add_user("alice")
        scopes = ("user:read:chat", "user:manage:chat_color", "user:write:chat", "user:read:follows")
        pair = self.twitch.issue_tokens("alice", self.app.client_id, (*scopes, "moderator:manage:announcements"))
        self.auth = f"Authorization: Bearer {pair.access}\r\nClient-Id: {self.app.client_id}".encode()

    @staticmethod
    async def begin() -> LocalTwitch:
        twitch = LocalTwitch(rate_limit=1_000_000, ping_interval=0.05, pong_timeout=0.05, unused_after=0.05)
        await twitch.start()
        return twitch

    def status(self, request: bytes) -> int:
        return self.runner.run(self.send(request))

    async def send(self, request: bytes) -> int:
        async with asyncio.timeout(5):
            reader, writer = await asyncio.open_connection("127.0.0.1", self.twitch.port)
            writer.write(request)
            line = await reader.readline()
            writer.transport.abort()
        return int(line.split()[1]) if line.startswith(b"HTTP/1.") else 0

    def close(self) -> None:
        self.runner.run(self.twitch.close())
        self.runner.close()


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    client = Client()
    yield client
    client.close()


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(
    line=st.one_of(st.sampled_from(LINES), st.sampled_from(LINES), st.tuples(METHODS, st.sampled_from(PATHS))),
    query=queries,
    content_type=st.sampled_from(CONTENT_TYPES),
    host=st.sampled_from(HOSTS),
    more=st.lists(st.sampled_from(HEADERS), max_size=2, unique=True),
    logged_in=st.booleans(),
    body=bodies,
    chunked=st.booleans(),
)
def test_no_request_of_any_shape_is_an_error_of_the_server(
    client: Client,
    line: tuple[str, str],
    query: bytes,
    content_type: bytes,
    host: bytes,
    more: list[bytes],
    logged_in: bool,
    body: bytes,
    chunked: bool,
) -> None:
    lines = [
        f"{line[0]} {line[1]}?".encode() + query + b" HTTP/1.1",
        b"Host: " + host,
        b"Content-Type: " + content_type,
    ]
    lines += [*more, client.auth] if logged_in else more
    if chunked:
        lines.append(b"Transfer-Encoding: chunked")
        body = (f"{len(body):x}\r\n".encode() + body + b"\r\n" if body else b"") + b"0\r\n\r\n"
    else:
        lines.append(f"Content-Length: {len(body)}".encode())
    status = client.status(b"\r\n".join(lines) + b"\r\n\r\n" + body)
    assert 100 <= status < 500


@pytest.mark.parametrize(
    ("request_line", "content_type", "body", "status"),
    [
        ("GET /helix/streams?first=" + "9" * 5_000, b"", b"", 400),
        ("POST /helix/chat/messages", b"application/json", b" " * 2_000_000, 413),
        ("POST /helix/chat/messages", b"application/x-www-form-urlencoded; charset=klingon", b"a=b", 400),
        ("POST /helix/chat/messages", b"application/json; charset=utf-16", "{}".encode("utf-16"), 400),
        ("POST /helix/chat/messages", b"application/json", b'{"message": "\\ud800"}', 400),
        ("POST /helix/chat/messages", b"application/json", b"[" * 100_000, 400),
        ("POST /oauth2/token", b"application/x-www-form-urlencoded; charset=unicode_escape", b"a=\\ud800", 400),
        ("POST /oauth2/token", b"application/x-www-form-urlencoded", b"a=\xff", 400),
        ("POST /oauth2/token", b"application/x-www-form-urlencoded", b"a&" * 5_000, 400),
        ("POST /oauth2/token", b"application/x-www-form-urlencoded", b"a" * 2_000_000, 413),
        ("POST /oauth2/token", b"multipart/form-data", b"--x", 400),
        ("GET /ws", b"", b"", 400),
    ],
)
def test_odd_requests_are_refused_in_words(
    client: Client, request_line: str, content_type: bytes, body: bytes, status: int
) -> None:
    head = f"{request_line} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\nContent-Type: ".encode()
    assert client.status(head + content_type + b"\r\n" + client.auth + b"\r\n\r\n" + body) == status
