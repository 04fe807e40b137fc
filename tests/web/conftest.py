"""A running service with its dashboard, seen through HTTP and through a browser."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from playwright.async_api import Browser, Locator, Page, async_playwright

from colorchanger_bot.clock import SystemClock
from colorchanger_bot.sandbox import LocalTwitch
from colorchanger_bot.service.service import Service
from colorchanger_bot.service.settings_file import SettingsFile
from colorchanger_bot.settings.load import Settings
from colorchanger_bot.store.store import Store, TokenPair
from colorchanger_bot.vault import new_key
from colorchanger_bot.web.server import Web, serving

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
"""The system's Chromium, or else Playwright's; without either, the browser tests fail."""
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
Serve = Callable[..., AbstractAsyncContextManager["Served"]]
WriteSettings = Callable[[str], None]


class Visitor:
    """A visitor of the dashboard, with a cookie jar and the CSRF token of the last page."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self.session = session
        self.url = url
        self.csrf = ""

    async def look(self, path: str = "/") -> str:
        """Open a page, and remember its CSRF token."""
        status, text = await self.get(path)
        assert status == 200, text
        found = re.search(r'name="csrf" (?:content|value)="(\w+)"', text)
        self.csrf = found[1] if found else ""
        return text

    async def get(self, path: str, **headers: str) -> tuple[int, str]:
        async with self.session.get(self.url + path, headers=headers, allow_redirects=False) as answer:
            return answer.status, await answer.text()

    async def state(self, account: str = "") -> str:
        """Return the first state in the stream of events, for a page that shows this account."""
        async with self.session.get(f"{self.url}/api/events", params={"account": account}) as stream:
            async for line in stream.content:
                if line.startswith(b"data: {"):
                    return line.decode().removeprefix("data: ")
        raise AssertionError("the stream ended")

    async def say(self, login: str, text: str, **headers: str) -> tuple[int, str]:
        """Send a command as the page does."""
        return await self.post(f"/api/accounts/{login}/command", json={"text": text}, **headers)

    async def delete(self, path: str) -> tuple[int, str]:
        async with self.session.delete(self.url + path, headers={"X-CSRF-Token": self.csrf}) as answer:
            return answer.status, await answer.text()

    async def post(self, path: str, *, json: Any = None, data: Any = None, **headers: str) -> tuple[int, str]:
        sent = {"X-CSRF-Token": self.csrf, **headers} if json is not None or data is None else headers
        async with self.session.post(
            self.url + path, json=json, data=data, headers=sent, allow_redirects=False
        ) as answer:
            return answer.status, await answer.text()


class Served(Service):
    """A service with its dashboard; `web` is None if the port was taken."""

    web: Web | None = None


@pytest.fixture
def serve(store: Store, settings_for: Callable[..., Settings], log_in: Callable[..., Awaitable[None]]) -> Serve:
    """Run the service with its dashboard on a free port, with one account, `me`."""

    @asynccontextmanager
    async def running(*, account: bool = True, chat: Any = None, **sections: Any) -> AsyncGenerator[Served]:
        if account:
            await log_in("me")
        web = {"enabled": True, "port": 0, **sections.pop("web", {})}
        settings = settings_for(web=web, **sections)
        async with (
            Served.running(settings, store, needs_account=False) as service,
            serving(service, chat=chat) as service.web,
        ):
            yield service

    return running


@pytest.fixture
async def service(serve: Serve, twitch: LocalTwitch) -> AsyncIterator[Served]:
    async with serve() as running:
        await twitch.wait_subscribed("me", "me")
        yield running


@pytest.fixture
def community(twitch: LocalTwitch, store_url: str, settings_for: Callable[..., Settings], client_id: str) -> Serve:
    """Run the service with a community in the chat of `streamer`, who reads it."""

    @asynccontextmanager
    async def running(*, chat: Any = None, **sections: Any) -> AsyncGenerator[Served]:
        key, streamer = new_key(), twitch.add_user("streamer", "#FF0000", turbo=True)
        pair = twitch.issue_tokens("streamer", client_id, ("user:read:chat", "user:manage:chat_color"))
        async with Store.open(store_url, [key]) as store:
            await store.put_login("streamer", client_id, TokenPair(pair.access, pair.refresh), streamer.id)
            settings = settings_for(
                web={"enabled": True, "port": 0, **sections.pop("web", {})},
                community={"enabled": True, "channel": "streamer", **sections.pop("community", {})},
                storage={"url": store_url, "key": key},
                **sections,
            )
            async with Served.running(settings, store) as service, serving(service, chat=chat) as service.web:
                await twitch.wait_subscribed("streamer", "streamer")
                yield service

    return running


@pytest.fixture
async def write_settings(service: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WriteSettings:
    """Write the settings file that the service watches; the environment says nothing beside it."""
    for name in [name for name in os.environ if name.startswith(("COLORCHANGER_", "TWITCH_"))]:
        monkeypatch.delenv(name)
    path = tmp_path / "config.toml"

    def write(text: str) -> None:
        path.write_text(text, "utf-8")

    write("")
    service.watch(SettingsFile(path, clock=SystemClock()))
    return write


SYSTEMCTL = """#!/bin/sh
folder="$HOME/.config/systemd/user"
case "$*" in
  "--user enable colorchanger.service")
    mkdir -p "$folder/default.target.wants"
    ln -sf "$folder/colorchanger.service" "$folder/default.target.wants/";;
esac
"""


@pytest.fixture
def systemctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A script in place of systemd, and a home of its own, so that nothing is changed on this computer."""
    script = tmp_path / "systemctl"
    script.write_text(SYSTEMCTL, encoding="utf-8")
    script.chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.defpath}")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", "")
    return script


@asynccontextmanager
async def visiting(service: Served) -> AsyncGenerator[Visitor]:
    """Visit the dashboard of a service."""
    assert service.web is not None
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        yield Visitor(session, f"http://127.0.0.1:{service.web.port}")


@pytest.fixture
async def visitor(service: Served) -> AsyncIterator[Visitor]:
    async with visiting(service) as come:
        yield come


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """A headless browser."""
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield launched
        await launched.close()


@asynccontextmanager
async def opened(browser: Browser, url: str, path: str = "", **options: Any) -> AsyncGenerator[Page]:
    """Open a page; fail on script errors, violations of its content policy, and requests to other sites."""
    context = await browser.new_context(**options)
    page = await context.new_page()
    page.set_default_timeout(8000)
    wrong: list[str] = []
    foreign: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text) if "Content Security" in message.text else None)
    page.on("request", lambda request: None if request.url.startswith(url) else foreign.append(request.url))
    await page.goto(url + path)
    yield page
    await context.close()
    assert (wrong, foreign) == ([], [])


PICTURES = Path(__file__).parents[2] / "docs" / "pictures"
TakePicture = Callable[[Page | Locator, str], Awaitable[None]]


@pytest.fixture
def take_picture(request: pytest.FixtureRequest, tmp_path: Path) -> TakePicture:
    """Take a picture of a page for the documentation; with `--pictures`, it replaces the one in docs/pictures."""
    folder = PICTURES if request.config.getoption("--pictures") else tmp_path

    async def take(seen: Page | Locator, name: str) -> None:
        file = folder / name
        await seen.screenshot(path=file, animations="disabled")
        assert file.stat().st_size > 5_000

    return take


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test that needs a browser, even through other fixtures."""
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.browser)
