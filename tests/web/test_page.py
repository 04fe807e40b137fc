"""The dashboard in a real browser: each control, login, lost connections, phones, keyboards, screen readers."""

from __future__ import annotations

import random
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, expect

from colorchanger_bot.clock import SystemClock
from colorchanger_bot.demo.browser import DemoChat
from colorchanger_bot.demo.setup import ME
from colorchanger_bot.sandbox import CROWD, LocalTwitch, faults
from colorchanger_bot.web.server import Web
from tests.web.conftest import Serve, Served, WriteSettings, opened
from tests.web.relay import relay

PASSWORD = "correct horse battery staple"
PHONE = {"width": 360, "height": 740}
NARROW = {"width": 320, "height": 740}
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
AXE = Axe()


def url(service: Served) -> str:
    assert service.web is not None
    return service.web.url


@pytest.fixture
async def page(browser: Browser, service: Served) -> AsyncIterator[Page]:
    async with opened(browser, url(service)) as opened_page:
        await expect(opened_page.locator("#connection")).to_have_text("live")
        yield opened_page


async def complaints(page: Page) -> list[str]:
    """Return what axe-core finds, except for the contrast of names: people choose their own colours."""
    found = await AXE.run(page, context={"exclude": [[".lines b"], [".preview b"], [".name"]]}, options=RULES)
    return [
        f"{each['id']}: {node['html'][:120]} {node.get('failureSummary', '')}"
        for each in found.response["violations"]
        for node in each["nodes"]
    ]


async def color_of_name(page: Page) -> str:
    """The colour in which the page draws the name, as hex."""
    css = await page.locator(".grounds .name").first.evaluate("name => name.style.color")
    red, green, blue = (int(part) for part in css.removeprefix("rgb(").rstrip(")").split(","))
    return f"#{red:02X}{green:02X}{blue:02X}"


async def test_a_message_changes_the_name_on_the_page(page: Page, twitch: LocalTwitch) -> None:
    await twitch.say("me", in_="me", text="hello")
    await expect(page.locator(".messages")).to_have_text("1")
    await expect(page.locator(".changes")).to_have_text("1")
    await expect(page.locator(".strip input")).to_have_count(2)
    assert await color_of_name(page) == twitch.user("me").color
    await expect(page.locator(".log li").first).to_contain_text(f"your name turned {twitch.user('me').color} in #me")


async def test_each_button_does_what_it_says(page: Page, twitch: LocalTwitch, service: Served) -> None:
    painter = service.changer[twitch.user("me").id]
    await page.get_by_role("button", name="Next colour").click()
    await expect(page.locator(".changes")).to_have_text("1")
    first = twitch.user("me").color
    await page.get_by_role("button", name="Next colour").click()
    await expect(page.locator(".changes")).to_have_text("2")
    await page.get_by_role("button", name="Undo").click()
    await expect(page.locator(".changes")).to_have_text("3")
    assert twitch.user("me").color == first
    await page.get_by_role("button", name="Keep this colour").click()
    await expect(page.locator(".strategy")).to_contain_text("held at")
    assert painter.held == painter.current
    await page.get_by_role("button", name="Change it again").click()
    await expect(page.locator(".strategy")).to_have_text("random")
    assert painter.held is None
    await page.get_by_label("or type one").fill("hot pink")
    await page.get_by_role("button", name="Use this colour").click()
    await expect(page.locator(".dark .facts")).to_contain_text("#FF69B4")
    assert twitch.user("me").color == "#FF69B4"
    switch = page.get_by_role("switch", name="New colours")
    await expect(switch).to_have_attribute("aria-checked", "true")
    await switch.click()
    await expect(switch).to_have_attribute("aria-checked", "false")
    await expect(page.locator(".state")).to_have_text("off")
    assert not painter.settings.enabled
    await switch.click()
    await expect(page.locator(".state")).to_have_text("running")


async def test_a_colour_that_does_not_exist_gets_a_suggestion(page: Page) -> None:
    await page.get_by_label("or type one").fill("hot pnk")
    await page.get_by_role("button", name="Use this colour").click()
    await expect(page.locator(".answer")).to_contain_text("did you mean")


async def test_a_strategy_is_tried_on_before_it_is_used(page: Page, twitch: LocalTwitch, service: Served) -> None:
    painter = service.changer[twitch.user("me").id]
    await expect(page.locator(".tile")).to_have_count(8)
    for tile in await page.locator(".tile").all():
        await expect(tile.locator("i")).to_have_count(8)
    await expect(page.get_by_role("radio", name="random")).to_be_checked()
    await expect(page.get_by_role("button", name="In use")).to_be_disabled()
    await page.get_by_role("radio", name="palette").check()
    await page.get_by_role("textbox", name="Colours").fill("red, dodger blue")
    await expect(page.locator(".preview")).to_have_attribute(
        "aria-label", "The next 12 colours: " + ", ".join(["#FF0000", "#1E90FF"] * 6)
    )
    for ground in ("dark", "light"):
        await expect(page.locator(f".preview .{ground} b")).to_have_count(12)
    await twitch.say("me", in_="me", text="what is tried on stays while colours change")
    await expect(page.locator(".changes")).to_have_text("1")
    await expect(page.get_by_role("textbox", name="Colours")).to_have_value("red, dodger blue")
    assert painter.settings.strategy == "random"
    await page.get_by_role("button", name="Use palette").click()
    await expect(page.locator(".strategy")).to_have_text("palette")
    await expect(page.get_by_role("button", name="In use")).to_be_disabled()
    await expect(page.locator(".in-use")).to_have_text("palette")
    assert painter.settings.strategy == "palette"
    await page.get_by_role("textbox", name="Colours").fill("nonsense")
    await expect(page.locator(".preview-problem")).to_contain_text("is not a colour")
    await expect(page.locator(".preview b")).to_have_count(0)


async def test_the_preview_shows_the_colours_of_the_tile(page: Page) -> None:
    await page.get_by_role("radio", name="rainbow").check()
    css = "swatches => swatches.map(each => each.style.backgroundColor || each.style.color)"
    tile = await page.locator('.tile[data-name="rainbow"] i').evaluate_all(css)
    preview = await page.locator(".preview .dark b").evaluate_all(css)
    assert len(tile) == 8
    assert preview[:8] == tile


async def test_a_strategy_that_is_set_in_chat_is_shown_as_the_one_in_use(page: Page, twitch: LocalTwitch) -> None:
    await twitch.say("me", in_="me", text="!color shades hot pink")
    await expect(page.locator(".in-use")).to_have_text("shades")
    await expect(page.get_by_role("radio", name="shades")).to_be_checked()
    await expect(page.get_by_role("textbox", name="Colour", exact=True)).to_have_value("hot_pink")
    await expect(page.locator(".log li", has_text="new colours come from shades now")).to_have_count(1)


async def test_the_delay_can_be_set(page: Page, twitch: LocalTwitch, service: Served) -> None:
    await page.get_by_label("Seconds after a message, from").fill("2")
    await page.get_by_label("to", exact=True).fill("4.5")
    await page.get_by_role("button", name="Set delay").click()
    await expect(page.locator(".answer")).to_contain_text("2 to 4.5 s")
    assert service.changer[twitch.user("me").id].settings.delay == (2.0, 4.5)


async def test_a_failed_change_and_a_lost_login_show_what_to_do(page: Page, twitch: LocalTwitch) -> None:
    twitch.faults.add("PUT /helix/chat/color", faults.status(400, message="no such thing"), times=2)
    await page.get_by_role("button", name="Next colour").click()
    await expect(page.locator(".trouble")).to_contain_text("no such thing")
    await expect(page.locator(".strip .rejected")).to_have_count(1)
    assert await complaints(page) == []
    await twitch.revoke_login("me")
    await expect(page.locator(".state")).to_have_text("needs login")
    await page.get_by_role("button", name="Log in again").click()
    await expect(page.locator("#code")).to_be_visible()


async def test_a_broken_settings_file_is_said_until_it_is_mended(page: Page, write_settings: WriteSettings) -> None:
    await expect(page.locator("#verdict")).to_have_text("All is well")
    said = page.locator("#file-problems")
    write_settings("[color]\ncooldown = -1\ntheme = 'grey'\n")
    await expect(said).to_contain_text("config.toml, line 2: color.cooldown = -1: write seconds", timeout=10_000)
    await expect(said.locator("li")).to_have_count(2)
    await expect(page.locator("#verdict")).to_have_text("2 things need you")
    await page.get_by_role("button", name="Check again").click()
    await expect(page.locator("#verdict")).to_have_text("2 things need you")
    assert await complaints(page) == []
    await page.reload()
    await expect(said).to_contain_text("config.toml, line 3: color.theme")
    write_settings("")
    await expect(said).to_be_hidden(timeout=10_000)
    await expect(page.locator("#verdict")).to_have_text("All is well")


async def test_an_account_can_be_added_and_is_there_at_once(
    browser: Browser, serve: Serve, twitch: LocalTwitch
) -> None:
    twitch.add_user("fresh", "#FF0000", turbo=True)
    async with serve() as service, opened(browser, url(service)) as page:
        await twitch.wait_subscribed("me", "me")
        await page.get_by_role("button", name="Add account").click()
        await expect(page.get_by_role("img", name="QR code")).to_be_visible()
        code = await page.locator("#code").inner_text()
        assert await page.locator("#log-in-url").get_attribute("href") == f"{twitch.id_url}/activate?device-code={code}"
        assert await complaints(page) == []
        await page.reload()
        await expect(page.locator("#code")).to_have_text(code)
        # The bot asks Twitch every few seconds; once it knows, the card is there with the words "Logged in".
        twitch.approve_device(code, "fresh")
        await expect(page.locator("#log-in-text")).to_have_text("Logged in as fresh.", timeout=15_000)
        await expect(page.locator(".account .login")).to_have_text("fresh", timeout=1_000)
        await expect(page.locator("#picker-list b")).to_have_text(["me", "fresh"])
        await page.get_by_role("button", name="OK").click()
        await expect(page.locator("#log-in")).to_be_hidden()
        await expect(page.locator(".state")).to_have_text("running")


async def test_a_lost_connection_is_shown_and_comes_back(
    browser: Browser, service: Served, twitch: LocalTwitch
) -> None:
    assert service.web is not None
    async with relay(service.web.port) as line, opened(browser, f"http://127.0.0.1:{line.port}") as page:
        await expect(page.locator("#connection")).to_have_text("live")
        await page.get_by_role("button", name="Undo").focus()
        await line.cut()
        await expect(page.locator("#lost")).to_contain_text("No connection to the bot")
        await expect(page.locator("#connection")).to_have_text("no connection")
        await expect(page.locator(".state")).to_have_text("not known now")
        await expect(page.locator("#verdict")).to_be_hidden()
        for control in await page.locator("button:visible, input:visible").all():
            await expect(control).to_be_disabled()
        assert await complaints(page) == []
        await line.mend()
        await expect(page.locator("#connection")).to_have_text("live")
        await expect(page.locator("#lost")).to_be_hidden()
        await expect(page.locator(".state")).to_have_text("running")
        await expect(page.get_by_role("button", name="Undo")).to_be_focused()
        await twitch.say("me", in_="me", text="hello")
        await expect(page.locator(".messages")).to_have_text("1")


async def test_a_page_of_an_earlier_run_reloads_itself(browser: Browser, serve: Serve, twitch: LocalTwitch) -> None:
    async with serve() as first, opened(browser, url(first)) as page:
        await expect(page.locator("#connection")).to_have_text("live")
        before = await page.locator('meta[name="boot"]').get_attribute("content")
        assert first.web is not None
        port = first.web.port
        await first.web.close()
        await expect(page.locator("#connection")).to_have_text("no connection")
        web = first.settings.web.model_copy(update={"port": port})
        first.live_settings.current = first.settings.model_copy(update={"web": web})
        first.web = await Web.open(first, clock=SystemClock())
        await expect(page.locator(f'meta[name="boot"]:not([content="{before}"])')).to_have_count(1, timeout=15_000)
        await page.get_by_role("button", name="Next colour").click()
        await expect(page.locator(".changes")).to_have_text("1")


async def test_everything_works_with_the_keyboard(page: Page, twitch: LocalTwitch, service: Served) -> None:
    reached: list[str] = []
    await twitch.say("me", in_="me", text="hello")
    await expect(page.locator(".changes")).to_have_text("1")
    for _ in range(50):
        await page.keyboard.press("Tab")
        name = await page.evaluate(
            "() => { const at = document.activeElement; "
            "const ring = [at, at.parentElement].some(each => getComputedStyle(each).outlineStyle !== 'none') "
            "|| at.matches('.skip'); "
            "const words = [at.dataset.say ?? at.className, at.id, at.name, at.textContent]; "
            "return (ring ? '' : 'NO RING ') + words.join(' ') }"
        )
        reached.append(name)
        if "scroll" in name:
            break
    for wanted in (
        "Skip to",
        "Add account",
        "Settings",
        "Check again",
        "switch",
        "next",
        "undo",
        "keep",
        "wheel",
        "typed",
        "copy-all",
        "save-png",
        "strip-me",
        "again",
        "strategy-me",
        "least",
        "scroll",
    ):
        assert any(wanted in name for name in reached), (wanted, reached)
    assert [name for name in reached if name.startswith("NO RING")] == []
    await page.get_by_role("button", name="Next colour").focus()
    await page.keyboard.press("Enter")
    await expect(page.locator(".changes")).to_have_text("2")
    await page.get_by_role("switch").focus()
    await page.keyboard.press("Space")
    await expect(page.locator(".state")).to_have_text("off")
    await page.get_by_role("radio", name="random").focus()
    await page.keyboard.press("ArrowRight")
    await expect(page.get_by_role("radio", name="rainbow")).to_be_focused()
    await page.get_by_role("button", name="Use rainbow").focus()
    await page.keyboard.press("Enter")
    await expect(page.locator(".strategy")).to_have_text("rainbow")


async def test_the_focus_and_what_is_typed_stay_while_the_state_changes(page: Page, twitch: LocalTwitch) -> None:
    await page.get_by_label("or type one").focus()
    await page.keyboard.press("End")
    await page.keyboard.type("x")
    for number in range(1, 4):
        await twitch.say("me", in_="me", text="hello")
        await expect(page.locator(".changes")).to_have_text(str(number))
    await expect(page.get_by_label("or type one")).to_be_focused()
    assert (await page.get_by_label("or type one").input_value()).endswith("x")


async def test_a_colour_of_the_past_can_be_used_again_and_copied(
    page: Page, twitch: LocalTwitch, service: Served
) -> None:
    for number in (1, 2, 3):
        await page.get_by_role("button", name="Next colour").click()
        await expect(page.locator(".changes")).to_have_text(str(number))
    wanted = service.changer[twitch.user("me").id].history[2].hex
    await page.locator(".strip input").nth(2).check()
    await expect(page.locator(".picked-color")).to_have_text(wanted)
    await twitch.say("me", in_="me", text="a new colour, and the picked one stays picked")
    await expect(page.locator(".changes")).to_have_text("4")
    await expect(page.locator(".picked-color")).to_have_text(wanted)
    await expect(page.locator(".strip input").nth(3)).to_be_focused()
    await page.get_by_role("button", name="Use again").click()
    await expect(page.locator(".dark .facts")).to_contain_text(wanted)
    assert twitch.user("me").color == wanted
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await page.get_by_role("button", name="Copy", exact=True).click()
    await expect(page.locator(".answer")).to_have_text(f"copied: {wanted}")
    assert await page.evaluate("navigator.clipboard.readText()") == wanted
    await page.get_by_role("button", name="Copy all").click()
    await expect(page.locator(".answer")).to_contain_text(f"copied: {wanted}, ")


async def test_the_colours_are_saved_as_pictures(
    page: Page, twitch: LocalTwitch, service: Served, tmp_path: Path
) -> None:
    for number in (1, 2):
        await page.get_by_role("button", name="Next colour").click()
        await expect(page.locator(".changes")).to_have_text(str(number))
    shown = [color.hex for color in reversed(service.changer[twitch.user("me").id].history)]
    async with page.expect_download() as saved:
        await page.get_by_role("button", name="Save SVG").click()
    await (await saved.value).save_as(tmp_path / "me.svg")
    svg = (tmp_path / "me.svg").read_text()
    assert re.findall(r'<text .* fill="(.*)">me</text>', svg) == shown * 2
    assert len(shown) == 2
    async with page.expect_download() as saved:
        await page.get_by_role("button", name="Save picture").click()
    download = await saved.value
    assert download.suggested_filename == "colours-of-me.png"
    await download.save_as(tmp_path / "me.png")
    assert (tmp_path / "me.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert (tmp_path / "me.png").stat().st_size > 4000


@pytest.mark.parametrize("scheme", ["dark", "light"])
@pytest.mark.parametrize("viewport", [{"width": 1440, "height": 900}, NARROW], ids=["desktop", "phone"])
async def test_it_is_accessible_and_fits_the_screen(
    browser: Browser, serve: Serve, twitch: LocalTwitch, scheme: str, viewport: dict[str, int]
) -> None:
    async with serve() as service, opened(browser, url(service), color_scheme=scheme, viewport=viewport) as page:
        await twitch.wait_subscribed("me", "me")
        await expect(page.locator("#verdict")).to_have_text("All is well")
        await page.get_by_role("button", name="Details").click()
        await expect(page.locator("#findings li").first).to_be_visible()
        await expect(page.locator(".preview .dark b")).to_have_count(12)
        await twitch.say("me", in_="me", text="hello")
        await expect(page.locator(".changes")).to_have_text("1")
        assert await complaints(page) == []
        assert await page.evaluate("document.documentElement.scrollWidth") == viewport["width"]


async def test_the_password_page_opens_the_dashboard(browser: Browser, serve: Serve) -> None:
    async with serve(web={"password": PASSWORD}) as service, opened(browser, url(service), viewport=PHONE) as page:
        await page.get_by_label("Password of this dashboard").fill("guess")
        await page.get_by_role("button", name="Log in").click()
        await expect(page.get_by_role("alert")).to_have_text("This password is wrong.")
        assert await complaints(page) == []
        await page.get_by_label("Password of this dashboard").fill(PASSWORD)
        await page.keyboard.press("Enter")
        await expect(page.locator("#connection")).to_have_text("live")
        await page.get_by_role("button", name="Log out").click()
        await expect(page.get_by_label("Password of this dashboard")).to_be_visible()


async def test_text_that_looks_like_html_stays_text(page: Page, twitch: LocalTwitch) -> None:
    twitch.faults.add("PUT /helix/chat/color", faults.status(400, message="<img src=x onerror=alert(1)>"), times=2)
    await page.get_by_role("button", name="Next colour").click()
    await expect(page.locator(".trouble")).to_contain_text("<img src=x")
    await expect(page.locator(".trouble img")).to_have_count(0)


# Several accounts


async def test_one_of_several_accounts_is_picked_and_stays_after_a_reload(
    browser: Browser, serve: Serve, twitch: LocalTwitch, log_in: Callable[..., Awaitable[None]]
) -> None:
    await log_in("anna")
    async with serve() as service, opened(browser, url(service)) as page:
        await twitch.wait_subscribed("anna", "anna")
        rows = page.locator("#picker-list button")
        await expect(rows).to_have_text(["annarunning", "merunning"])
        await page.get_by_role("button", name="me", exact=False).and_(rows).click()
        await expect(page.locator("article .login")).to_have_text("me")
        await twitch.say("me", in_="me", text="hello")
        await expect(page.locator(".changes")).to_have_text("1")
        await expect(page.locator(".log li").first).to_contain_text("in #me")
        await page.reload()
        await expect(page.locator("article .login")).to_have_text("me")
        await expect(page.locator('[aria-current="true"] b')).to_have_text("me")
        await twitch.revoke_login("anna")
        await expect(rows.filter(has_text="anna")).to_contain_text("needs login")
        await expect(page.locator("#problems")).to_contain_text("anna", timeout=15_000)
        await expect(page.get_by_role("button", name="Log in", exact=True)).to_be_visible()
        assert await complaints(page) == []


async def test_many_accounts_are_searched_and_fit_a_phone(
    browser: Browser, serve: Serve, twitch: LocalTwitch, log_in: Callable[..., Awaitable[None]]
) -> None:
    for number in range(10):
        await log_in(f"a_rather_long_name_{number}")
    async with serve() as service, opened(browser, url(service), viewport=NARROW) as page:
        rows = page.locator("#picker-list li:visible")
        await expect(rows).to_have_count(11)
        assert await page.evaluate("document.documentElement.scrollWidth") == NARROW["width"]
        await page.get_by_label("Search for an account").fill("NAME_7")
        await expect(rows).to_have_count(1)
        await page.get_by_label("Search for an account").fill("nobody")
        await expect(page.locator("#picker-none")).to_be_visible()
        assert await complaints(page) == []


# How it loads


@pytest.mark.parametrize("viewport", [{"width": 1440, "height": 900}, NARROW], ids=["desktop", "phone"])
async def test_nothing_moves_while_the_page_loads(
    browser: Browser,
    serve: Serve,
    twitch: LocalTwitch,
    log_in: Callable[..., Awaitable[None]],
    viewport: dict[str, int],
) -> None:
    await log_in("anna")
    async with serve() as service, opened(browser, url(service), viewport=viewport) as page:
        await twitch.wait_subscribed("me", "me")
        await page.add_init_script(
            "self.shifts = []; new PerformanceObserver(list => self.shifts.push(...list.getEntries().map(each => "
            "each.value))).observe({type: 'layout-shift', buffered: true})"
        )
        await page.reload()
        await expect(page.locator("#connection")).to_have_text("live")
        await expect(page.locator("#verdict")).to_have_text("All is well")
        await page.get_by_role("button", name="Details").focus()
        assert sum(await page.evaluate("self.shifts")) < 0.005


async def test_the_page_has_no_words_of_the_protocol(browser: Browser, serve: Serve, twitch: LocalTwitch) -> None:
    async with serve() as service, opened(browser, url(service)) as page:
        await twitch.revoke_login("me")
        await expect(page.locator(".state")).to_have_text("needs login")
        await page.get_by_role("button", name="Details").click()
        await page.get_by_role("button", name="Log in again").click()
        await expect(page.locator("#code")).to_be_visible()
        words = await page.locator("body").inner_text()
        assert re.findall(r"token|scope|oauth|run: colorchanger", words, re.IGNORECASE) == []


# The tour: the demo with its chat


async def test_the_tour(browser: Browser, serve: Serve, twitch: LocalTwitch, log_in: object) -> None:
    for login, color in CROWD:
        twitch.add_user(login, color)
    await log_in(ME)  # type: ignore[operator]
    chat = DemoChat(twitch, random.Random(1))
    async with serve(account=False, chat=chat) as service, opened(browser, url(service)) as page:
        await twitch.wait_subscribed(ME, ME)
        line, names = page.get_by_label("Message", exact=True), page.locator("#lines b", has_text=ME)
        for number, text in enumerate(("hello", "and again"), start=1):
            await line.fill(text)
            await page.keyboard.press("Enter")
            await expect(page.locator(".changes")).to_have_text(str(number))
            await expect(names).to_have_count(number)
        first, second = [await names.nth(place).evaluate("name => name.style.color") for place in (0, 1)]
        assert first != second
        await page.get_by_label("Write as").select_option("mira")
        await line.fill("!color off")
        await page.get_by_role("button", name="Send").click()
        await expect(page.locator("#lines li")).to_have_count(3)
        await expect(page.locator(".state")).to_have_text("running")
        await page.get_by_label("Write as").select_option(ME)
        await line.fill("!color rainbow")
        await page.get_by_role("button", name="Send").click()
        await expect(page.locator(".strategy")).to_have_text("rainbow")
        await expect(page.locator("#lines li").last).to_contain_text("rainbow: round the colour wheel")
        await page.get_by_role("button", name="Simulate chat").click()
        await expect(page.locator("#lines li", has_not_text=ME).nth(1)).to_be_visible()
        assert await complaints(page) == []
        await chat.close()
