"""The pictures of the documentation, taken from the real pages. To renew them: `pytest -m browser --pictures`.

A step that is gone from a page fails here, so a picture cannot show what no longer exists.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from colorchanger_bot.demo.browser import DemoChat
from colorchanger_bot.demo.setup import ME
from colorchanger_bot.sandbox import CROWD, LocalTwitch
from tests.web.conftest import Serve, Served, TakePicture, opened

LIGHT = {"color_scheme": "light", "viewport": {"width": 1200, "height": 640}}
WHOLE = {"color_scheme": "dark", "viewport": {"width": 1440, "height": 1034}}
EARLIER = 18
"""Colours from before the talk, so that the strip looks like that of somebody who chats."""
TALK = (
    ("hi all", "hey mira"),
    ("what a game", "that was close"),
    ("one more round?", "I am in"),
    ("how do you do that with your name?", "it does it by itself"),
    ("good night", "see you tomorrow"),
)
STEPS = ("application", "login", "message", "channels", "computer")
MADE = {"dashboard.png", "login.png", *(f"setup-{step}.png" for step in STEPS)}
"""Every picture that is taken here."""


def url(service: Served) -> str:
    assert service.web is not None
    return service.web.url


async def test_the_dashboard(
    browser: Browser,
    serve: Serve,
    twitch: LocalTwitch,
    log_in: Callable[..., Awaitable[None]],
    take_picture: TakePicture,
) -> None:
    for login, color in CROWD:
        twitch.add_user(login, color)
    await log_in(ME)
    chat = DemoChat(twitch, random.Random(1))
    async with serve(account=False, chat=chat) as service, opened(browser, url(service), **WHOLE) as page:
        await twitch.wait_subscribed(ME, ME)
        for number in range(1, EARLIER + 1):
            await page.get_by_role("button", name="Next colour").click()
            await expect(page.locator(".changes")).to_have_text(str(number))
        for number, ((login, _), (theirs, mine)) in enumerate(zip(CROWD, TALK, strict=False), 1):
            await twitch.say(login, in_=ME, text=theirs)
            await say(page, mine)
            await twitch.wait_for(lambda number=number: len(twitch.color_changes) == EARLIER + number)
            await expect(page.locator("body")).to_contain_text(twitch.user(ME).color)
        await expect(page.locator(".answer.shown")).to_have_count(0, timeout=10_000)
        await take_picture(page, "dashboard.png")
        await chat.close()


async def test_the_login(browser: Browser, serve: Serve, take_picture: TakePicture) -> None:
    async with serve() as service, opened(browser, url(service), **LIGHT) as page:
        await page.get_by_role("button", name="Add account").click()
        card = page.locator("section, form, dialog").filter(has=page.get_by_role("img", name="QR code")).last
        await expect(card).to_be_visible()
        await take_picture(card, "login.png")


@pytest.mark.skipif(sys.platform != "linux", reason="the script takes the place of Linux's systemctl")
async def test_each_step_of_the_set_up(
    browser: Browser, serve: Serve, twitch: LocalTwitch, client_id: str, systemctl: Path, take_picture: TakePicture
) -> None:
    twitch.add_user("mira", "#FF0000", turbo=True)
    async with serve(account=False, app={}) as service, opened(browser, url(service), **LIGHT) as page:

        async def take(step: str) -> None:
            await expect(page.locator(f"#{step}-title")).to_be_visible()
            await page.evaluate("document.activeElement.blur()")
            await page.mouse.move(0, 0)
            await take_picture(page.locator(f"#{step}"), f"setup-{step}.png")

        await page.get_by_label("Client ID", exact=True).fill(client_id)
        await take("application")
        await page.get_by_role("button", name="Continue").click()
        await expect(page.locator("#login").get_by_role("img", name="QR code")).to_be_visible()
        # Readers have no local Twitch.
        await page.get_by_text("connected to a local Twitch").evaluate("line => line.remove()")
        await take("login")
        twitch.approve_device(await page.locator("#login .code").inner_text(), "mira")
        await expect(page.locator("#message-text")).to_have_text("Waiting for your message …", timeout=20_000)
        await twitch.say("mira", in_="mira", text="hello, chat")
        await expect(page.locator("#message-text")).to_contain_text("It works")
        await take("message")
        await page.locator("#message-next").click()
        await page.get_by_label("Channels of others").fill("afriend, another")
        await take("channels")
        await page.get_by_role("button", name="Only my own channel").click()
        switch = page.get_by_role("switch", name="Start with this computer")
        await switch.click()
        await expect(switch).to_have_attribute("aria-checked", "true")
        await take("computer")


async def say(page: Page, text: str) -> None:
    """Write in the chat of the demo."""
    await page.get_by_label("Message", exact=True).fill(text)
    await page.keyboard.press("Enter")
