"""The executable, on a system without Python: every command works, the page opens, and nothing is left behind."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import os
import re
import signal
import socket
import ssl
import time
from asyncio.subprocess import Process
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from playwright.async_api import async_playwright, expect

import colorchanger_bot
from colorchanger_bot.sandbox import LocalTwitch
from tests.bare_system import BareSystem
from tests.processes import Environment, end
from tests.test_packaging import script
from tests.web.conftest import ARGUMENTS, CHROMIUM, opened

pytestmark = pytest.mark.executable

ICON = Path(colorchanger_bot.__file__).with_name("web") / "static" / "icon.svg"
MOST_BYTES = 60_000_000
WANTED_SECONDS = 2.5
"""To the page. It is printed and not asserted: it depends on the machine."""
DRAWN = """(color) => [...document.querySelectorAll("body *")].some(
  (each) => each.children.length === 0 && each.textContent.trim() === "me" && getComputedStyle(each).color === color)"""


@pytest.fixture(scope="session")
def executable() -> Path:
    return Path(os.environ["COLORCHANGER_TEST_EXECUTABLE"])


@pytest.fixture
def system(tmp_path: Path, executable: Path) -> BareSystem:
    made = BareSystem(tmp_path / "root", executable)
    assert [path for path in made.root.rglob("*") if "python" in path.name.lower()] == []
    return made


@pytest.fixture
def settings(with_tokens: Environment) -> Environment:
    """The local Twitch and an account, and nothing of this machine; the store is where it is by default."""
    kept = {name: value for name, value in with_tokens.items() if name.startswith(("COLORCHANGER_", "TWITCH_"))}
    return {name: value for name, value in kept.items() if name != "COLORCHANGER_STORAGE__URL"}


@asynccontextmanager
async def running(system: BareSystem, *arguments: str, environment: Environment) -> AsyncGenerator[Process]:
    process = await system.start(*arguments, environment=environment)
    try:
        yield process
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            await process.communicate()


async def call(system: BareSystem, *arguments: str, **environment: str) -> tuple[int, str, str]:
    return await end(await system.start(*arguments, environment=environment))


async def page_opens(url: str, within: float = 30.0) -> None:
    """Wait until the page is there."""
    async with asyncio.timeout(within), aiohttp.ClientSession() as session:
        while True:
            try:
                async with session.get(url) as answer:
                    assert answer.status == 200
                    return
            except aiohttp.ClientConnectionError:
                await asyncio.sleep(0.01)


async def said(process: Process, pattern: str, within: float = 30.0) -> str:
    """Wait for a line that matches; return its first group."""
    assert process.stdout is not None
    async with asyncio.timeout(within):
        while True:
            line = (await process.stdout.readline()).decode()
            assert line, "it has ended"
            if found := re.search(pattern, line):
                return found[1]


def free_port() -> int:
    with socket.socket() as tried:
        tried.bind(("127.0.0.1", 0))
        return int(tried.getsockname()[1])


def test_it_is_small(executable: Path, capsys: pytest.CaptureFixture[str]) -> None:
    size = executable.stat().st_size
    with capsys.disabled():
        print(f"\n{executable.name}: {size / 1e6:.1f} MB (at most {MOST_BYTES / 1e6:.0f})")
    assert size <= MOST_BYTES


@pytest.mark.parametrize("suffix", [".ico", ".icns"])
def test_its_icon_is_that_of_the_page(suffix: str, tmp_path: Path) -> None:
    """Only Windows and macOS show one, but it can be drawn everywhere."""
    from PIL import Image

    script("icon").write_icon(ICON, made := tmp_path / f"icon{suffix}")
    with Image.open(made) as image:
        assert {(32, 32), (256, 256)} <= {size[:2] for size in image.info["sizes"]}
        shown, unit = image.convert("RGBA"), image.width // 32
    assert shown.getpixel((unit, unit)) == (0, 0, 0, 0)
    assert shown.getpixel((16 * unit, 6 * unit)) == (0x77, 0x2C, 0xE8, 255)


async def test_it_says_its_version_and_the_licences_of_what_is_inside(system: BareSystem) -> None:
    assert await call(system, "--version") == (0, f"colorchanger {version('colorchanger-bot')}\n", "")
    code, output, errors = await call(system, "--licenses")
    assert (code, errors) == (0, "")
    listed, _, texts = output.partition("=" * 80)
    for part in ("Python 3", "OpenSSL", "SQLite", "twitchio", "aiohttp", "loguru", "pyinstaller", "colorchanger-bot"):
        assert f"\n  {part}" in listed
        assert f"\n{part}" in texts
    assert re.search("psycopg|readline|gdbm", listed) is None


async def test_the_demo_plays(system: BareSystem) -> None:
    code, output, errors = await call(system, "demo", "--messages", "3")
    assert (code, errors) == (0, "")
    assert re.search(r"#[0-9A-F]{6}", output)


async def test_what_it_cannot_do_is_said_with_the_way_out(system: BareSystem) -> None:
    code, _, errors = await call(system, "config", "check", COLORCHANGER_COGS__LOAD="my_cogs.greeter")
    assert (code, "no such module in this executable" in errors) == (2, True)
    code, _, errors = await call(system, "accounts", COLORCHANGER_STORAGE__URL="postgresql://me@localhost/colors")
    assert (code, "pipx install 'colorchanger-bot[postgres]'" in errors) == (1, True)


async def test_the_page_opens_and_a_message_changes_the_colour(
    system: BareSystem, settings: Environment, twitch: LocalTwitch, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"http://127.0.0.1:{(port := free_port())}"
    environment = settings | {"COLORCHANGER_WEB__ENABLED": "true", "COLORCHANGER_WEB__PORT": str(port)}
    started = time.monotonic()
    async with running(system, "run", environment=environment) as process:
        await page_opens(url)
        with capsys.disabled():
            print(f"\nfrom its start to the page: {time.monotonic() - started:.2f} s (wanted: {WANTED_SECONDS} s)")
        await twitch.wait_subscribed("me", "me", timeout=20)
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
            async with opened(browser, url) as page:
                await twitch.say("me", in_="me", text="hello")
                await twitch.wait_for(lambda: twitch.color_changes)
                red, green, blue = bytes.fromhex(twitch.user("me").color.removeprefix("#"))
                await page.wait_for_function(DRAWN, arg=f"rgb({red}, {green}, {blue})")
            await browser.close()
        code, output, errors = await call(system, "doctor", **settings)
        assert (code, errors, output.splitlines()[-1]) == (0, "", "nothing is wrong")
        process.terminate()
        code, output, errors = await end(process)
    assert code == 0, errors
    assert "stopping" in output
    assert twitch.user("me").color == "#FF0000", "the old colour comes back"
    assert [*(system.root / "tmp").iterdir()] == [], "nothing that was unpacked is left"


async def test_somebody_new_gets_to_the_first_colour_with_the_page_alone(
    system: BareSystem, environment: Environment, twitch: LocalTwitch, client_id: str
) -> None:
    twitch.add_user("me", "#FF0000", turbo=True)
    local = {name: value for name, value in environment.items() if name.startswith("COLORCHANGER_TWITCH__")}
    async with running(system, environment=local) as process, async_playwright() as playwright:
        url = await said(process, r"^Open  (http://\S+)$")
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        async with opened(browser, url) as page:
            await page.get_by_label("Client ID", exact=True).fill(client_id)
            await page.get_by_role("button", name="Continue").click()
            await expect(code := page.locator("#login .code")).not_to_be_empty()
            twitch.approve_device(await code.inner_text(), "me")
            await expect(page.locator("#message-text")).to_contain_text("Waiting for your message", timeout=30_000)
            await twitch.say("me", in_="me", text="hello")
            await expect(page.locator("#message-text")).to_contain_text("It works: your name is #", timeout=15_000)
        await browser.close()
        process.terminate()
        assert (await end(process))[0] == 0


async def test_certificates_are_found_where_this_system_has_them(system: BareSystem, tmp_path: Path) -> None:
    """The OpenSSL inside looks where the machine that built it has them. This is where Fedora does."""
    authority, server = certificates(tmp_path)
    there = system.root / "etc/pki/tls/certs/ca-bundle.crt"
    there.parent.mkdir(parents=True)
    there.write_bytes(authority)
    asked: list[str] = []

    async def answer(request: web.BaseRequest) -> web.Response:
        asked.append(request.path)
        return web.Response(status=404)

    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port := free_port(), ssl_context=server).start()
        twitch = dict.fromkeys(
            ("COLORCHANGER_TWITCH__ID_URL", "COLORCHANGER_TWITCH__API_URL"), f"https://localhost:{port}"
        )
        _, output, _ = await call(system, "doctor", **twitch)
        assert (asked, "certificate" in output) == (["/users"], False)
        there.unlink()
        _, output, _ = await call(system, "doctor", **twitch)
        assert (asked, "certificate" in output) == (["/users"], True)
    finally:
        await runner.cleanup()


def certificates(folder: Path) -> tuple[bytes, ssl.SSLContext]:
    """Make an authority and a server of localhost that it vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (file := folder / "server.pem").write_bytes(certificate + private)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return certificate, context
