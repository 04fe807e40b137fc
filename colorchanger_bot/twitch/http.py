"""The one way to the network: sessions with limits, and every failure mapped to the error tree in plain words."""

from __future__ import annotations

import ssl
import sys
from collections.abc import Sequence
from typing import Any
from urllib.request import getproxies

import aiohttp
from aiohttp.client_middlewares import ClientHandlerType, ClientMiddlewareType
from yarl import URL

from colorchanger_bot.errors import OutcomeUnknown, TwitchUnavailable
from colorchanger_bot.twitch.answers import Answer
from colorchanger_bot.twitch.pool import Pool
from colorchanger_bot.words import reason

CONNECTIONS, CONNECTIONS_PER_HOST = 100, 50
REQUEST_SECONDS = 10.0
"""The limit of one request, from the wait for a connection to the last byte."""
CONNECT_SECONDS, ANSWER_SECONDS = 3.0, 4.0
MOST_BYTES = 1 << 20
"""Of a body, unpacked; the largest list that Twitch sends has a tenth of it."""
NOT_YET_VALID, EXPIRED = 9, 10
"""What OpenSSL calls two of the reasons why a certificate is refused (X509_V_ERR_...)."""


class BoundedResponse(aiohttp.ClientResponse):
    """A response whose body is read up to a limit; a longer one reads as empty."""

    async def read(self) -> bytes:
        if self._body is None:
            body = bytearray()
            try:
                async for chunk in self.content.iter_any():
                    body += chunk
                    if len(body) > MOST_BYTES:  # not Twitch's, and nothing of it is looked at
                        body.clear()
                        self.close()
                        break
            except BaseException:
                self.close()
                raise
            self._body = bytes(body)
        return self._body


def open_session(middlewares: Sequence[ClientMiddlewareType] = ()) -> aiohttp.ClientSession:
    """Open the session for requests; the caller closes it."""
    pool = Pool(limit=CONNECTIONS, limit_per_host=CONNECTIONS_PER_HOST)
    return aiohttp.ClientSession(
        connector=pool,
        timeout=limits(REQUEST_SECONDS),
        cookie_jar=aiohttp.DummyCookieJar(),
        middlewares=(*middlewares, pool.resend),
        response_class=BoundedResponse,
        trust_env=_has_proxies(),
    )


def open_socket_session() -> aiohttp.ClientSession:
    """Open the session for WebSockets: they stay open, so they have a pool of their own."""
    return aiohttp.ClientSession(
        connector=Pool(limit=0),
        cookie_jar=aiohttp.DummyCookieJar(),
        middlewares=(refuse_redirects,),
        trust_env=_has_proxies(),
    )


async def refuse_redirects(request: aiohttp.ClientRequest, handler: ClientHandlerType) -> aiohttp.ClientResponse:
    """A client middleware for WebSockets, for which aiohttp follows redirects to any host."""
    response = await handler(request)
    if 300 <= response.status < 400:
        response.close()
        raise aiohttp.ClientError(f"redirected ({response.status})")
    return response


def forget_connections(session: aiohttp.ClientSession) -> None:
    """Close the idle connections of a session and look up every name anew: the network is not what it was."""
    if isinstance(session.connector, Pool):
        session.connector.forget()


def limits(total: float, answer: float = ANSWER_SECONDS) -> aiohttp.ClientTimeout:
    """Return the limits of a request, in seconds: for all of it, and for the wait for an answer."""
    return aiohttp.ClientTimeout(total=total, sock_connect=CONNECT_SECONDS, sock_read=answer)


def http_address(url: URL) -> URL:
    """Return a WebSocket's address as an HTTP one: for wss://, aiohttp does not look at HTTPS_PROXY."""
    return url.with_scheme({"ws": "http", "wss": "https"}.get(url.scheme, url.scheme))


async def send(session: aiohttp.ClientSession, method: str, url: str, *, fresh: bool = False, **options: Any) -> Answer:
    """Send one request, `fresh` on a new connection, and read its answer, whatever its status and its author.

    Raises:
        TwitchUnavailable: it never reached Twitch.
        OutcomeUnknown: it may have reached Twitch, but no whole answer came back.
    """
    if fresh:
        forget_connections(session)
    # No exception of aiohttp is chained: it carries the request, and the request carries headers.
    try:
        async with session.request(method, url, allow_redirects=False, **options) as response:
            return Answer(response.status, response.headers, await response.read())
    except (aiohttp.ClientConnectorError, aiohttp.ClientHttpProxyError, aiohttp.ConnectionTimeoutError) as error:
        raise TwitchUnavailable(why_unreachable(error)) from None
    except TimeoutError:
        raise OutcomeUnknown("Twitch did not answer in time") from None
    except aiohttp.ClientError as error:
        raise OutcomeUnknown(f"the connection to Twitch broke ({type(error).__name__})") from None


def why_unreachable(error: Exception) -> str:
    """Return in plain words why no connection could be made, and what helps."""
    match error:
        case aiohttp.ClientConnectorCertificateError():
            return _untrusted(error.host, error.certificate_error)
        case aiohttp.ClientHttpProxyError(status=407):
            return "the proxy asks for a name and password (407): put them into HTTPS_PROXY"
        case aiohttp.ClientHttpProxyError():
            return f"the proxy of HTTPS_PROXY refuses the connection ({error.status})"
        case aiohttp.ClientProxyConnectionError():
            return f"the proxy {error.host} cannot be reached: check HTTPS_PROXY"
        case aiohttp.ClientConnectorDNSError():
            return f"the name {error.host} cannot be resolved (DNS): is this machine online?"
        case aiohttp.ClientSSLError():
            return f"{error.host} does not speak TLS as Twitch does: is a proxy or a login page in between?"
        case aiohttp.ClientConnectorError():
            why = reason(error.os_error) if error.os_error.errno else "no connection"
            return f"{error.host} cannot be reached: {why}"
        case _:
            return "Twitch cannot be reached: no connection in time"


def _untrusted(host: str, error: Exception) -> str:
    what = f"the certificate of {host} cannot be verified"
    if not isinstance(error, ssl.SSLCertVerificationError):
        return what
    if error.verify_code == NOT_YET_VALID:
        return f"{what}: it is not yet valid; check the clock of this machine"
    if error.verify_code == EXPIRED:
        return f"{what}: it has expired; check the clock of this machine"
    cure = "if a company proxy or virus scanner reads HTTPS, set SSL_CERT_FILE to the file with its certificate"
    return f"{what} ({error.verify_message}); {cure}"


def _has_proxies() -> bool:
    """Whether aiohttp has to look for a proxy: it does so in a thread at each request."""
    # On Windows and macOS the system's settings count too, and a person may change them at any time.
    return sys.platform in ("win32", "darwin") or bool(getproxies())
