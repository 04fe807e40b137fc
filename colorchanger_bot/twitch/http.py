"""The one way to the network: a shared session with a pool and limits, and every failure mapped to the error tree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import aiohttp
import orjson
from aiohttp.client_middlewares import ClientMiddlewareType

from colorchanger_bot.errors import OutcomeUnknown, TwitchUnavailable

CONNECTIONS, CONNECTIONS_PER_HOST = 50, 10
KEEP_IDLE_SECONDS = 300.0
"""Long enough that a person who writes once a minute never waits for a new TLS handshake."""
DNS_SECONDS = 300
REQUEST_SECONDS = 10.0
"""The limit of one request, from the wait for a connection to the last byte."""
SHOWN_CHARACTERS = 200


def open_session(middlewares: Sequence[ClientMiddlewareType] = ()) -> aiohttp.ClientSession:
    """Open the session for requests; the caller closes it."""
    connector = aiohttp.TCPConnector(
        limit=CONNECTIONS,
        limit_per_host=CONNECTIONS_PER_HOST,
        keepalive_timeout=KEEP_IDLE_SECONDS,
        ttl_dns_cache=DNS_SECONDS,
    )
    return aiohttp.ClientSession(
        connector=connector,
        timeout=aiohttp.ClientTimeout(total=REQUEST_SECONDS),
        cookie_jar=aiohttp.DummyCookieJar(),
        middlewares=middlewares,
    )


def open_socket_session() -> aiohttp.ClientSession:
    """Open the session for WebSockets: they stay open, so they must not eat up the pool of the requests."""
    connector = aiohttp.TCPConnector(limit=0, ttl_dns_cache=DNS_SECONDS)
    return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())


class Answer(NamedTuple):
    """What came back: any status, the whole body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        """Return the body as a JSON object.

        Raises:
            TwitchUnavailable: it is none (a proxy's error page, half an answer).
        """
        try:
            data = orjson.loads(self.body)
        except orjson.JSONDecodeError:
            data = None
        if not isinstance(data, dict):
            raise TwitchUnavailable(f"Twitch answered {self.status} with something that is not its format")
        return data  # pyright: ignore[reportUnknownVariableType]

    @property
    def is_json(self) -> bool:
        """Whether the body is a JSON object, as Twitch's are."""
        try:
            self.json()
        except TwitchUnavailable:
            return False
        return True

    @property
    def message(self) -> str:
        """What Twitch says is wrong, shortened; empty if it says nothing."""
        try:
            text = self.json().get("message")
        except TwitchUnavailable:
            return ""
        return text[:SHOWN_CHARACTERS] if isinstance(text, str) else ""


async def send(session: aiohttp.ClientSession, method: str, url: str, **options: Any) -> Answer:
    """Send one request and read its answer, whatever the status.

    Raises:
        TwitchUnavailable: it never reached Twitch.
        OutcomeUnknown: it may have reached Twitch, but no whole answer came back.
    """
    # No exception of aiohttp is chained: it carries the request, and the request carries headers.
    try:
        async with session.request(method, url, allow_redirects=False, **options) as response:
            return Answer(response.status, response.headers, await response.read())
    except aiohttp.ClientConnectorError as error:
        raise TwitchUnavailable(f"{error.host} cannot be reached: {error.strerror or 'no connection'}") from None
    except aiohttp.ConnectionTimeoutError:
        raise TwitchUnavailable("Twitch cannot be reached: no connection in time") from None
    except TimeoutError:
        raise OutcomeUnknown("Twitch did not answer in time") from None
    except aiohttp.ClientError as error:
        raise OutcomeUnknown(f"the connection to Twitch broke ({type(error).__name__})") from None
