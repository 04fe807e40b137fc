"""`config show` prints a valid settings file, and says where each value came from."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from colorchanger_bot.settings.load import Settings, load
from colorchanger_bot.settings.show import as_toml, masked, origins
from tests.settings.conftest import Loader

_texts = st.text(st.characters(blacklist_categories=["Cs", "Cc"]), max_size=20)
_names = st.from_regex(r"[a-z0-9_]{1,25}", fullmatch=True).filter(lambda name: not name.startswith("your"))
_colors = st.sampled_from(["red", "#ff8800", "hot_pink"])
_accounts = st.fixed_dictionaries(
    {"login": _names},
    optional={
        "channels": st.lists(_names, max_size=2),
        "color": st.fixed_dictionaries({}, optional={"base": _colors, "cooldown": st.floats(0, 3600)}),
    },
)
_trees = st.fixed_dictionaries(
    {},
    optional={
        "color": st.fixed_dictionaries(
            {}, optional={"colors": st.lists(_colors, max_size=3), "delay": st.floats(0, 3600), "step": st.just(30)}
        ),
        "accounts": st.lists(_accounts, max_size=3, unique_by=lambda account: str(account["login"])),
        "log": st.fixed_dictionaries({"file": _texts}),
        "commands": st.fixed_dictionaries({"prefix": st.sampled_from(['"', "\\", "***", "é", "#"])}),
    },
)


@hypothesis_settings(deadline=None)
@given(tree=_trees)
def test_shown_settings_read_back_are_the_same(tree: dict[str, object]) -> None:
    settings = Settings.of(tree)
    for with_origins in (True, False):
        assert Settings.of(tomllib.loads(as_toml(settings, with_origins=with_origins))) == settings


def test_secrets_are_commented_out(read: Loader, tmp_path: Path) -> None:
    settings = read(
        '[app]\nclient_secret = "s3cret"\n[storage]\nurl = "postgresql://me:s3cret@db/colors"',
        TWITCH_USERNAME_1="bob",
        TWITCH_ACCESS_TOKEN_1="s3cret",
        TWITCH_CHANNELS_1="a,b",
        TWITCH_ACCESS_TOKEN_2="s3cret2",
    )
    text = as_toml(settings)
    assert "s3cret" not in text
    assert '# client_secret = "***"' in text
    assert '# url = "postgresql://me:***@db/colors"' in text
    (tmp_path / "again.toml").write_text(text, "utf-8")
    again = load(tmp_path / "again.toml", environ={})
    assert [(each.login, each.channels) for each in again.accounts] == [("bob", ("a", "b"))]


def test_the_file_is_named_and_each_value_has_its_origin(read: Loader, tmp_path: Path) -> None:
    settings = read(
        '[color]\ntheme = "dark"\n[[accounts]]\nlogin = "bob"\ncolor = { strategy = "hold", base = "red" }',
        LOG_FORMAT="json",
        COLORCHANGER_WEB__PORT="0",
        TWITCH_USERNAME_1="bob",
        TWITCH_CHANNELS_1="a",
    )
    lines = as_toml(settings, with_origins=True).splitlines()
    assert lines[0] == f"# {tmp_path / 'config.toml'}"
    for line in (
        'theme = "dark"  # line 2',
        'format = "json"  # LOG_FORMAT',
        "port = 0  # COLORCHANGER_WEB__PORT",
        'login = "bob"  # TWITCH_USERNAME_1',
        'channels = ["a"]  # TWITCH_CHANNELS_1',
        'strategy = "hold"  # line 5',
        'order = "sequence"  # default',
    ):
        assert line in lines
    assert origins(settings) == {
        "color.theme": "line 2",
        "log.format": "LOG_FORMAT",
        "web.port": "COLORCHANGER_WEB__PORT",
        "accounts[bob].login": "TWITCH_USERNAME_1",
        "accounts[bob].channels": "TWITCH_CHANNELS_1",
        "accounts[bob].color.strategy": "line 5",
        "accounts[bob].color.base": "line 5",
    }


def test_settings_as_json_are_json(read: Loader) -> None:
    settings = read('[[accounts]]\nlogin = "bob"\ncolor.colors = ["#f80"]')
    assert json.loads(json.dumps(masked(settings)))["accounts"][0]["color"] == {"colors": ["#FF8800"]}
