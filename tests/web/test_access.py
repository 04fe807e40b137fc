"""The dashboard under attack: other host names, pages of other sites, guessed passwords, and leaked secrets."""

from __future__ import annotations

import asyncio
import base64
from http import HTTPStatus
from pathlib import Path

import pytest

from colorchanger_bot.errors import ConfigError
from colorchanger_bot.sandbox import LocalTwitch
from colorchanger_bot.settings.load import load
from colorchanger_bot.settings.passwords import hashed
from colorchanger_bot.settings.preferences import with_preferences
from colorchanger_bot.store.store import Store
from colorchanger_bot.web.sessions import TRIES_OF_ALL, TRIES_OF_ONE, WINDOW_SECONDS, Attempts, Sessions
from tests.fakes import FakeClock
from tests.web.conftest import Serve, Served, Visitor, visiting

PASSWORD = "correct horse battery staple"
PATHS = ("/", "/login", "/healthz", "/readyz", "/metrics", "/api/events", "/api/checkup", "/static/main.js")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:4343", "localhost.evil.example", "192.168.1.5", "", "["]
)
async def test_a_foreign_host_name_is_refused(visitor: Visitor, path: str, host: str) -> None:
    status, _ = await visitor.get(path, Host=host)
    assert status in (HTTPStatus.MISDIRECTED_REQUEST, HTTPStatus.BAD_REQUEST)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "localhost:1234", "[::1]", "[::1]:4343"])
async def test_the_names_of_this_machine_are_answered(visitor: Visitor, host: str) -> None:
    assert (await visitor.get("/healthz", Host=host))[0] == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"X-CSRF-Token": ""},
        {"X-CSRF-Token": "0" * 64},
        {"X-CSRF-Token": "é"},
    ],
    ids=[
        "another site",
        "no site",
        "another port",
        "cross-site",
        "same-site",
        "no proof",
        "a wrong proof",
        "a proof beyond ASCII",
    ],
)
async def test_a_change_from_elsewhere_is_refused(
    visitor: Visitor, service: Served, twitch: LocalTwitch, headers: dict[str, str]
) -> None:
    await visitor.look()
    status, _ = await visitor.say("me", "off", **headers)
    assert status == 403
    assert service.changer[twitch.user("me").id].settings.enabled
    assert (await visitor.say("me", "off", Origin=visitor.url))[0] == 200


async def test_a_visitors_csrf_token_does_not_work_for_another(service: Served, visitor: Visitor) -> None:
    await visitor.look()
    async with visiting(service) as other:
        await other.look()
        other.csrf = visitor.csrf
        assert (await other.say("me", "off"))[0] == 403


@pytest.mark.parametrize("path", ["/api/events", "/api/checkup", "/metrics"])
async def test_a_page_of_another_site_cannot_read_the_api(visitor: Visitor, path: str) -> None:
    assert (await visitor.get(path, **{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}))[0] == 403


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b'{"text": 1}', b'{"text": ""}', b'{"text": "%s"}' % (b"x" * 501), b"x" * 20_000]
)
async def test_an_odd_body_is_refused(visitor: Visitor, body: bytes) -> None:
    await visitor.look()
    status, _ = await visitor.post(
        "/api/accounts/me/command", data=body, **{"Content-Type": "application/json", "X-CSRF-Token": visitor.csrf}
    )
    assert status in (400, 413)


async def test_every_response_has_the_security_headers(visitor: Visitor) -> None:
    for path in ("/", "/healthz", "/nothing", "/static/main.js"):
        async with visitor.session.get(visitor.url + path) as answer:
            policy = answer.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert "aiohttp" not in answer.headers["Server"]


async def test_the_page_has_no_inline_script_or_style(visitor: Visitor) -> None:
    page = await visitor.look()
    assert "<style" not in page
    assert " style=" not in page
    assert page.count("<script") == page.count('<script type="module" src="/static/')


async def test_static_files_cannot_leave_their_folder(visitor: Visitor) -> None:
    for path in ("/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2fapp.py", "/static/"):
        assert (await visitor.get(path))[0] in (403, 404)


# The password


async def test_nothing_is_shown_without_the_password(serve: Serve) -> None:
    async with serve(web={"password": PASSWORD}) as service, visiting(service) as stranger:
        assert (await stranger.get("/"))[0] == 303
        for path in ("/api/events", "/api/checkup", "/metrics", "/api/accounts/me/preview?text=random"):
            assert (await stranger.get(path))[0] == 401
        assert (await stranger.say("me", "off"))[0] == 401
        assert (await stranger.get("/healthz"))[0] == 200
        _, ready = await stranger.get("/readyz")
        assert "me" not in ready


async def test_the_password_opens_the_page_and_a_logout_closes_it(serve: Serve) -> None:
    async with serve(web={"password": PASSWORD}) as service, visiting(service) as owner:
        await owner.look("/login")
        assert (await owner.post("/login", data={"csrf": owner.csrf, "password": PASSWORD}))[0] == 303
        await owner.look()
        assert (await owner.get("/metrics"))[0] == 200
        async with owner.session.get(f"{owner.url}/api/events") as open_page:
            await open_page.content.readline()
            assert (await owner.post("/logout", data={"csrf": owner.csrf}))[0] == 303
            assert (await owner.get("/"))[0] == 303
            async with asyncio.timeout(5):
                await open_page.read()  # ends by itself


async def test_behind_tls_the_session_cookie_is_secure(visitor: Visitor) -> None:
    async with visitor.session.get(f"{visitor.url}/", headers={"X-Forwarded-Proto": "https"}) as answer:
        assert "Secure" in answer.headers["Set-Cookie"]
    async with visitor.session.get(f"{visitor.url}/") as answer:
        cookie = answer.headers["Set-Cookie"]
    assert "Secure" not in cookie
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie


async def test_a_login_needs_the_proof_of_its_own_page(serve: Serve) -> None:
    async with serve(web={"password": PASSWORD}) as service, visiting(service) as stranger:
        await stranger.look("/login")
        assert (await stranger.post("/login", data={"password": PASSWORD}))[0] == 403


async def test_the_session_changes_at_login(serve: Serve) -> None:
    async with serve(web={"password": PASSWORD}) as service, visiting(service) as owner:
        await owner.look("/login")
        before = owner.csrf
        await owner.post("/login", data={"csrf": before, "password": PASSWORD})
        await owner.look()
        assert owner.csrf != before


async def test_a_password_cannot_be_guessed_by_brute_force(serve: Serve) -> None:
    async with serve(web={"password": PASSWORD}) as service, visiting(service) as thief:
        await thief.look("/login")
        statuses = [
            (await thief.post("/login", data={"csrf": thief.csrf, "password": f"guess {number}"}))[0]
            for number in range(1000)
        ]
        assert statuses == [401] * TRIES_OF_ONE + [429] * (1000 - TRIES_OF_ONE)
        # Not even the right password works now: else an attacker would learn it by guessing on.
        assert (await thief.post("/login", data={"csrf": thief.csrf, "password": PASSWORD}))[0] == 429
        basic = base64.b64encode(f"x:{PASSWORD}".encode()).decode()
        assert (await thief.get("/metrics", Authorization=f"Basic {basic}"))[0] == 429


@pytest.mark.parametrize("credentials", ["x:wrong", "x:", "", "no colon"])
async def test_wrong_passwords_of_machines_count_as_tries(serve: Serve, credentials: str) -> None:
    async with serve(web={"password": PASSWORD}) as service, visiting(service) as thief:
        basic, right = (f"Basic {base64.b64encode(text.encode()).decode()}" for text in (credentials, f"x:{PASSWORD}"))
        paths = ["/metrics", "/readyz", "/metrics", "/readyz", "/metrics"][:TRIES_OF_ONE]
        for path in paths:
            await thief.get(path, Authorization=basic)
        assert (await thief.get("/metrics", Authorization=right))[0] == 429
        await thief.look("/login")
        assert (await thief.post("/login", data={"csrf": thief.csrf, "password": PASSWORD}))[0] == 429


async def test_prometheus_may_send_the_password(serve: Serve) -> None:
    async with serve(web={"password": PASSWORD}) as service, visiting(service) as machine:
        good, bad = (base64.b64encode(f"prometheus:{word}".encode()).decode() for word in (PASSWORD, "wrong"))
        assert (await machine.get("/metrics", Authorization=f"Basic {good}"))[0] == 200
        assert (await machine.get("/metrics", Authorization=f"Basic {bad}"))[0] == 401
        assert (await machine.get("/", Authorization=f"Basic {good}"))[0] == 303


@pytest.mark.parametrize("host", ["192.168.1.5:4343", "colorchanger:4343", "colors.example.org"])
async def test_with_a_password_it_answers_to_addresses_containers_and_names(serve: Serve, host: str) -> None:
    web = {"password": PASSWORD, "names": ["colors.example.org"]}
    async with serve(web=web) as service, visiting(service) as machine:
        assert (await machine.get("/healthz", Host=host))[0] == 200
        assert (await machine.get("/healthz", Host="evil.example"))[0] == 421


async def test_wrong_passwords_are_forgotten_after_a_while() -> None:
    clock = FakeClock()
    attempts = Attempts(clock)
    for _ in range(TRIES_OF_ONE):
        assert attempts.wait("one") == 0
        attempts.failed("one")
    assert attempts.wait("one") == WINDOW_SECONDS
    assert attempts.wait("other") == 0
    await clock.advance(WINDOW_SECONDS)
    assert attempts.wait("one") == 0


def test_many_addresses_together_are_limited_too() -> None:
    attempts = Attempts(FakeClock())
    for number in range(TRIES_OF_ALL):
        attempts.failed(f"address {number}")
    assert attempts.wait("a new one") > 0


async def test_a_session_ends_after_a_week() -> None:
    clock = FakeClock()
    sessions = Sessions(PASSWORD, clock)
    session = sessions.new_session()
    sessions.trust(session)
    assert sessions.trusts(session)
    await clock.advance(7 * 86_400)
    assert not sessions.trusts(session)


# Settings


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "myhost"])
def test_other_machines_need_a_password(tmp_path: Path, host: str) -> None:
    environ = {"COLORCHANGER_WEB__ENABLED": "true", "COLORCHANGER_WEB__HOST": host}
    settings = load(environ=environ, cwd=tmp_path, config_dir=tmp_path)
    assert [*settings.obstacles()] == [
        f'web.password is empty, and web.host = "{host}" lets others in: set web.password'
    ]
    assert [*with_preferences(settings, {"web.password": hashed(PASSWORD)}, {}).obstacles()] == []
    settings = load(environ=environ | {"COLORCHANGER_WEB__PASSWORD": PASSWORD}, cwd=tmp_path, config_dir=tmp_path)
    assert [*settings.obstacles()] == []


async def test_settings_made_in_code_are_checked_too(serve: Serve) -> None:
    with pytest.raises(ConfigError, match=r"set web\.password"):
        async with serve(web={"host": "0.0.0.0"}):
            pass


async def test_a_password_of_the_page_opens_it_to_other_machines(serve: Serve, store: Store) -> None:
    await store.change_preferences({"web.password": hashed(PASSWORD)})
    async with serve(web={"host": "0.0.0.0"}) as service, visiting(service) as owner:
        assert (await owner.get("/"))[0] == 303
        await owner.look("/login")
        assert (await owner.post("/login", data={"csrf": owner.csrf, "password": PASSWORD}))[0] == 303
        await owner.look("/settings")
        status, text = await owner.post("/api/settings", json={"set": {"web.password": ""}, "drop": []})
        assert status == 422
        assert "lets others in: set web.password" in text
        assert (await owner.get("/"))[0] == 200
        assert await store.preferences() != {}


# Secrets


async def test_no_response_contains_a_secret(serve: Serve, twitch: LocalTwitch, store: Store) -> None:
    async with serve(web={"password": PASSWORD}) as service, visiting(service) as owner:
        await twitch.wait_subscribed("me", "me")
        await owner.look("/login")
        await owner.post("/login", data={"csrf": owner.csrf, "password": PASSWORD})
        seen = [await owner.look()]
        (login,) = await store.logins()
        await owner.post("/api/login", json={})
        await twitch.wait_for(lambda: twitch.pending_devices)
        (device,) = twitch.pending_devices
        seen += [(await owner.get(path))[1] for path in PATHS if path != "/api/events"]
        seen += [(await owner.say("me", word))[1] for word in ("status", "next", "help", "nonsense")]
        seen.append(await owner.state())
        await twitch.revoke_login("me")
        await asyncio.sleep(0.1)
        seen += [(await owner.get("/api/checkup"))[1], await owner.state(), (await owner.say("me", "next"))[1]]
        secrets = {login.pair.access, login.pair.refresh, device.device_code, PASSWORD}
        assert [secret for secret in secrets for text in seen if secret in text] == []
