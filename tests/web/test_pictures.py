"""The pictures of the documentation, taken from the real pages. To renew them: `pytest -m browser --pictures`.

A step that is gone from a page fails here, so a picture cannot show what no longer exists.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable

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
MADE = {"dashboard.png", "login.png"}
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


async def say(page: Page, text: str) -> None:
    """Write in the chat of the demo."""
    await page.get_by_label("Message", exact=True).fill(text)
    await page.keyboard.press("Enter")
