"""A changed settings file takes effect by itself, however it is written; a broken one changes nothing."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from colorchanger_bot.clock import SystemClock
from colorchanger_bot.sandbox import LocalTwitch
from colorchanger_bot.service.service import Service
from colorchanger_bot.service.settings_file import SettingsFile
from colorchanger_bot.settings.load import Settings, load
from colorchanger_bot.store.store import Store
from tests.fakes import until
from tests.processes import Environment, start
from tests.service.test_live_settings import subscriptions
from tests.service.test_service import LogIn

BROKEN = {
    "[color\ncooldown = 1\n": "config.toml, line 1, column 7: this is not TOML",
    "[color]\ncooldwn = 1\n": "config.toml, line 2: color.cooldwn is not a known setting: did you mean color.cooldown?",
    "[color]\ncooldown = -1\n": "config.toml, line 2: color.cooldown = -1: write seconds from 0 to 3600, such as 2.5",
    "[color]\nstrategy = 'palette'\n": "config.toml, line 1: color.colors: palette needs",
    "[color]\n\n\ncooldown = 1\ncooldown = 2\n": "config.toml, line 5, column 13: this is not TOML",
}


@pytest.fixture
def head(twitch: LocalTwitch, store_url: str, client_id: str) -> str:
    """What every version of the file begins with, in one line: the local Twitch, and the store."""
    return (
        f'twitch = {{ api_url = "{twitch.api_url}", id_url = "{twitch.id_url}", '
        f'eventsub_url = "{twitch.eventsub_url}" }}; '.replace("; ", "\n")
        + f'storage = {{ url = "{store_url}" }}\napp = {{ client_id = "{client_id}" }}\n'
    )


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, in which the settings are looked for first."""
    made = tmp_path / "here"
    made.mkdir()
    monkeypatch.chdir(made)
    for name in [name for name in os.environ if name.startswith(("COLORCHANGER_", "TWITCH_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home" / ".config"))
    return made


@asynccontextmanager
async def watching(store: Store, named: Path | None = None) -> AsyncGenerator[Service]:
    file = SettingsFile(named, clock=SystemClock())
    async with Service.running(load(named), store, needs_account=False) as service:
        service.watch(file)
        yield service


@pytest.fixture
async def service(folder: Path, head: str, store: Store, log_in: LogIn, twitch: LocalTwitch) -> AsyncIterator[Service]:
    """A service that follows `config.toml` in the working directory."""
    await log_in("me")
    (folder / "config.toml").write_text(head, "utf-8")
    async with watching(store) as running:
        await twitch.wait_subscribed("me", "me")
        yield running


def write_in_place(path: Path, text: str) -> None:
    path.write_text(text, "utf-8")


def write_by_rename(path: Path, text: str) -> None:
    """As vim and most editors save."""
    beside = path.with_name(f".{path.name}.swp")
    beside.write_text(text, "utf-8")
    beside.replace(path)


def write_with_a_backup(path: Path, text: str) -> None:
    """As emacs saves: the file is away for a moment."""
    path.replace(path.with_name(f"{path.name}~"))
    path.write_text(text, "utf-8")


def write_in_bits(path: Path, text: str) -> None:
    """As a slow copy does."""
    with path.open("w", encoding="utf-8") as file:
        for letter in text:
            file.write(letter)
            file.flush()


WRITES = [write_in_place, write_by_rename, write_with_a_backup, write_in_bits]


@pytest.mark.parametrize("write", WRITES)
async def test_every_way_to_write_a_file_is_noticed(
    write: Callable[[Path, str], None], service: Service, folder: Path, head: str, caplog: pytest.LogCaptureFixture
) -> None:
    for cooldown in (1.0, 2.0, 3.0):
        await asyncio.to_thread(write, folder / "config.toml", f"{head}[color]\ncooldown = {cooldown}\n")
        await until(lambda wanted=cooldown: service.settings.color.cooldown == wanted)
    assert [painter.settings.cooldown for painter in service.changer] == [3.0]
    assert not [record for record in caplog.records if record.levelno > logging.WARNING]


async def test_a_burst_of_writes_is_one_change(
    service: Service, folder: Path, head: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "colorchanger_bot")
    for cooldown in range(50):
        (folder / "config.toml").write_text(f"{head}[color]\ncooldown = {cooldown}\n", "utf-8")
    await until(lambda: service.settings.color.cooldown == 49)
    assert caplog.text.count("are in force") == 1


async def test_a_config_map_of_kubernetes_is_followed(
    folder: Path, head: str, store: Store, log_in: LogIn, tmp_path: Path
) -> None:
    """The file is a link to ..data/config.toml, and ..data a link that is replaced."""
    await log_in("me")
    mounted = tmp_path / "mounted"
    mounted.mkdir()

    def publish(number: int) -> None:
        version = mounted / f"..version_{number}"
        version.mkdir()
        (version / "config.toml").write_text(f"{head}[color]\ncooldown = {number}\n", "utf-8")
        (mounted / "..data_tmp").symlink_to(version.name)
        (mounted / "..data_tmp").replace(mounted / "..data")
        if number > 1:
            shutil.rmtree(mounted / f"..version_{number - 1}")

    publish(1)
    (mounted / "config.toml").symlink_to("..data/config.toml")
    async with watching(store, mounted / "config.toml") as service:
        for number in (2, 3, 4):
            await asyncio.to_thread(publish, number)
            await until(lambda wanted=number: service.settings.color.cooldown == wanted, seconds=8)


async def test_a_link_to_a_file_elsewhere_is_followed(
    folder: Path, head: str, store: Store, log_in: LogIn, tmp_path: Path
) -> None:
    await log_in("me")
    real = tmp_path / "dotfiles" / "colors.toml"
    real.parent.mkdir()
    real.write_text(head, "utf-8")
    (folder / "config.toml").symlink_to(real)
    async with watching(store) as service:
        write_by_rename(real, f"{head}[color]\ncooldown = 1\n")
        await until(lambda: service.settings.color.cooldown == 1.0)


async def test_a_file_appears_and_goes(
    service: Service, folder: Path, head: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = folder / "config.toml"
    path.unlink()
    await until(lambda: service.file is not None and service.file.problems != ())
    assert "config.toml: is gone" in caplog.text
    assert service.settings.app.client_id
    path.write_text(f"{head}[color]\ncooldown = 5\n", "utf-8")
    await until(lambda: service.settings.color.cooldown == 5.0)
    assert service.file is not None
    assert service.file.problems == ()


@pytest.mark.parametrize("text", BROKEN)
async def test_a_broken_file_changes_nothing_until_it_is_mended(
    text: str, service: Service, folder: Path, head: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "colorchanger_bot")
    before, file = service.settings, service.file
    assert file is not None
    for _ in range(2):
        (folder / "config.toml").write_text(text, "utf-8")
        await until(lambda: file.problems != ())
        assert service.settings == before
        assert len(file.problems) == 1
        assert file.problems[0].startswith(BROKEN[text])
        (folder / "config.toml").write_text(head, "utf-8")
        await until(lambda: file.problems == ())
    assert caplog.text.count(file_line(BROKEN[text])) == 2
    assert caplog.text.count("is fine again") == 2


async def test_a_file_that_stays_broken_is_said_once(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    used: list[Settings] = []

    async def use(settings: Settings) -> None:
        used.append(settings)

    path = folder / "config.toml"
    path.write_text("", "utf-8")
    file = SettingsFile(None, clock=SystemClock())
    for number in range(3):
        path.write_text("[color]\ncooldown = -1\n" + number * "# a remark\n", "utf-8")
        await file.look(use)
    assert used == []
    assert caplog.text.count("color.cooldown = -1") == 1
    path.write_text("[color]\ncooldown = 1\n", "utf-8")
    await file.look(use)
    await file.look(use)
    assert [each.color.cooldown for each in used] == [1.0]


@pytest.mark.skipif(os.name != "posix", reason="Windows has no named pipes in folders")
async def test_a_pipe_in_the_place_of_the_file_stops_nothing(folder: Path) -> None:
    used: list[Settings] = []

    async def use(settings: Settings) -> None:
        used.append(settings)

    path = folder / "config.toml"
    path.write_text("", "utf-8")
    file = SettingsFile(None, clock=SystemClock())
    path.unlink()
    os.mkfifo(path)
    looking = asyncio.create_task(asyncio.to_thread(asyncio.run, file.look(use)))
    done, _ = await asyncio.wait([looking], timeout=5)
    if not done:  # let the thread go on
        writer = os.open(path, os.O_RDWR | os.O_NONBLOCK)
        path.unlink()
        os.close(writer)
    await looking
    assert done
    assert file.problems == (f"{path}: is not a file; put a text file in its place",)
    path.unlink()
    path.write_text("[color]\ncooldown = 1\n", "utf-8")
    await file.look(use)
    assert ([each.color.cooldown for each in used], file.problems) == ([1.0], ())


@pytest.mark.skipif(os.name != "posix", reason="on Windows, making links takes rights")
async def test_a_link_to_itself_changes_nothing(folder: Path) -> None:
    used: list[Settings] = []

    async def use(settings: Settings) -> None:
        used.append(settings)

    path = folder / "config.toml"
    path.write_text("[color]\ncooldown = 1\n", "utf-8")
    file = SettingsFile(None, clock=SystemClock())
    path.unlink()
    path.symlink_to(path.name)
    await file.look(use)
    assert (used, file.problems) == ([], (f"{path}: is not a file; put a text file in its place",))


def file_line(text: str) -> str:
    return text.partition(" did you")[0]


async def test_a_key_that_needs_a_restart_is_named_once(
    service: Service, folder: Path, head: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = folder / "config.toml"
    for cooldown in (1, 2):
        path.write_text(
            f"{head}[web]\nport = 9\n[reading]\nreaders = 3\n[color]\ncooldown = {cooldown}\n[log]\nlevel = 'ERROR'\n",
            "utf-8",
        )
        await until(lambda wanted=cooldown: service.settings.color.cooldown == wanted)
    assert caplog.text.count("takes effect after a restart: reading.readers, web.port") == 1
    assert service.settings.reading.readers == 2
    assert service.settings.log.level == "ERROR"


async def test_a_page_that_others_reach_keeps_its_password_until_a_restart(
    folder: Path, head: str, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    path = folder / "config.toml"
    path.write_text(f"{head}[web]\nenabled = true\nhost = '0.0.0.0'\npassword = 'correct horse'\n", "utf-8")
    async with watching(store) as service:
        assert service.file is not None
        path.write_text(f"{head}[web]\nenabled = true\nhost = '0.0.0.0'\n", "utf-8")
        await until(lambda: service.file and service.file.problems)
        assert service.file.problems == (
            'config.toml, line 4: web.password is empty, and web.host = "0.0.0.0" lets others in: set web.password',
        )
        assert service.settings.web.password.reveal() == "correct horse"
        path.write_text(f"{head}[web]\nenabled = true\n[color]\ncooldown = 1\n", "utf-8")
        await until(lambda: service.settings.color.cooldown == 1)
        assert service.settings.web.password.reveal() == "correct horse"
        assert service.settings.web.host == "0.0.0.0"
        assert "takes effect after a restart: web.host, web.password" in caplog.text
        assert service.file.problems == ()


async def test_a_file_takes_a_key_over_from_the_page_and_gives_it_back(
    service: Service, folder: Path, head: str
) -> None:
    await service.change_preferences({"color.cooldown": 7})
    (folder / "config.toml").write_text(f"{head}[color]\ncooldown = 1\n", "utf-8")
    await until(lambda: service.settings.color.cooldown == 1.0)
    (folder / "config.toml").write_text(head, "utf-8")
    await until(lambda: service.settings.color.cooldown == 7.0)


async def read_lines(stream: asyncio.StreamReader | None, lines: list[str]) -> None:
    assert stream is not None
    while line := await stream.readline():
        lines.append(line.decode())


async def test_twenty_changes_of_the_file_five_of_them_broken_drop_no_chat_session(
    environment: Environment, twitch: LocalTwitch, head: str, log_in: LogIn, tmp_path: Path
) -> None:
    """Through the command line, as a user has it."""
    await log_in("me")
    twitch.add_user("friend", "#FF0000")
    path = tmp_path / "config.toml"
    path.write_text(head, "utf-8")
    for name in ("STORAGE__URL", "TWITCH__API_URL", "TWITCH__ID_URL", "TWITCH__EVENTSUB_URL", "COLOR__DELAY"):
        del environment[f"COLORCHANGER_{name}"]
    process = await start("run", environment=environment)
    lines: list[str] = []
    reading = asyncio.create_task(read_lines(process.stderr, lines))
    try:
        await twitch.wait_subscribed("me", "me", timeout=20)
        before, broken = subscriptions(twitch), iter(BROKEN)
        for number in range(20):
            if number % 4 == 3:
                text = next(broken)
                path.write_text(text, "utf-8")
                await until(lambda: any(file_line(BROKEN[text]) in line for line in lines))  # noqa: B023
            else:
                channels = '["me", "friend"]' if number % 2 else '["me"]'
                color = ("red", "blue", "green")[number % 3]
                write_by_rename(
                    path,
                    f'{head}[commands]\nname = "paint{number}"\n[log]\nlevel = "{("INFO", "DEBUG")[number % 2]}"\n'
                    f'[color]\ndelay = 0\nstrategy = "hold"\nbase = "{color}"\n'
                    f'[[accounts]]\nlogin = "me"\nchannels = {channels}\n',
                )
                await twitch.wait_for(lambda: len(twitch.subscriptions) == 1 + number % 2, timeout=10)  # noqa: B023
                changes = len(twitch.color_changes)
                async with asyncio.timeout(20):
                    while len(twitch.color_changes) == changes:  # the file may not be in force yet
                        await twitch.say("me", in_="me", text=f"!paint{number} set {color}")
                        await asyncio.sleep(0.2)
            assert before <= subscriptions(twitch)
        assert before <= subscriptions(twitch)
        assert len({each.session_id for each in twitch.subscriptions}) == 1
    finally:
        process.terminate()
        await process.wait()
        await reading
    for text in BROKEN.values():
        assert sum(file_line(text) in line for line in lines) == 1, lines
    assert sum("is fine again" in line for line in lines) == 4  # the last one is not mended
    assert not any("Traceback" in line for line in lines)
