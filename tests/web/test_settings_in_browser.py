"""The settings page in a browser: with the keyboard, for a screen reader, narrow and wide, on both themes."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, expect

from colorchanger_bot.sandbox import LocalTwitch
from tests.fakes import until
from tests.web.conftest import Served, WriteSettings, opened

NARROW, WIDE = {"width": 320, "height": 740}, {"width": 1280, "height": 900}
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
AXE = Axe()
SHOTS = os.environ.get("COLORCHANGER_TEST_SHOTS", "")
"""A folder for pictures of the page."""


async def ready(page: Page) -> None:
    await expect(page.locator(".samples .dark span")).to_have_count(12)


async def complaints(page: Page) -> list[str]:
    """Return what axe-core finds, except for the contrast of the colours that the page shows."""
    found = await AXE.run(page, context={"exclude": [[".samples"]]}, options=RULES)
    return [
        f"{each['id']}: {node['html'][:120]} {node.get('failureSummary', '')}"
        for each in found.response["violations"]
        for node in each["nodes"]
    ]


@pytest.fixture
async def page(browser: Browser, service: Served) -> AsyncIterator[Page]:
    assert service.web is not None
    async with opened(browser, service.web.url, "/settings", viewport=WIDE) as found:
        await ready(found)
        yield found


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["narrow", "wide"])
async def test_the_page_is_accessible_and_fits(
    theme: Any, size: Any, browser: Browser, service: Served, twitch: LocalTwitch
) -> None:
    me = twitch.user("me").id
    await service.change_preferences({"color.cooldown": 3, f"accounts.{me}.color.strategy": "rainbow"})
    assert service.web is not None
    for account in ("", me):
        path = f"/settings?account={account}"
        async with opened(browser, service.web.url, path, viewport=size, color_scheme=theme) as page:
            await ready(page)
            await page.locator("details > summary").click()
            assert await complaints(page) == []
            width = await page.evaluate("document.documentElement.scrollWidth")
            assert width <= size["width"]
            if SHOTS:
                name = f"settings-{theme}-{size['width']}-{'account' if account else 'all'}.png"
                await page.screenshot(path=Path(SHOTS) / name, full_page=True)


async def test_a_strategy_is_tried_before_it_is_saved(page: Page, service: Served) -> None:
    await expect(page.get_by_label("Degrees per change")).to_be_hidden()
    await page.get_by_role("combobox", name="Strategy").select_option("palette")
    await expect(page.locator(".wrong").filter(has_text="palette needs")).to_be_visible()
    await page.get_by_role("textbox", name="Colours", exact=True).fill("red, #ff8800")
    await expect(page.locator(".samples .light span").first).to_have_text("#FF0000")
    assert service.settings.color.strategy == "random"
    await page.get_by_role("form", name="Colours").get_by_role("button", name="Save").click()
    await expect(page.locator("#said")).to_have_text("Saved; it is in force now.")
    assert [color.hex for color in service.settings.color.colors] == ["#FF0000", "#FF8800"]
    await page.get_by_role("button", name="Back to the default: Strategy").click()
    await expect(page.get_by_role("combobox", name="Strategy")).to_have_value("random")
    assert service.settings.color.strategy == "random"


async def test_bad_input_stays_and_is_marked(page: Page, service: Served) -> None:
    form = page.get_by_role("form", name="Colours")
    cooldown = page.get_by_role("textbox", name="Seconds between two changes")
    await cooldown.fill("soon")
    await page.get_by_label("Prefix").fill("?")
    await form.get_by_role("button", name="Save").click()
    await expect(cooldown).to_be_focused()
    await expect(cooldown).to_have_value("soon")
    await expect(page.locator('[data-name="color.cooldown"] .wrong')).to_contain_text("write seconds from 0 to 3600")
    await cooldown.fill("4")
    await form.get_by_role("button", name="Save").click()
    await until(lambda: service.settings.color.cooldown == 4.0)
    await cooldown.fill("")
    await form.get_by_role("button", name="Save").click()
    await until(lambda: service.settings.color.cooldown == 0.0)
    await expect(page.get_by_label("Prefix")).to_have_value("?")  # typed, and not saved yet
    assert service.settings.commands.prefix == "!"


async def test_it_works_with_the_keyboard(page: Page, service: Served) -> None:
    async def tab_to(name: str) -> None:
        for _ in range(60):
            await page.keyboard.press("Tab")
            label = await page.evaluate(
                "document.activeElement.ariaLabel ?? document.activeElement.labels?.[0]?.textContent ?? "
                "document.activeElement.textContent"
            )
            if label == name:
                return
        raise AssertionError(f"{name} cannot be reached")

    await tab_to("Seconds between two changes")
    await page.keyboard.press("Control+A")
    await page.keyboard.type("9")
    await page.keyboard.press("Enter")
    await until(lambda: service.settings.color.cooldown == 9.0)
    await expect(page.get_by_role("button", name="Back to the default: Seconds between two changes")).to_be_visible()
    await page.evaluate("document.activeElement.blur()")
    await tab_to("Back to the default: Seconds between two changes")
    await page.keyboard.press("Enter")
    await until(lambda: service.settings.color.cooldown == 0.0)
    await tab_to("moderators")
    await page.keyboard.press("Space")
    await page.keyboard.press("Enter")
    await until(lambda: service.settings.commands.allow == ("self", "moderators"))


async def test_a_key_of_the_file_says_where_it_is_set(page: Page) -> None:
    row = page.locator('[data-name="color.delay"]')
    await expect(row.locator("input")).to_be_disabled()
    await expect(row).to_contain_text("Set in code; change it there.")


async def test_an_account_is_chosen_and_logged_out(page: Page, service: Served, twitch: LocalTwitch) -> None:
    twitch.add_user("friend")
    await page.get_by_label("Settings for").select_option("me")
    await page.get_by_role("textbox", name="Channels").fill("me, friend")
    await page.get_by_role("form", name="Channels").get_by_role("button", name="Save").click()
    await twitch.wait_subscribed("me", "friend")
    await page.get_by_role("button", name="Log out me").click()
    await page.get_by_role("button", name="Log out me and forget").click()
    await expect(page.locator("#said")).to_have_text("me is logged out.")
    await expect(page.locator("#accounts li")).to_have_count(0)
    assert list(service.keeper) == []


async def test_a_broken_file_is_said_on_the_open_page_until_it_is_mended(
    page: Page, write_settings: WriteSettings
) -> None:
    await page.get_by_label("Prefix").fill("?")
    write_settings("[color]\ncooldown = -1\n")
    await expect(page.get_by_role("alert")).to_contain_text("config.toml, line 2: color.cooldown = -1", timeout=10_000)
    write_settings("")
    await expect(page.locator("#file")).to_be_hidden(timeout=10_000)
    await expect(page.get_by_label("Prefix")).to_have_value("?")


@pytest.mark.skipif(sys.platform != "linux", reason="the script takes the place of Linux's systemctl")
async def test_it_starts_with_this_computer_or_no_more(
    systemctl: Path, tmp_path: Path, browser: Browser, service: Served
) -> None:
    unit = tmp_path / ".config/systemd/user/colorchanger.service"
    assert service.web is not None
    async with opened(browser, service.web.url, "/settings", viewport=NARROW) as page:
        switch = page.get_by_role("switch", name="Start with this computer")
        await expect(switch).to_have_attribute("aria-checked", "false")
        await switch.focus()
        await page.keyboard.press("Enter")
        await expect(switch).to_have_attribute("aria-checked", "true")
        await expect(switch).to_be_focused()
        started = await asyncio.to_thread(unit.read_text, "utf-8")
        await asyncio.to_thread(unit.write_text, re.sub("ExecStart=.*", 'ExecStart="/gone/python" run', started))
        await page.reload()
        await expect(page.locator("#computer-text")).to_contain_text("/gone/python")
        await expect(switch).to_have_attribute("aria-checked", "false")
        assert await complaints(page) == []
        await switch.click()
        await expect(switch).to_have_attribute("aria-checked", "true")
        await expect(page.locator("#computer-text")).to_be_empty()
        await switch.click()
        await expect(switch).to_have_attribute("aria-checked", "false")
        assert not await asyncio.to_thread(unit.exists)
        refusing = '#!/bin/sh\ncase "$*" in *enable*) echo no bus >&2; exit 1;; esac\n'
        await asyncio.to_thread(systemctl.write_text, refusing, "utf-8")
        await switch.click()
        await expect(page.locator("#computer-text")).to_contain_text("no bus")
        await expect(switch).to_have_attribute("aria-checked", "false")


async def test_where_the_system_cannot_start_programs_there_is_no_switch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, browser: Browser, service: Served
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", "")
    assert service.web is not None
    async with opened(browser, service.web.url) as page:
        async with page.expect_response("**/api/settings/computer") as answer:
            await page.goto(f"{service.web.url}/settings")
        assert not (await (await answer.value).json())["isOffered"]
        await ready(page)
        await expect(page.get_by_role("switch", name="Start with this computer")).to_be_hidden()


async def test_another_account_is_logged_in_on_the_dashboard(page: Page, twitch: LocalTwitch) -> None:
    twitch.add_user("friend")
    await page.get_by_role("link", name="Log another account in").click()
    await expect(page.get_by_role("dialog", name="Add an account")).to_be_visible()
    await expect(page.locator("#code")).to_be_visible()
    code = await page.locator("#code").inner_text()
    await page.reload()  # the login goes on, and no other one begins
    await expect(page.locator("#code")).to_have_text(code)
    twitch.approve_device(code, "friend")
    await expect(page.locator("#log-in-text")).to_contain_text("friend", timeout=15_000)
