"""The list of members in a real browser: found, switched, removed, and readable on a phone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from colorchanger_bot.sandbox import LocalTwitch
from colorchanger_bot.web.members import ROWS
from tests.fakes import until
from tests.web.conftest import Serve, Served, opened
from tests.web.test_members import add
from tests.web.test_page import complaints

NARROW = {"width": 320, "height": 740}
WIDE = {"width": 1280, "height": 900}
NAMES = [f"viewer_{number:02}" for number in range(ROWS + 5)]


def url(service: Served) -> str:
    assert service.web is not None
    return service.web.url


async def test_members_are_found_switched_and_removed(
    browser: Browser, community: Serve, twitch: LocalTwitch, client_id: str
) -> None:
    async with community() as service, opened(browser, url(service)) as page:
        await add(service, twitch, client_id, *NAMES)
        rows = page.locator("#members-list tr")
        await expect(rows).to_have_count(ROWS, timeout=10_000)
        await expect(page.locator("#members-sums")).to_have_text(f"{len(NAMES)} members: {len(NAMES)} on")
        await expect(page.locator("article.account")).to_have_count(1)
        await page.get_by_role("button", name="Next page").click()
        await expect(rows).to_have_count(5)
        await expect(page.get_by_role("button", name="Next page")).to_be_disabled()
        await page.get_by_label("Search by name").fill("ER_07")
        await expect(rows).to_have_count(1)
        switch = page.get_by_role("switch", name="New colours for viewer_07")
        await switch.click()
        await expect(switch).to_have_attribute("aria-checked", "false")
        await expect(page.locator(".member-state")).to_have_text("off")
        assert not service.changer[twitch.user("viewer_07").id].settings.enabled
        page.once("dialog", lambda dialog: dialog.dismiss())
        await page.get_by_role("button", name="Remove viewer_07").click()
        assert service.community.member(twitch.user("viewer_07").id) is not None
        page.once("dialog", lambda dialog: dialog.accept())
        await page.get_by_role("button", name="Remove viewer_07").click()
        await expect(page.locator("#members-none")).to_have_text("No member has this in the name.")
        await expect(page.get_by_label("Search by name")).to_be_focused()
        assert service.community.member(twitch.user("viewer_07").id) is None


async def test_the_list_keeps_itself_up_to_date_and_the_focus_stays(
    browser: Browser, community: Serve, twitch: LocalTwitch, client_id: str
) -> None:
    async with community() as service, opened(browser, url(service)) as page:
        await add(service, twitch, client_id, "anna")
        switch = page.get_by_role("switch", name="New colours for anna")
        await switch.focus(timeout=10_000)
        await expect(page.locator(".member-changed")).to_have_text("none yet")
        await twitch.say("anna", in_="streamer", text="hello")
        await until(lambda: service.changer[twitch.user("anna").id].changes == 1)
        await expect(page.locator(".member-changed")).not_to_have_text("none yet", timeout=10_000)
        await expect(switch).to_be_focused()


@pytest.mark.parametrize("scheme", ["dark", "light"])
@pytest.mark.parametrize("viewport", [WIDE, NARROW], ids=["wide", "narrow"])
async def test_the_list_is_accessible_and_fits_the_screen(
    browser: Browser,
    community: Serve,
    twitch: LocalTwitch,
    client_id: str,
    scheme: str,
    viewport: dict[str, int],
    tmp_path: Path,
) -> None:
    kept = Path(os.environ.get("COLORCHANGER_SCREENSHOTS", tmp_path)) / f"members-{scheme}-{viewport['width']}.png"
    async with community() as service:
        await add(service, twitch, client_id, "anna", "a_very_long_name_of_25_ch")
        async with opened(browser, url(service), color_scheme=scheme, viewport=viewport) as page:
            await expect(page.locator("#members-list tr")).to_have_count(2)
            await expect(page.locator("#verdict")).to_have_text("All is well")
            assert await complaints(page) == []
            assert await page.evaluate("document.documentElement.scrollWidth") == viewport["width"]
            await page.screenshot(path=kept, full_page=True)
