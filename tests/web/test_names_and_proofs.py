"""What a request must have to pass, tried with the middleware in front of an application that answers everything."""

from __future__ import annotations

import base64
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web

from colorchanger_bot.errors import TwitchUnavailable
from colorchanger_bot.settings.model import WebSettings
from colorchanger_bot.web.access import Access, add_headers, cookie_name, set_session
from colorchanger_bot.web.sessions import TRIES_OF_ONE, WINDOW_SECONDS, Sessions
from tests.fakes import FakeClock

PASSWORD = "a:colon:in:it"


class Front:
    """An application behind the middleware, and a visitor of it."""

    def __init__(self, sessions: Sessions, client: aiohttp.ClientSession, url: str) -> None:
        self.sessions = sessions
        self.client = client
        self.url = url
        self.session = ""

    async def enter(self, **headers: str) -> str:
        """Get a session; return its cookie."""
        async with self.client.get(f"{self.url}/login/session", headers=headers) as answer:
            self.session = await answer.text()
            return answer.headers["Set-Cookie"]

    async def status(self, method: str, path: str = "/", **options: object) -> int:
        async with self.client.request(method, f"{self.url}{path}", allow_redirects=False, **options) as answer:  # pyright: ignore[reportArgumentType]
            self.headers = answer.headers
            self.text = await answer.text()
            return answer.status

    @property
    def proof(self) -> dict[str, str]:
        return {"X-CSRF-Token": self.sessions.csrf(self.session)}


@asynccontextmanager
async def in_front(password: str = "", **settings: object) -> AsyncGenerator[Front]:
    sessions = Sessions(password, FakeClock())
    access = Access(WebSettings.of({"enabled": True, "password": password, **settings}), sessions)

    async def begin(request: web.Request) -> web.Response:
        session = sessions.new_session()
        response = web.Response(text=session)
        set_session(request, response, session)
        return response

    async def fail(request: web.Request) -> web.Response:
        raise TwitchUnavailable("Twitch is in trouble; access_token=abcdefghijklmnop")

    async def answer(request: web.Request) -> web.Response:
        return web.Response(text=cookie_name(request))

    app = web.Application(middlewares=[access.middleware()])
    app.on_response_prepare.append(add_headers)
    app.router.add_get("/login/session", begin)
    app.router.add_get("/fail", fail)
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as client:
            yield Front(sessions, client, url)
    finally:
        await runner.cleanup()


def basic(password: str, scheme: str = "Basic") -> dict[str, str]:
    return {"Authorization": f"{scheme} {base64.b64encode(f'x:{password}'.encode()).decode()}"}


# The sites that may send a request


async def test_a_link_on_another_site_opens_the_page_and_does_nothing_else() -> None:
    cross = {"Sec-Fetch-Site": "cross-site"}
    async with in_front() as front:
        await front.enter()
        assert await front.status("GET", headers={**cross, "Sec-Fetch-Mode": "navigate"}) == 200
        assert await front.status("GET", headers={**cross, "Sec-Fetch-Mode": "cors"}) == 403
        assert await front.status("GET", headers=cross) == 403
        assert await front.status("POST", headers={**cross, **front.proof, "Sec-Fetch-Mode": "navigate"}) == 403
        for site in ("same-origin", "none"):
            assert await front.status("POST", headers={**front.proof, "Sec-Fetch-Site": site}) == 200


async def test_an_origin_is_ours_if_it_is_the_host_that_was_asked_or_the_name_of_a_proxy() -> None:
    async with in_front(names=["colors.example.org"]) as front:
        await front.enter()
        host = front.url.removeprefix("http://")
        for origin in (front.url, f"https://{host}", "https://colors.example.org", "http://colors.example.org:8080"):
            assert await front.status("POST", headers={**front.proof, "Origin": origin}) == 200
        for origin in (f"ftp://{host}", "https://colors.example.org.evil.example", "null", "", "http://127.0.0.1"):
            assert await front.status("POST", headers={**front.proof, "Origin": origin}) == 403


@pytest.mark.parametrize("host", ["", "[", ":80", "colors.example.org", "127.0.0.1.evil.example"])
async def test_a_password_does_not_make_every_name_ours(host: str) -> None:
    async with in_front(PASSWORD) as front:
        assert await front.status("GET", "/healthz", headers={"Host": host}) in (400, 421)


async def test_the_configured_host_is_a_name_of_ours() -> None:
    async with in_front(PASSWORD, host="my.house.example") as front:
        assert await front.status("GET", "/healthz", headers={"Host": "my.house.example:4344"}) == 200
        assert await front.status("GET", "/healthz", headers={"Host": "house.example"}) == 421


# Sessions and proofs


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
async def test_every_change_needs_the_proof_of_the_visitors_own_session(method: str) -> None:
    async with in_front() as front:
        await front.enter()
        assert await front.status(method, headers=front.proof) == 200
        assert await front.status(method) == 403
        other = {"X-CSRF-Token": front.sessions.csrf(front.sessions.new_session())}
        assert await front.status(method, headers=other) == 403
        proof = front.proof
        front.client.cookie_jar.clear()
        assert await front.status(method, headers=proof) == 403
        assert await front.status("HEAD") == await front.status("GET") == 200


async def test_a_form_may_bring_the_proof_and_nothing_else_than_a_form() -> None:
    async with in_front() as front:
        await front.enter()
        csrf = front.sessions.csrf(front.session)
        assert await front.status("POST", data={"csrf": csrf}) == 200
        assert await front.status("POST", data={"other": csrf}) == 403
        assert await front.status("POST", data={"csrf": ""}) == 403
        assert await front.status("POST", json={"csrf": csrf}) == 403


async def test_the_cookie_of_a_session_is_kept_for_a_week_from_scripts_and_other_sites() -> None:
    async with in_front() as front:
        cookie = await front.enter()
        assert cookie.startswith(f"colorchanger_{front.url.rpartition(':')[2]}={front.session};")
        assert {part.strip() for part in cookie.split(";")[1:]} == {
            "HttpOnly",
            "Max-Age=604800",
            "Path=/",
            "SameSite=Strict",
        }
        assert "Secure" in await front.enter(Origin=front.url.replace("http:", "https:"))
        assert "Secure" in await front.enter(**{"X-Forwarded-Proto": "https"})
        assert "Secure" not in await front.enter(**{"X-Forwarded-Proto": "http"})


# The password


async def test_without_the_password_only_what_is_open_is_answered() -> None:
    async with in_front(PASSWORD) as front:
        assert await front.status("GET") == 303
        assert front.headers["Location"] == "/login"
        for path in ("/healthz", "/readyz", "/login", "/static/main.js"):
            assert await front.status("GET", path) == 200
        assert await front.status("POST") == 401
        assert await front.status("GET", "/api/events") == 401
        assert "WWW-Authenticate" not in front.headers
        assert front.text == "log in first\n"
        assert await front.status("GET", "/metrics") == 401
        assert front.headers["WWW-Authenticate"] == "Basic"


@pytest.mark.parametrize("scheme", ["Basic", "basic", "BASIC"])
async def test_a_machine_may_send_the_password_for_what_is_meant_for_machines(scheme: str) -> None:
    async with in_front(PASSWORD) as front:
        assert await front.status("GET", "/metrics", headers=basic(PASSWORD, scheme)) == 200
        assert await front.status("GET", "/metrics", headers=basic(PASSWORD, "Bearer")) == 401
        assert await front.status("GET", "/api/events", headers=basic(PASSWORD, scheme)) == 401


async def test_wrong_passwords_by_basic_are_limited_and_the_answer_says_how_long() -> None:
    async with in_front(PASSWORD) as front:
        for _ in range(TRIES_OF_ONE):
            assert await front.status("GET", "/metrics", headers=basic("wrong")) == 401
        assert await front.status("GET", "/metrics", headers=basic(PASSWORD)) == 429
        assert front.headers["Retry-After"] == str(int(WINDOW_SECONDS) + 1)


async def test_other_credentials_are_no_try() -> None:
    async with in_front(PASSWORD) as front:
        for _ in range(2 * TRIES_OF_ONE):
            assert await front.status("GET", "/metrics", headers={"Authorization": "Bearer abc"}) == 401
        assert await front.status("GET", "/metrics", headers=basic(PASSWORD)) == 200


# Answers


async def test_an_error_is_one_line_without_a_secret() -> None:
    async with in_front() as front:
        assert await front.status("GET", "/fail") == 409
        assert front.text.startswith("Twitch is in trouble")
        assert "abcdefghijklmnop" not in front.text


async def test_every_answer_forbids_framing_caching_and_foreign_content() -> None:
    async with in_front() as front:
        for path in ("/", "/fail"):
            await front.status("GET", path)
            assert front.headers["Cache-Control"] == "no-store"
            assert front.headers["X-Frame-Options"] == "DENY"
            assert "default-src 'none'" in front.headers["Content-Security-Policy"]
            assert front.headers["Server"] == "colorchanger"
