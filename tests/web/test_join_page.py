"""The page where viewers join, in a real browser: joining and leaving, keyboards, phones, screen readers, calm."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, BrowserContext, Page, expect

from colorchanger_bot.sandbox import LocalTwitch
from tests.fakes import until
from tests.web.conftest import Serve, Served, opened
from tests.web.test_join import stored

NARROW = {"width": 320, "height": 740}
WIDE = {"width": 1280, "height": 900}
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
AXE = Axe()
END = re.compile("joined|left")
SHIFTS = """
window.shifts = [];
new PerformanceObserver((list) => {
  for (const { hadRecentInput, value, sources } of list.getEntries()) {
    if (hadRecentInput) continue;
    window.shifts.push(`${value}: ${sources.map(({ node }) => node?.id || node?.nodeName).join()}`);
  }
}).observe({ type: "layout-shift", buffered: true });
"""


@pytest.fixture
async def twitch() -> AsyncIterator[LocalTwitch]:
    async with LocalTwitch(min_keepalive=1.0, device_interval=0.2) as local:
        yield local


def url(service: Served) -> str:
    assert service.web is not None
    return f"{service.web.url}/join"


def same_place(service: Served) -> str:
    assert service.web is not None
    return service.web.url


async def complaints(page: Page) -> list[str]:
    """Return what axe-core finds, except for the contrast of names: those colours are what the page is about."""
    found = await AXE.run(page, context={"exclude": [["#chats b"]]}, options=RULES)
    return [
        f"{each['id']}: {node['html'][:120]} {node.get('failureSummary', '')}"
        for each in found.response["violations"]
        for node in each["nodes"]
    ]


async def activate(context: BrowserContext, page: Page, login: str) -> None:
    """Open Twitch by the page's own button, and allow it there."""
    async with context.expect_page() as opening:
        await page.get_by_role("link", name="Open Twitch").click()
    twitchs = await opening.value
    await twitchs.get_by_label("Log in as").fill(login)
    await twitchs.get_by_role("button", name="Activate").click()
    await expect(twitchs.get_by_text("Done")).to_be_visible()
    await twitchs.close()


async def test_a_viewer_joins_and_leaves_again(browser: Browser, community: Serve, twitch: LocalTwitch) -> None:
    twitch.add_user("anna", "#00FF00", turbo=True)
    async with community() as service:
        context = await browser.new_context()
        page = await context.new_page()
        await page.goto(url(service))
        await page.get_by_role("button", name="Join with Twitch").click()
        await expect(page.get_by_role("img", name="QR code")).to_be_visible()
        (device,) = twitch.pending_devices
        await expect(page.locator("#code")).to_have_text(device.user_code)
        await activate(context, page, "anna")
        await expect(page.locator("#text")).to_contain_text("You are in, anna", timeout=8000)
        await expect(page.locator("#chats b").first).to_have_text("anna")
        await until(lambda: service.community.is_member(twitch.user("anna").id))
        await twitch.say("anna", in_="streamer", text="hello")
        await twitch.wait_for(lambda: twitch.user("anna").color != "#00FF00")
        await page.reload()
        await page.get_by_role("button", name="Leave and delete everything").click()
        await page.get_by_role("button", name="No, stay").click()
        await expect(page.get_by_role("button", name="Leave and delete everything")).to_be_focused()
        await page.get_by_role("button", name="Leave and delete everything").click()
        await page.get_by_role("button", name="Yes, delete everything").click()
        await expect(page.locator("#member")).to_have_attribute("data-state", "left")
        await expect(page.locator("#text")).to_contain_text("Everything about you is deleted")
        assert twitch.user("anna").color == "#00FF00"
        assert [word for word in ("anna", twitch.user("anna").id) if word in stored(service)] == []
        await context.close()


async def test_somebody_leaves_from_another_browser(browser: Browser, community: Serve, twitch: LocalTwitch) -> None:
    async with community() as service:
        for button in ("Join with Twitch", "leave from this browser"):
            context = await browser.new_context()
            page = await context.new_page()
            await page.goto(url(service))
            await page.get_by_role("button", name=button).click()
            await activate(context, page, "anna")
            await expect(page.locator("#member")).to_have_attribute("data-state", END, timeout=8000)
            await context.close()
        assert "anna" not in stored(service)


async def test_whoever_declines_can_try_again(browser: Browser, community: Serve, twitch: LocalTwitch) -> None:
    async with community() as service, opened(browser, same_place(service)) as page:
        await page.goto(url(service))
        await page.get_by_role("button", name="Join with Twitch").click()
        await expect(page.locator("#code")).not_to_be_empty()
        twitch.deny_device(await page.locator("#code").inner_text())
        await expect(page.locator("#text")).to_contain_text("declined", timeout=8000)
        assert await complaints(page) == []
        await page.get_by_role("button", name="Try again").click()
        await expect(page.get_by_role("button", name="Cancel")).to_be_visible()
        await page.get_by_role("button", name="Cancel").click()
        await expect(page.get_by_role("button", name="Join with Twitch")).to_be_visible()


async def test_a_name_is_shown_in_changing_colours(browser: Browser, community: Serve) -> None:
    async with community() as service, opened(browser, same_place(service)) as page:
        await page.goto(url(service))
        await page.get_by_label("Your Twitch name").fill("Berta_<b>")
        names = page.locator("#chats b")
        await expect(names).to_have_count(8)
        assert await names.all_inner_texts() == ["Berta_<b>"] * 8
        colors = [await names.nth(place).evaluate("name => name.style.color") for place in range(4)]
        assert len(set(colors)) > 1
        assert colors == [await names.nth(place).evaluate("name => name.style.color") for place in range(4, 8)]
        first = await page.locator("#chats").inner_text()
        await expect(page.locator("#chats")).not_to_have_text(first, timeout=5000)
        await page.get_by_role("button", name="Pause").click()
        await page.get_by_label("I have Turbo or Prime").check()
        assert await page.get_by_role("button", name="Play").is_visible()


async def test_nothing_moves_by_itself_for_those_who_asked_for_calm(browser: Browser, community: Serve) -> None:
    async with community() as service, opened(browser, same_place(service), reduced_motion="reduce") as page:
        await page.goto(url(service))
        lines = page.locator("#chats ol").first
        await expect(lines.locator("li")).to_have_count(4)
        await page.evaluate(
            "window.changes = 0; new MutationObserver(() => window.changes++).observe("
            "document.getElementById('chats'), { childList: true, subtree: true })"
        )
        await page.wait_for_timeout(4000)  # as long as two changes would take
        assert await page.evaluate("window.changes") == 0
        before = await lines.inner_html()
        await page.get_by_role("button", name="More colours").click()
        assert await lines.inner_html() != before


async def test_it_works_with_the_keyboard_alone(browser: Browser, community: Serve, twitch: LocalTwitch) -> None:
    async with community() as service, opened(browser, same_place(service)) as page:
        await page.goto(url(service))
        await expect(page.get_by_role("button", name="Join with Twitch")).to_be_visible()
        reached: list[str] = []
        for _ in range(6):
            await page.keyboard.press("Tab")
            reached.append(
                await page.evaluate(
                    "() => { const at = document.activeElement; "
                    "return `${getComputedStyle(at).outlineStyle === 'none' ? 'NO RING ' : ''}${at.id}` }"
                )
            )
        assert reached[:5] == ["join", "name", "pause", "turbo", "leave-elsewhere"]
        await page.get_by_role("button", name="Join with Twitch").focus()
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("link", name="Open Twitch")).to_be_visible()
        # The button is gone: the next Tab goes on from its place, not from the top of the page.
        await page.keyboard.press("Tab")
        await expect(page.get_by_role("link", name="Open Twitch")).to_be_focused()
        twitch.add_user("anna")
        twitch.approve_device(await page.locator("#code").inner_text(), "anna")
        await expect(page.get_by_role("button", name="Leave and delete everything")).to_be_visible(timeout=8000)
        await page.get_by_role("button", name="Leave and delete everything").focus()
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("button", name="No, stay")).to_be_focused()
        await page.keyboard.press("Shift+Tab")
        await page.keyboard.press("Enter")
        await expect(page.locator("#member")).to_have_attribute("data-state", "left")


@pytest.mark.parametrize("scheme", ["dark", "light"])
@pytest.mark.parametrize("viewport", [WIDE, NARROW], ids=["wide", "narrow"])
async def test_it_is_accessible_fits_the_screen_and_nothing_jumps(
    browser: Browser, community: Serve, twitch: LocalTwitch, scheme: str, viewport: dict[str, int], tmp_path: Path
) -> None:
    twitch.add_user("anna", turbo=True)
    kept = Path(os.environ.get("COLORCHANGER_SCREENSHOTS", tmp_path))
    async with community() as service:
        context = await browser.new_context(color_scheme=scheme, viewport=viewport)  # type: ignore[arg-type]
        await context.add_init_script(SHIFTS)
        page = await context.new_page()
        await page.goto(url(service))
        await page.get_by_role("button", name="Join with Twitch").click()
        await expect(page.get_by_role("img", name="QR code")).to_be_visible()
        await look(page, viewport, kept / f"join-{scheme}-{viewport['width']}.png")
        twitch.approve_device(await page.locator("#code").inner_text(), "anna")
        await expect(page.locator("#member")).to_have_attribute("data-state", "joined", timeout=8000)
        await look(page, viewport, kept / f"joined-{scheme}-{viewport['width']}.png")
        assert await page.evaluate("window.shifts") == []
        await context.close()


async def look(page: Page, viewport: dict[str, int], path: Path) -> None:
    """Check what stands on the page, and keep a picture of it."""
    assert await complaints(page) == []
    assert await page.evaluate("document.documentElement.scrollWidth") == viewport["width"]
    assert len(await page.screenshot(path=path, full_page=True)) > 10_000
