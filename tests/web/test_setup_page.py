"""The set-up in a real browser: from nothing to the first colour, and each step done wrong on the way."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, expect

from colorchanger_bot.sandbox import LocalTwitch, faults
from tests.web.conftest import Serve, Served, opened
from tests.web.test_setup import UNSPEAKABLE

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
AXE = Axe()
WIDE, NARROW = {"width": 1440, "height": 900}, {"width": 320, "height": 640}


@pytest.fixture
async def twitch() -> AsyncIterator[LocalTwitch]:
    async with LocalTwitch(min_keepalive=1.0, device_interval=0.2) as local:
        yield local


@pytest.fixture
def me(twitch: LocalTwitch) -> None:
    """A person at Twitch who is not logged in here yet."""
    twitch.add_user("me", "#FF0000", turbo=True)


@pytest.fixture(autouse=True)
def computer(systemctl: Path) -> None:
    """A computer that can start programs, on which nothing is changed."""


def url(service: Served) -> str:
    assert service.web is not None
    return service.web.url


async def judge(page: Page, step: str, folder: Path) -> None:
    """Take a picture of a step, and check that everybody can read and use it."""
    width = page.viewport_size["width"] if page.viewport_size else 0
    scheme = "dark" if await page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches") else "light"
    await page.screenshot(path=folder / f"setup-{step}-{scheme}-{width}.png", full_page=True)
    found = await AXE.run(page, context={"exclude": [["#chats b"]]}, options=RULES)
    assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in found.response["violations"]] == []
    assert await page.evaluate("document.documentElement.scrollWidth") == width
    assert UNSPEAKABLE.search(await page.locator("body").inner_text()) is None


@pytest.mark.parametrize("scheme", ["dark", "light"])
@pytest.mark.parametrize("viewport", [WIDE, NARROW], ids=["wide", "narrow"])
async def test_from_nothing_to_the_first_colour(
    scheme: str,
    viewport: dict[str, int],
    browser: Browser,
    serve: Serve,
    twitch: LocalTwitch,
    client_id: str,
    me: None,
    tmp_path: Path,
) -> None:
    pictures = Path(os.environ.get("COLORCHANGER_SCREENSHOTS", tmp_path))
    async with (
        serve(account=False, app={}) as service,
        opened(browser, url(service), color_scheme=scheme, viewport=viewport) as page,
    ):
        await judge(page, "application", pictures)
        assert page.url == f"{url(service)}/setup"
        await page.get_by_label("Client ID", exact=True).fill(f' "{client_id}" ')
        await page.get_by_role("button", name="Continue").click()
        await expect(page.locator("#login-title")).to_be_focused()
        await expect(page.locator("#login").get_by_role("img", name="QR code")).to_be_visible()
        code = await page.locator("#login .code").inner_text()
        link = page.get_by_role("link", name="Open Twitch")
        assert await link.get_attribute("href") == f"{twitch.id_url}/activate?device-code={code}"
        await judge(page, "login", pictures)
        await page.reload()
        await expect(page.locator("#login .code")).to_have_text(code)
        twitch.approve_device(code, "me")
        await expect(page.locator("#message-text")).to_have_text("Waiting for your message …", timeout=15_000)
        await judge(page, "message", pictures)
        await twitch.say("me", in_="me", text="hello, chat")
        await expect(page.locator("#message-text")).to_contain_text("It works: your name is #")
        assert f"is {twitch.user('me').color} now" in await page.locator("#message-text").inner_text()
        await expect(page.locator("#chats .text").first).to_have_text("hello, chat")
        await judge(page, "changed", pictures)
        await page.locator("#message-next").click()
        await judge(page, "channels", pictures)
        await page.get_by_role("button", name="Only my own channel").click()
        await expect(page.locator("#computer-title")).to_be_focused()
        switch = page.get_by_role("switch", name="Start with this computer")
        await switch.click()
        await expect(switch).to_have_attribute("aria-checked", "true")
        await judge(page, "computer", pictures)
        await page.get_by_role("button", name="Continue").click()
        await expect(page.locator("#done-title")).to_be_focused()
        await judge(page, "done", pictures)
        await page.get_by_role("link", name="Open the dashboard").click()
        await expect(page).to_have_url(f"{url(service)}/")


async def test_each_step_done_wrong_says_so_and_loses_nothing(
    browser: Browser, serve: Serve, twitch: LocalTwitch, client_id: str, me: None
) -> None:
    async with serve(account=False, app={}) as service, opened(browser, url(service)) as page:
        field, answer = page.get_by_label("Client ID", exact=True), page.locator("#check-text")
        confidential = twitch.add_app(client_secret="s3cret").client_id
        for wrong, words in (
            ("", "Paste the Client ID here."),
            ("pässwörd", "This is not a Client ID"),
            ("a" * 30, "Twitch knows no application with this Client ID."),
            (confidential, "This application is Confidential."),
        ):
            await field.fill(wrong)
            await page.get_by_role("button", name="Continue").click()
            await expect(answer).to_contain_text(words)
            await expect(field).to_have_value(wrong)
        twitch.faults.add("POST /oauth2/*", faults.drop(), times=None)
        await field.fill(client_id)
        await page.get_by_role("button", name="Continue").click()
        await expect(answer).to_contain_text("No connection to Twitch")
        await page.reload()
        await expect(answer).to_contain_text("No connection to Twitch")
        await expect(field).to_have_value(client_id)
        twitch.faults.clear()
        await expect(page.locator("#login .code")).to_be_visible(timeout=20_000)
        twitch.deny_device(await page.locator("#login .code").inner_text())
        await expect(page.locator("#login .login-text")).to_contain_text("declined")
        await page.get_by_role("button", name="Use another Client ID").click()
        await expect(page.locator("#application-title")).to_be_focused()
        await field.fill(client_id)
        await page.get_by_role("button", name="Continue").click()
        await expect(page.locator("#login .code")).to_be_visible()
        twitch.approve_device(await page.locator("#login .code").inner_text(), "me")
        await expect(page.locator("#message-text")).to_have_text("Waiting for your message …", timeout=15_000)
        twitch.faults.add("PUT /helix/chat/color", faults.status(400, message="no such thing"), times=2)
        await twitch.say("me", in_="me", text="hello")
        await expect(page.locator("#message-text")).to_contain_text("no such thing")
        await twitch.say("me", in_="me", text="hello again")
        await expect(page.locator("#message-text")).to_contain_text("It works")
        await page.locator("#message-next").click()
        await page.get_by_label("Channels of others").fill("me, nosuchperson")
        await page.get_by_role("button", name="Save").click()
        await expect(page.locator("#choose-text")).to_contain_text("nobody called nosuchperson")
        await expect(page.get_by_label("Channels of others")).to_have_value("me, nosuchperson")


async def test_channels_that_are_live_take_one_more_code(
    browser: Browser, serve: Serve, twitch: LocalTwitch, client_id: str
) -> None:
    twitch.add_user("friend")
    async with serve(app={"client_id": client_id}) as service, opened(browser, url(service)) as page:
        await page.goto(f"{url(service)}/setup")
        await page.get_by_role("button", name="Skip").click()
        await page.get_by_label("Channels of others").fill("friend")
        await page.get_by_label("Also the channels that I follow").check()
        await page.get_by_role("button", name="Save").click()
        await expect(page.locator("#follow .code")).to_be_visible()
        twitch.approve_device(await page.locator("#follow .code").inner_text(), "me")
        await expect(page.locator("#computer-title")).to_be_visible(timeout=15_000)
        assert {each.login for each in service.standings()[0].channels} == {"friend", "me"}


async def test_what_is_to_be_pasted_at_twitch_can_be_copied(browser: Browser, serve: Serve) -> None:
    async with serve(account=False, app={}) as service:
        permissions = ["clipboard-read", "clipboard-write"]
        async with opened(browser, url(service), permissions=permissions) as page:
            await page.get_by_role("button", name="Copy the redirect URL").click()
            await expect(page.get_by_role("button", name="Copy the redirect URL")).to_have_text("Copied")
            assert await page.evaluate("navigator.clipboard.readText()") == "http://localhost"
            await page.get_by_role("button", name="Copy the name").click()
            assert (await page.evaluate("navigator.clipboard.readText()")).startswith("ColorChanger ")


async def test_the_keyboard_is_enough(browser: Browser, serve: Serve, client_id: str) -> None:
    async with serve(account=False, app={}) as service, opened(browser, url(service)) as page:
        for _ in range(12):
            await page.keyboard.press("Tab")
            if await page.evaluate("document.activeElement.id") == "client-id":
                break
        await page.keyboard.type(client_id)
        await page.keyboard.press("Enter")
        await expect(page.locator("#login-title")).to_be_focused()
        await page.keyboard.press("Tab")
        await expect(page.get_by_role("link", name="Open Twitch")).to_be_focused()
