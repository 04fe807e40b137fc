"""`config check` refuses what `run` or `login` would refuse, and creates nothing."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from colorchanger_bot.service.settings_check import Verdict, check
from colorchanger_bot.settings.load import Settings, load
from colorchanger_bot.store.store import Store, TokenPair
from colorchanger_bot.vault import new_key

Check = Callable[..., Any]
CLIENT_ID = "abcdefghijklmnopqrstuvwxyz0123"


@pytest.fixture
def look(tmp_path: Path, store_url: str) -> Check:
    """Check a settings file that has a client id and a store."""

    async def look(text: str = "", /, **environ: str) -> Verdict:
        (tmp_path / "config.toml").write_text(text, "utf-8")
        basis = {"COLORCHANGER_APP__CLIENT_ID": CLIENT_ID, "COLORCHANGER_STORAGE__URL": store_url}
        environ = {name: value for name, value in (basis | environ).items() if value}
        settings = load(environ=environ, cwd=tmp_path, config_dir=tmp_path / "home")
        return await check(settings, environ)

    return look


@pytest.fixture
async def alice(store_url: str) -> AsyncIterator[Store]:
    """A store in which alice is logged in."""
    async with Store.open(store_url) as store:
        await store.put_login("alice", CLIENT_ID, TokenPair("access", "refresh"), "1")
        yield store


async def test_without_a_login_there_is_advice_and_no_store_is_created(look: Check, tmp_path: Path) -> None:
    assert await look('[[accounts]]\nlogin = "alice"') == ([], ["nobody is logged in yet; run: colorchanger login"])
    assert os.listdir(tmp_path) == ["config.toml"]


async def test_an_empty_client_id_is_a_problem(look: Check) -> None:
    (line,) = (await look('[app]\nclient_id = ""', COLORCHANGER_APP__CLIENT_ID="")).problems
    assert line.startswith("config.toml, line 2: app.client_id is empty: register an application at https://")


async def test_a_community_without_a_key_is_a_problem(look: Check) -> None:
    (line,) = (await look('[community]\nenabled = true\nchannel = "me"')).problems
    assert line.startswith("config.toml: storage.key is empty")
    assert line.endswith("run: colorchanger key new")


@pytest.mark.parametrize(
    "environ", [{"TWITCH_ACCESS_TOKEN_1": "x1"}, {"TWITCH_USERNAME_1": "bob", "TWITCH_CLIENT_ID_1": "x1"}]
)
async def test_an_account_may_bring_its_own_application(environ: dict[str, str], look: Check) -> None:
    assert (await look(COLORCHANGER_APP__CLIENT_ID="", **environ)).problems == []


@pytest.mark.usefixtures("alice")
@pytest.mark.parametrize(
    ("login", "hint"),
    [
        ("alcie", "did you mean alice? If the name is right, run: colorchanger login"),
        ("zoe", "logged in: alice. If the name is right, run: colorchanger login"),
    ],
)
async def test_an_account_that_nobody_is_logged_in_as_is_a_problem(login: str, hint: str, look: Check) -> None:
    text = f'[[accounts]]\nlogin = "alice"\n[[accounts]]\nlogin = "{login}"'
    (line,) = (await look(text)).problems
    assert (
        line
        == f'config.toml, line 4: accounts[{login}].login = "{login}": no account of this name is logged in; {hint}'
    )


@pytest.mark.usefixtures("alice")
async def test_an_account_that_is_logged_in_or_brings_a_token_is_fine(look: Check) -> None:
    assert await look('[[accounts]]\nlogin = "Alice"') == ([], [])
    assert await look(TWITCH_USERNAME_1="bob", TWITCH_ACCESS_TOKEN_1="x1") == ([], [])
    (line,) = (await look(TWITCH_USERNAME_1="bob", TWITCH_CHANNELS_1="a")).problems
    assert line.startswith('TWITCH_USERNAME_1 = "bob": no account of this name is logged in')


# Modules


@pytest.mark.parametrize("module", ["no_such_module", "json.no_such_module", "sys.path", "no_such.package"])
async def test_a_missing_module_is_a_problem(module: str, look: Check) -> None:
    (line,) = (await look(f'[cogs]\nload = ["{module}"]')).problems
    assert line.startswith(f'config.toml, line 2: cogs.load = "{module}": there is no such module')


@pytest.fixture
def cog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """Write a cog in a package that fails when it is run, and return its name."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(text: str) -> str:
        (tmp_path / "my_cogs").mkdir()
        (tmp_path / "my_cogs/__init__.py").write_text("raise RuntimeError('it was run')")
        (tmp_path / "my_cogs/greeter.py").write_text(text, "utf-8")
        return "my_cogs.greeter"

    return write


@pytest.mark.parametrize(
    "text", ["async def setup(bot): ...", "from x import setup", "from x import *", "if True:\n  setup = print"]
)
async def test_a_cog_is_found_without_running_it(text: str, cog: Callable[[str], str], look: Check) -> None:
    assert (await look(f'[cogs]\nload = ["{cog(text)}"]')).problems == []


@pytest.mark.parametrize(
    ("text", "why"),
    [("x = 1", "has no `async def setup(bot)`"), ("def setup(:", ", line 1: this is not Python (")],
)
async def test_a_module_that_is_not_a_cog_is_a_problem(
    text: str, why: str, cog: Callable[[str], str], look: Check
) -> None:
    (line,) = (await look(f'[cogs]\nload = ["{cog(text)}"]')).problems
    assert why in line


async def test_our_own_cogs_are_found(look: Check) -> None:
    assert (await look('[cogs]\nload = ["colorchanger_bot.cogs.token_lifecycle"]')).problems == []


# Files and the store


@pytest.mark.parametrize("where", ["a.file/x", "."])
async def test_a_store_or_log_that_cannot_be_created_is_a_problem(where: str, look: Check, tmp_path: Path) -> None:
    (tmp_path / "a.file").touch()
    path = (tmp_path / where).as_posix()
    (line,) = (await look(COLORCHANGER_STORAGE__URL=f"sqlite:///{path}")).problems
    assert line.startswith("COLORCHANGER_STORAGE__URL: ")
    assert "folder" in line
    (line,) = (await look(f"\nlog.file = '{path}'")).problems
    assert line.startswith("config.toml, line 2: log.file = ")
    assert "folder" in line


async def test_a_log_in_a_folder_that_does_not_exist_yet_is_fine(look: Check, tmp_path: Path) -> None:
    assert (await look(f"log.file = '{(tmp_path / 'new/folder/x.log').as_posix()}'")).problems == []
    assert not (tmp_path / "new").exists()


async def test_a_file_that_is_not_a_store_is_a_problem(look: Check, tmp_path: Path) -> None:
    (tmp_path / "store.sqlite3").write_text("this is no database at all, but some text of mine\n" * 99)
    (line,) = (await look()).problems
    assert "damaged" in line


async def test_the_wrong_key_for_the_store_is_a_problem(look: Check, store_url: str) -> None:
    async with Store.open(store_url, [new_key()]) as store:
        await store.put_login("alice", CLIENT_ID, TokenPair("access", "refresh"), "1")
    for key in ("", new_key()):
        (line,) = (await look(COLORCHANGER_STORAGE__KEY=key)).problems
        assert "storage.key" in line


@pytest.mark.parametrize(("content", "why"), [(None, "cannot be read"), ("[", "not JSON"), ("{}", "no accounts")])
async def test_an_invalid_file_of_another_program_is_a_problem(
    content: str | None, why: str, look: Check, tmp_path: Path
) -> None:
    file = tmp_path / "twitch_colorchanger.conf"
    if content is not None:
        file.write_text(content)
    (line,) = (await look(TWITCH_CONF_FILE=str(file))).problems
    assert line.startswith(f"TWITCH_CONF_FILE: {file}")
    assert why in line


# Advice


@pytest.mark.parametrize(
    ("color", "theme", "where"),
    [
        ("#000000", "both", "the dark theme"),
        ("#FFFFFF", "both", "the light theme"),
        ("#777777", "both", ""),
        ("#000000", "dark", "the dark theme"),
        ("#000000", "light", ""),
        ("#000000", "any", ""),
    ],
)
async def test_a_colour_that_is_hard_to_read_is_reported_with_its_theme(
    color: str, theme: str, where: str, look: Check
) -> None:
    text = f'[color]\nstrategy = "hold"\nbase = "{color}"\ntheme = "{theme}"'
    hard = [line for line in (await look(text)).advice if "hard to read" in line]
    assert [f"{color} is hard to read on {where}; the nearest colour that" in line for line in hard] == [True] * bool(
        where
    )


def test_a_colour_can_be_hard_to_read_on_both_themes() -> None:
    settings = Settings.of({"color": {"base": "#777777", "strategy": "hold", "min_contrast": 4.2}})
    (line,) = settings.advice()
    assert line.startswith("color: #777777 is hard to read on the dark theme; ")


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("color.colors = ['red']", 'line 1: color.colors is not used by the strategy "random", only by palette or'),
        ("[color]\nstep = 30", 'line 2: color.step is not used by the strategy "random", only by rainbow'),
        ("commands.owner = 'bob'", 'line 1: commands.owner is not used: add "owner" to commands.allow'),
        ("[web]\nport = 80", "line 1: web is not used: there is no page without web.enabled = true"),
        (
            "[color]\nstrategy = 'hold'\nbase = 'red'\n[[accounts]]\nlogin = 'a'\ncolor.period = 'clock'",
            'line 6: accounts[a].color.period is not used by the strategy "hold", only by daily',
        ),
    ],
)
async def test_a_value_that_has_no_effect_is_reported(text: str, advice: str, look: Check) -> None:
    (line,) = [line for line in (await look(text)).advice if "not used" in line]
    assert line.startswith(f"config.toml, {advice}")


@pytest.mark.parametrize(
    "text",
    [
        "color.colors = []\ncolor.order = 'sequence'",
        "[color]\ncolors = ['red']\n[[accounts]]\nlogin = 'a'\ncolor.strategy = 'palette'",
        "[commands]\nowner = 'bob'\nallow = ['self', 'owner']",
        "[web]\nenabled = true\nport = 80",
    ],
)
async def test_defaults_and_values_that_an_account_uses_are_not_reported(text: str, look: Check) -> None:
    assert [line for line in (await look(text)).advice if "not used" in line] == []
