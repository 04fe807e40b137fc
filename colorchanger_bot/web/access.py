"""What every request must pass: one of our names, our own origin, the password, and a CSRF token for each change."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import logging
from urllib.parse import urlsplit

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from colorchanger_bot.errors import ColorChangerError
from colorchanger_bot.settings.addresses import is_loopback
from colorchanger_bot.settings.model import WebSettings
from colorchanger_bot.web.plain import plain
from colorchanger_bot.web.sessions import SESSION_SECONDS, Sessions
from colorchanger_bot.web.visitors import PATH as JOIN

logger = logging.getLogger(__name__)

FREE = ("/healthz", "/readyz", "/login", "/static/", JOIN)
"""Open without the password; /readyz gives details only to those who sent it."""
FORWARDED = ("Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP")
"""Headers of proxies."""
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Server": "colorchanger",
}


class Refused(web.HTTPException):
    """Raised to answer with a status and one line."""

    def __init__(self, status: int, text: str, headers: dict[str, str] | None = None) -> None:
        self.status_code = status
        super().__init__(text=f"{text}\n", headers=headers)


class Access:
    """The middleware of the dashboard; `invites` says whether strangers are to come to the page of a community."""

    def __init__(self, settings: WebSettings, sessions: Sessions, *, invites: bool = False) -> None:
        self._settings = settings
        self._sessions = sessions
        self._invites = invites

    def middleware(self) -> Middleware:
        """Return what aiohttp calls around each handler."""

        @web.middleware
        async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
            self._check_names(request)
            free = request.path.startswith(FREE)
            if not free and self._is_stranger(request):
                if request.path == "/" and request.method == hdrs.METH_GET:
                    raise web.HTTPSeeOther(JOIN)
                raise Refused(403, "from outside, the dashboard opens only with a password: set web.password")
            if not free and not await self.may_see(request):
                if request.path == "/" and request.method == hdrs.METH_GET:
                    raise web.HTTPSeeOther("/login")
                raise Refused(401, "log in first", {"WWW-Authenticate": "Basic"} if request.path == "/metrics" else {})
            # The page of a community gives its visitors proofs of their own, and asks for them itself.
            if request.method not in (hdrs.METH_GET, hdrs.METH_HEAD) and not request.path.startswith(JOIN):
                await self._check_proof(request)
            try:
                return await handler(request)
            except ColorChangerError as error:
                raise Refused(409, plain(str(error))) from None

        return check

    def is_trusted(self, request: web.Request) -> bool:
        """Return whether this visitor has logged in, or need not."""
        return self._sessions.trusts(request.cookies.get(cookie_name(request), ""))

    async def may_see(self, request: web.Request) -> bool:
        """Return whether a request may see everything; a machine may send the password with what is meant for it."""
        if self.is_trusted(request):
            return True
        return request.path in ("/metrics", "/readyz") and await self._knows_password(request)

    def is_here(self, request: web.Request) -> bool:
        """Return whether this visitor may set ColorChanger up: from this machine alone until there is a password."""
        if not self._sessions.is_open:
            return self.is_trusted(request)
        forwarded = any(name in request.headers for name in FORWARDED)
        name = _name(request.headers.get(hdrs.HOST, ""))
        return not forwarded and is_loopback(name) and is_loopback(request.remote or "")

    async def _knows_password(self, request: web.Request) -> bool:
        """Whether the request has the password as basic authentication (RFC 7617); a wrong one counts as a try."""
        scheme, _, text = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
        if scheme.lower() != "basic":
            return False
        try:
            password = base64.b64decode(text, validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            password = ""
        answer = await self._sessions.check(password, request.remote or "")
        if answer.wait:
            raise Refused(429, "too many wrong passwords", {"Retry-After": str(int(answer.wait) + 1)})
        return answer.is_right

    def _check_names(self, request: web.Request) -> None:
        """Refuse foreign host names that resolve to us (DNS rebinding), and requests from pages of other sites."""
        if not self._is_ours(request.headers.get(hdrs.HOST, "")):
            raise Refused(421, "the dashboard does not answer to this name; add it to web.names if it is yours")
        site = request.headers.get("Sec-Fetch-Site", "none")
        opens_page = request.method == hdrs.METH_GET and request.headers.get("Sec-Fetch-Mode") == "navigate"
        if site not in ("none", "same-origin") and not opens_page:
            raise Refused(403, "not from another site")
        origin = request.headers.get(hdrs.ORIGIN)
        if origin is not None and not self._is_own_origin(origin, request.headers[hdrs.HOST]):
            raise Refused(403, "not from another site")

    def _is_ours(self, host: str) -> bool:
        name = _name(host)
        if name in {self._settings.host, *self._settings.names} or is_loopback(name):
            return True
        # DNS rebinding needs a name that an attacker can register; addresses and names of containers are not.
        return not self._sessions.is_open and (_is_address(name) or bool(name and "." not in name))

    def _is_stranger(self, request: web.Request) -> bool:
        """Whether this may be anybody: the way in for viewers must not open a dashboard without a password."""
        if not (self._invites and self._sessions.is_open):
            return False
        forwarded = any(name in request.headers for name in FORWARDED)
        return forwarded or _name(request.headers.get(hdrs.HOST, "")) in self._settings.names

    def _is_own_origin(self, origin: str, host: str) -> bool:
        parts = urlsplit(origin)
        named = _name(parts.netloc) in self._settings.names  # a proxy in front may use another name for us
        return parts.scheme in ("http", "https") and (parts.netloc == host or named)

    async def _check_proof(self, request: web.Request) -> None:
        token = request.headers.get("X-CSRF-Token", "")
        if not token and request.content_type == "application/x-www-form-urlencoded":
            token = str((await request.post()).get("csrf", ""))
        session = request.cookies.get(cookie_name(request), "")
        if not (session and self._sessions.is_csrf(session, token)):
            raise Refused(403, "this page is out of date: reload it")


async def add_headers(_request: web.Request, response: web.StreamResponse) -> None:
    """Put the security headers on every answer."""
    response.headers.update(HEADERS)
    response.headers.setdefault(hdrs.CACHE_CONTROL, "no-store")


def cookie_name(request: web.Request) -> str:
    """Return the name of the session's cookie; the port is part of it, because all ports of a host share cookies."""
    port = request.transport.get_extra_info("sockname")[1] if request.transport is not None else 0
    return f"colorchanger_{port}"


def set_session(request: web.Request, response: web.Response, session: str) -> None:
    """Set the session cookie, behind a proxy with TLS for TLS only."""
    origin, proxied = request.headers.get(hdrs.ORIGIN, ""), request.headers.get("X-Forwarded-Proto", "")
    response.set_cookie(
        cookie_name(request),
        session,
        max_age=int(SESSION_SECONDS),
        httponly=True,
        samesite="Strict",
        secure=origin.startswith("https:") or proxied == "https",
    )


def _name(host: str) -> str:
    """The name or address in a Host header; empty if it is none."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
