"""Settings: where they come from, what they mean, and the messages when they are wrong."""

from __future__ import annotations

import codecs
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from colorchanger_bot.color import STRATEGIES, Color, Plan
from colorchanger_bot.errors import ConfigError
from colorchanger_bot.redaction import Secret, one_line
from colorchanger_bot.settings.keys import leaf_keys
from colorchanger_bot.settings.load import load
from colorchanger_bot.settings.model import (
    Account,
    AppSettings,
    ColorSettings,
    CommandSettings,
    LogSettings,
    StorageSettings,
)
from colorchanger_bot.settings.settings import Settings
from colorchanger_bot.settings.show import masked
from colorchanger_bot.settings.types import Distance, Switch
from colorchanger_bot.vault import new_key
from tests.settings.conftest import Loader, Problems

TOKEN = "abcdefghijklmnopqrstuvwxyz0123"


def _run(script: str, **environ: str) -> str:
    """Run Python in a new process and return its output."""
    command = [sys.executable, "-c", script]
    env = {**os.environ, **environ}
    return subprocess.run(command, env=env, check=True, capture_output=True, text=True, timeout=30).stdout.strip()


# Which file


def test_without_a_file_and_variables_the_defaults_apply(read: Loader) -> None:
    settings = read()
    assert settings == Settings()
    assert settings.source is None


def test_the_file_of_the_working_directory_is_read(read: Loader, tmp_path: Path) -> None:
    settings = read("[color]\ntheme = 'dark'")
    assert settings.color.theme == "dark"
    assert settings.source == tmp_path / "config.toml"


def test_the_file_of_the_user_is_read_when_the_working_directory_has_none(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "config.toml").write_text("[color]\nenabled = false")
    settings = load(environ={}, cwd=tmp_path, config_dir=home)
    assert settings.color.enabled is False
    assert settings.source == home / "config.toml"


def test_the_argument_overrides_the_variable_and_that_the_directories(tmp_path: Path) -> None:
    for name in ("config", "argument", "variable"):
        (tmp_path / f"{name}.toml").write_text(f'[commands]\nname = "{name}"')
    environ = {"COLORCHANGER_CONFIG": "variable.toml"}
    assert load(environ={}, cwd=tmp_path).commands.name == "config"
    assert load(environ=environ, cwd=tmp_path).commands.name == "variable"
    assert load(Path("argument.toml"), environ=environ, cwd=tmp_path).commands.name == "argument"


def test_a_named_file_that_does_not_exist_is_a_problem(problems: Problems) -> None:
    assert problems(COLORCHANGER_CONFIG="missing.toml") == [
        "missing.toml: there is no such file; make one with: colorchanger config init"
    ]


def test_a_byte_order_mark_is_accepted(tmp_path: Path, read: Loader) -> None:
    (tmp_path / "config.toml").write_bytes(codecs.BOM_UTF8 + b"[color]\r\nenabled = false\r\n")
    assert read().color.enabled is False


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"[color]\nname = \xff", "config.toml: byte 16 is not UTF-8; save the file as UTF-8"),
        ("[color]".encode("utf-16-le"), "config.toml: it has null characters, as UTF-16 without a byte order mark"),
        (b"#" * (17 << 20), "config.toml: cannot be read (it is larger than 16 MB)"),
        (b"[color]\ntheme = dark", "config.toml, line 2, column 9: this is not TOML (Invalid value)"),
        (b"[color]\n[color]", "config.toml, line 2, column 7: this is not TOML (Cannot declare"),
        (b"a = [1,", "config.toml, end of document: this is not TOML (Invalid value)"),
        (b"a = " + 6000 * b"9", "config.toml: this is not TOML (Exceeds the limit"),
        (b"a = " + 9000 * b"[", "config.toml"),
    ],
    ids=["latin-1", "no mark", "huge", "no quotes", "twice", "unfinished", "huge number", "deep"],
)
def test_a_file_that_is_not_toml_is_one_line_with_the_place(
    content: bytes, problem: str, tmp_path: Path, problems: Problems
) -> None:
    (tmp_path / "config.toml").write_bytes(content)
    found = problems()
    assert len(found) == 1
    assert found[0].startswith(problem)


def test_a_directory_is_not_a_settings_file(tmp_path: Path, problems: Problems) -> None:
    (tmp_path / "config.toml").mkdir()
    assert problems() == ["config.toml: cannot be read (it is a directory); name a text file that this user may read"]


def test_a_broken_file_does_not_hide_broken_variables(problems: Problems) -> None:
    found = problems("nonsense", COLORCHANGER_COLOR__THEME="drak")
    assert len(found) == 2
    assert found[1] == 'COLORCHANGER_COLOR__THEME = "drak": did you mean dark?'


# Which value


def test_a_given_environment_replaces_that_of_the_process(read: Loader) -> None:
    before = dict(os.environ)
    read("[color]\nenabled = false", COLORCHANGER_LOG__LEVEL="DEBUG")
    assert dict(os.environ) == before


def test_without_a_given_environment_that_of_the_process_is_read(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("[color]\ncooldown = 7")
    chosen = {"COLORCHANGER_CONFIG": str(tmp_path / "mine.toml"), "COLORCHANGER_COLOR__THEME": "light"}
    script = "from colorchanger_bot.settings.load import load; color = load().color; print(color.theme, color.cooldown)"
    assert _run(script, **chosen) == "light 7.0"


def test_a_variable_overrides_one_key_of_the_file(read: Loader) -> None:
    color = read('[color]\ntheme = "dark"\ncooldown = 5', COLORCHANGER_COLOR__THEME="light").color
    assert (color.theme, color.cooldown) == ("light", 5.0)


def test_variables_are_read_in_any_case_and_empty_ones_count_as_unset(read: Loader) -> None:
    color = read(colorchanger_color__theme="DARK", COLORCHANGER_COLOR__COOLDOWN="").color
    assert (color.theme, color.cooldown) == ("dark", 0.0)


def test_the_usual_spelling_of_a_variable_takes_precedence(read: Loader) -> None:
    spellings = {"COLORCHANGER_COLOR__THEME": "dark", "colorchanger_color__theme": "light"}
    assert read(**spellings).color.theme == "dark"
    assert read(**dict(reversed(spellings.items()))).color.theme == "dark"


@pytest.mark.parametrize("text", ["red,#ff8800", " red , #f80 ,", '["red", "#FF8800"]', "'red,#ff8800'"])
def test_lists_in_variables_are_json_or_separated_by_commas(text: str, read: Loader) -> None:
    assert read(COLORCHANGER_COLOR__COLORS=text).color.colors == (Color.parse("red"), Color.parse("#ff8800"))


@pytest.mark.parametrize(
    ("text", "expected"), [("1,3", (1.0, 3.0)), ("[1, 3]", (1.0, 3.0)), ("2", (2.0, 2.0)), ("[0.5]", (0.5, 0.5))]
)
def test_a_delay_in_a_variable_is_one_number_or_two(text: str, expected: tuple[float, float], read: Loader) -> None:
    assert read(COLORCHANGER_COLOR__DELAY=text).color.delay == expected


@pytest.mark.parametrize(("text", "expected"), [("2", (2.0, 2.0)), ("[1, 3.5]", (1.0, 3.5)), ("0", (0.0, 0.0))])
def test_a_delay_in_the_file_is_one_number_or_two(text: str, expected: tuple[float, float], read: Loader) -> None:
    assert read(f"color.delay = {text}").color.delay == expected


def test_debug_and_log_variables_are_short_forms_and_the_long_ones_take_precedence(read: Loader) -> None:
    assert read(DEBUG="true", LOG_FORMAT="json", LOG_FILE="a.log").log == LogSettings(
        level="DEBUG", format="json", file="a.log"
    )
    assert read("log.level = 'ERROR'", DEBUG="0").log.level == "ERROR"
    assert read(DEBUG="1", COLORCHANGER_LOG__LEVEL="warning").log.level == "WARNING"


def test_values_of_debug_meant_for_other_programs_are_ignored(read: Loader) -> None:
    assert read(DEBUG="express:*").log.level == "INFO"


def test_kubernetes_variables_of_a_service_of_our_name_are_ignored(read: Loader) -> None:
    read(
        COLORCHANGER_SERVICE_HOST="10.0.0.1",
        COLORCHANGER_SERVICE_PORT_HTTP="80",
        COLORCHANGER_PORT="tcp://10.0.0.1:80",
        COLORCHANGER_PORT_80_TCP_ADDR="10.0.0.1",
    )


@pytest.mark.parametrize("name", ["COLORCHANGER_APP__CLIENT_SECRET", "colorchanger_app__client_secret"])
def test_secrets_are_read_from_files_named_like_variables(name: str, tmp_path: Path, read: Loader) -> None:
    (tmp_path / name).write_text(" s3cret\n")
    (tmp_path / "twitch_access_token_1").write_text(f"oauth:{TOKEN}\n")
    (tmp_path / "of_another_program").write_bytes(b"\xff")
    settings = read(COLORCHANGER_SECRETS_DIR=str(tmp_path))
    assert settings.app.client_secret.reveal() == "s3cret"
    assert settings.accounts[0].access_token.reveal() == TOKEN
    wins = read(COLORCHANGER_SECRETS_DIR=str(tmp_path), COLORCHANGER_APP__CLIENT_SECRET="variable")
    assert wins.app.client_secret.reveal() == "variable"


def test_problems_of_secret_files_name_the_file(tmp_path: Path, problems: Problems) -> None:
    (tmp_path / "COLORCHANGER_APP__CLIENT_SECRET").write_bytes(b"\xff")
    (tmp_path / "colorchanger_app__client_id").write_text("changeme")
    assert problems(COLORCHANGER_SECRETS_DIR=str(tmp_path)) == [
        f"{tmp_path / 'COLORCHANGER_APP__CLIENT_SECRET'}: this is not UTF-8 text; write the bare value into it",
        f'{tmp_path / "colorchanger_app__client_id"}: "changeme" is a placeholder; '
        "put the client id of your Twitch application there",
    ]
    (line,) = problems(COLORCHANGER_SECRETS_DIR=str(tmp_path / "missing"))
    assert line.startswith("COLORCHANGER_SECRETS_DIR = ")


# Accounts


def test_numbered_variables_make_accounts_and_gaps_are_fine(read: Loader) -> None:
    settings = read(
        TWITCH_USERNAME_1="Alice",
        TWITCH_ACCESS_TOKEN_1=f"oauth:{TOKEN}",
        TWITCH_REFRESH_TOKEN_1="refresh1",
        TWITCH_CLIENT_ID_1="client1",
        TWITCH_CLIENT_SECRET_1="secret1",
        TWITCH_CHANNELS_1="#Alice, bob,,#alice",
        USE_RANDOM_COLORS_1="false",
        TWITCH_USERNAME_9999="zoe",
        USE_RANDOM_COLORS_9999="True",
        TWITCH_USERNAME_10000="not_one_of_ours",
        TWITCH_USERNAME_01="neither",
    )
    alice, zoe = settings.accounts
    assert (alice.login, alice.channels, alice.client_id) == ("alice", ("alice", "bob"), "client1")
    assert [*filter(None, settings.secrets())] == [TOKEN, "refresh1", "secret1"]
    assert (settings.color_for("alice").strategy, settings.color_for("ZOE").strategy) == ("presets", "random")
    assert zoe.login == "zoe"


def test_a_numbered_account_completes_the_one_of_the_file(read: Loader) -> None:
    settings = read(
        '[[accounts]]\nlogin = "Bob"\nchannels = ["a"]\n[accounts.color]\ncooldown = 9',
        TWITCH_USERNAME_2="BOB",
        TWITCH_ACCESS_TOKEN_2=TOKEN,
        TWITCH_CHANNELS_2="b",
        USE_RANDOM_COLORS_2="no",
    )
    (bob,) = settings.accounts
    assert (bob.login, bob.channels, bob.access_token.reveal()) == ("bob", ("b",), TOKEN)
    assert (settings.color_for("bob").cooldown, settings.color_for("bob").strategy) == (9.0, "presets")


def test_a_token_without_a_name_gets_its_login_later(read: Loader) -> None:
    settings = read(
        '[[accounts]]\nlogin = "bob"\n[accounts.color]\ncooldown = 9',
        TWITCH_ACCESS_TOKEN_1=TOKEN,
        USE_RANDOM_COLORS_1="false",
    )
    nameless = settings.accounts[1]
    assert settings.color_for(nameless).strategy == "presets"
    for login, cooldown, count in (("Bob", 9.0, 1), ("alice", 0.0, 2)):
        named = settings.with_login(nameless, login)
        account = named.account(login)
        assert account
        assert account.access_token.reveal() == TOKEN
        assert (named.color_for(login).strategy, named.color_for(login).cooldown) == ("presets", cooldown)
        assert len(named.accounts) == count


def test_an_account_inherits_from_color(read: Loader) -> None:
    settings = read('[color]\ntheme = "dark"\ncooldown = 5\n[[accounts]]\nlogin = "bob"\ncolor.cooldown = 0')
    assert settings.color_for("bob") == settings.color.override({"cooldown": 0})
    assert settings.color_for("stranger") is settings.color


def test_a_strategy_of_an_account_may_use_the_colours_of_color(read: Loader) -> None:
    settings = read('[color]\ncolors = ["red"]\n[[accounts]]\nlogin = "bob"\ncolor.strategy = "palette"')
    assert settings.color_for("bob").plan().colors == (Color.parse("red"),)


def test_accounts_of_several_applications_run_side_by_side(read: Loader) -> None:
    settings = read(
        '[app]\nclient_id = "main"\nclient_secret = "s0"',
        TWITCH_USERNAME_1="a",
        TWITCH_CLIENT_ID_1="other",
        TWITCH_USERNAME_2="b",
        TWITCH_CLIENT_SECRET_2="s2",
    )
    assert settings.app_for("a") == AppSettings.of({"client_id": "other"})
    assert settings.app_for("b") == AppSettings.of({"client_id": "main", "client_secret": "s2"})
    assert settings.app_for("stranger") is settings.app


def test_a_number_without_name_and_token_is_a_problem(problems: Problems) -> None:
    assert problems(TWITCH_CHANNELS_5="a") == [
        "TWITCH_CHANNELS_5: set TWITCH_USERNAME_5 or TWITCH_ACCESS_TOKEN_5 as well, or remove it"
    ]


def test_an_account_that_is_listed_twice_is_a_problem(problems: Problems) -> None:
    twice = '[[accounts]]\nlogin = "bob"\n[[accounts]]\nlogin = "BOB"'
    assert problems(twice) == [
        'config.toml, line 4: accounts[bob].login = "bob": this account is listed twice; remove one'
    ]
    assert problems("", TWITCH_USERNAME_1="bob", TWITCH_USERNAME_3="Bob") == [
        'TWITCH_USERNAME_3 = "bob": TWITCH_USERNAME_1 is the same account; remove one'
    ]


@pytest.mark.parametrize("entry", ["", 'login = ""', 'channels = ["a"]'])
def test_an_account_without_a_login_is_a_problem(entry: str, problems: Problems) -> None:
    line = 2 if "login" in entry else 1
    assert problems(f"[[accounts]]\n{entry}") == [
        f'config.toml, line {line}: accounts[1].login is missing: write login = "yourname" below [[accounts]]'
    ]


def test_tokens_are_not_read_from_the_file(problems: Problems) -> None:
    (line,) = problems(f'[[accounts]]\nlogin = "bob"\naccess_token = "{TOKEN}"')
    assert line == (
        "config.toml, line 3: accounts[bob].access_token does not belong in this file; "
        "remove it and run: colorchanger login (or set TWITCH_ACCESS_TOKEN_1)"
    )


# What is wrong

DELAY = "write seconds from 0 to 3600: one number, or two such as [1.0, 3.0]"
NAME = "write a Twitch name: letters from a to z, digits and _, at most 25"
HTTP = "write an address that begins with https:// or http://"
BRACKETS = "write [[accounts]], with two brackets, above the keys of each account"
REAL = "put the real token there, or remove it and run: colorchanger login"
COPY = "this has spaces or letters that Twitch does not use; copy it again"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "color.delay = [3.0, 1.0]",
            "color.delay = [3.0, 1.0]: the first number is larger than the second; write [1.0, 3.0]",
        ),
        ("color.delay = -1", f"color.delay = -1: {DELAY}"),
        ("color.delay = [1, 2, 3]", f"color.delay = [1, 2, 3]: {DELAY}"),
        ("color.delay = [1, 9999]", f"color.delay = 9999: {DELAY}"),
        ("color.delay = true", f"color.delay = true: {DELAY}"),
        ("color.cooldown = nan", "color.cooldown = nan: write seconds from 0 to 3600, such as 2.5"),
        ("color.cooldown = inf", "color.cooldown = inf: write seconds from 0 to 3600, such as 2.5"),
        ("color.min_step = nan", "color.min_step = nan: write a number such as 0.15"),
        ("color.strategie = 'x'", "color.strategie is not a known setting: did you mean color.strategy?"),
        ("delay = 3", "delay belongs under [color]: move it there"),
        ("[colour]", "colour is not a known setting: did you mean color?"),
        ("zzz.qqq = 1", "zzz is not a known setting: remove it, or see: colorchanger config example"),
        ("color.strategy = 'rainbows'", 'color.strategy = "rainbows": did you mean rainbow?'),
        ("color.theme = 'blue'", 'color.theme = "blue": write "both" or "dark" or "light" or "any"'),
        ("color.colors = ['red', 'blu']", 'color.colors = "blu": not a known colour: did you mean blue?'),
        ("color.colors = ['#12']", 'color.colors = "#12": not a known colour: write a name or "#rrggbb"'),
        ("color.base = 3", 'color.base = 3: write a colour in quotes, such as "blue_violet" or "#8a2be2"'),
        ("color.strategy = 'palette'", "color.colors: palette needs at least 1, and has 0"),
        ("color = 5", "color = 5: write [color] above its keys"),
        ("accounts.login = 'bob'", f"accounts = {{...}}: {BRACKETS}"),
        ("accounts = ['bob']", f"accounts[1] = ***: {BRACKETS}"),
        (
            "app.client_id = '<client id>'",
            'app.client_id: "<client id>" is a placeholder; put the client id of your Twitch application there',
        ),
        ("app.client_secret = 'a b'", f"app.client_secret = ***: {COPY}"),
        ("app.client_secret = 7", "app.client_secret = ***: write the client secret in quotes"),
        (
            "commands.prefix = '! '",
            'commands.prefix = "! ": write one word of at most 25 visible characters, without spaces',
        ),
        (
            "commands.name = 'co\u200blor'",
            'commands.name = "co\u200blor": write one word of at most 25 visible characters, without spaces',
        ),
        (
            "cogs.load = ['../x']",
            'cogs.load = "../x": write the dotted name of a Python module, such as "my_bot.cogs.greeter"',
        ),
        (
            "storage.url = 'x'",
            'storage.url = ***: write sqlite:///path, or postgresql://user@machine/database, or "" for the usual place',
        ),
        ("twitch.api_url = 'ftp://x'", f'twitch.api_url = "ftp://x": {HTTP}'),
        ("twitch.id_url = 'http://u:p@x'", f'twitch.id_url = "http://u:p@x": {HTTP}'),
        ("twitch.id_url = 'http://x:y'", f'twitch.id_url = "http://x:y": {HTTP}'),
        (
            "twitch.eventsub_url = 'https://x'",
            'twitch.eventsub_url = "https://x": write an address that begins with wss:// or ws://',
        ),
        ("log.level = 'LOUD'", 'log.level = "LOUD": write "DEBUG" or "INFO" or "WARNING" or "ERROR"'),
        ("[[accounts]]\nlogin = 'a b'", f'accounts[a b].login = "a b": {NAME}'),
        (
            "[[accounts]]\nlogin = 'yourname'",
            'accounts[yourname].login: "yourname" is a placeholder; put the name of your Twitch account there',
        ),
        (
            "[[accounts]]\nlogin = 'bob'\nchannels = ['a', '#']",
            'accounts[bob].channels = "#": write the name of a channel, or take it out of the list',
        ),
        (
            "[[accounts]]\nlogin = 'bob'\nchanels = []",
            "accounts[bob].chanels is not a known setting: did you mean accounts[bob].channels?",
        ),
        (
            "[[accounts]]\nlogin = 'bob'\nname = 'bob'",
            "accounts[bob].name is not a known setting: did you mean accounts[bob].login?",
        ),
        (
            "[[accounts]]\nlogin = 'bob'\ncolor.thema = 1",
            "accounts[bob].color.thema is not a known setting: did you mean accounts[bob].color.theme?",
        ),
    ],
)
def test_a_problem_names_file_key_value_and_advice(text: str, problem: str, problems: Problems) -> None:
    assert problems(text) == [f"config.toml, line {text.count(chr(10)) + 1}: {problem}"]


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("COLORCHANGER_COLOR__DELAY", "3,1", ' = "3,1": the first number is larger than the second; write [1.0, 3.0]'),
        ("COLORCHANGER_COLOR__COLORS", 9000 * "[", f' = "{56 * "["}...: this is not a list; write a, b or ["a", "b"]'),
        ("COLORCHANGER_COLOR__COLORS", "[red]", ' = "[red]": this is not a list; write a, b or ["a", "b"]'),
        ("COLORCHANGER_COLOR__STRATEGIE", "x", " is not a known variable: did you mean COLORCHANGER_COLOR__STRATEGY?"),
        ("COLORCHANGER_DELAY", "1", " is not a known variable: did you mean COLORCHANGER_COLOR__DELAY?"),
        ("COLORCHANGER_ZZZZZZZZZZZZZZZZZZZZZZZZZ", "1", " is not a known variable: remove it"),
        ("COLORCHANGER_LOG__LEVEL", "debgu", ' = "debgu": did you mean DEBUG?'),
        ("LOG_FORMAT", "xml", ' = "xml": write "pretty" or "json"'),
        ("TWITCH_USERNAME_1", "bob smith", f' = "bob smith": {NAME}'),
        ("TWITCH_ACCESS_TOKEN_1", "your_token_here", f': "your_token_here" is a placeholder; {REAL}'),
        ("TWITCH_ACCESS_TOKEN_1", "oauth:xxxxxx", f': "oauth:xxxxxx" is a placeholder; {REAL}'),
        ("TWITCH_ACCESS_TOKEN_1", "abc def", f" = ***: {COPY}"),
    ],
)
def test_a_problem_of_a_variable_names_the_variable(name: str, text: str, problem: str, problems: Problems) -> None:
    (line,) = problems("", **{name: text})
    assert line == f"{name}{problem}"


@pytest.mark.parametrize(
    "text",
    [
        "your_token_here",
        "YOUR-TOKEN-HERE",
        "your access token",
        "yourtokenhere",
        "changeme",
        "change_me",
        "xxx",
        "<token>",
        "${TOKEN}",
        "...",
        "insert_token",
        "token_goes_here",
        "placeholder",
        "access_token",
        "***",
    ],
)
def test_placeholders_are_recognised(text: str, problems: Problems) -> None:
    (line,) = problems(TWITCH_ACCESS_TOKEN_1=text)
    assert " is a placeholder; " in line


@given(token=st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=30, max_size=30))
def test_a_real_token_is_not_taken_for_a_placeholder(token: str) -> None:
    account = Account.of({"access_token": token, "client_id": token, "client_secret": token})
    assert account.access_token.reveal() == account.client_id == token


def test_all_problems_are_reported_at_once(problems: Problems) -> None:
    text = 'color.cooldown = -1\ncolour = 1\n[[accounts]]\nlogin = "bob"\n[[accounts]]\nlogin = "bob"\nchannels = [""]'
    environ = {"TWITCH_ACCESS_TOKEN_1": "changeme", "COLORCHANGER_X": "1", "LOG_FORMAT": "x"}
    keys = ("1: color.cooldown", "2: colour", "6: accounts[bob].login", "7: accounts[bob].channels")
    found = "\n".join(problems(text, **environ))
    for place in (*(f"config.toml, line {key}" for key in keys), *environ):
        assert place in found


def test_values_of_an_account_that_conflict_are_reported_where_they_are(problems: Problems) -> None:
    text = '[color]\nmin_contrast = 5\n[[accounts]]\nlogin = "bob"\ncolor.strategy = "gradient"'
    of_color, of_bob = problems(text)
    assert of_color.startswith("config.toml, line 2: color.min_contrast: 5 is not from 1 to 4.2")
    assert of_bob == "config.toml, line 5: accounts[bob].color.colors: gradient needs at least 2, and has 0"
    assert problems('[[accounts]]\nlogin = "bob"\ncolor.min_contrast = 5')[0].startswith(
        "config.toml, line 3: accounts[bob].color.min_contrast: 5 is not from 1 to 4.2"
    )


NO_KEY = "storage.key is empty, and the logins of a community must be encrypted; run: colorchanger key new"


def test_a_community_needs_a_channel(problems: Problems) -> None:
    (line,) = problems("[community]\nenabled = true")
    assert line == (
        "config.toml, line 1: community.channel is missing: community.enabled needs a channel; "
        'write channel = "thelogin" below [community]'
    )


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("most = 0", "community.most = 0: write a whole number from 1 to 100000"),
        ("most = true", "community.most = true: write a whole number from 1 to 100000"),
        ('channel = "two words"', "write a Twitch name"),
        ('allow = [""]', "write the Twitch name of a viewer, or take it out of the list"),
        ("block = 3", 'write a list of Twitch names such as ["afriend", "another"]'),
    ],
)
def test_a_wrong_value_of_a_community_is_explained(text: str, line: str, problems: Problems) -> None:
    (problem,) = problems(f"[community]\n{text}")
    assert line in problem


def test_names_of_a_community_are_read_as_people_write_them(read: Loader) -> None:
    text = '[community]\nenabled = true\nchannel = "#TheChannel"\nallow = ["@Bob", "bob", "Eve"]\nblock = "eve"'
    community = read(text).community
    assert (community.channel, community.allow, community.block) == ("thechannel", ("bob", "eve"), ("eve",))
    assert [community.bar(each) for each in ("bob", "eve", "ann")] == ["", "blocked", "not allowed"]


def test_a_community_without_a_key_is_an_obstacle(read: Loader) -> None:
    text = '[community]\nenabled = true\nchannel = "me"'
    (line,) = read(text).obstacles()
    assert line == f"config.toml: {NO_KEY}"
    assert [*read(text, COLORCHANGER_STORAGE__KEY=new_key()).obstacles()] == []
    assert [*read("").obstacles()] == []


def test_a_community_that_is_off_and_set_up_is_said(read: Loader) -> None:
    (line,) = read('[community]\nchannel = "me"').advice()
    assert line.endswith("community is not used: nobody can join without community.enabled = true")


def _values() -> st.SearchStrategy[Any]:
    scalar = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
    return scalar | st.lists(scalar, max_size=3) | st.dictionaries(st.text(max_size=5), scalar, max_size=2)


JARGON = ("Input should", "pydantic", "validation", "Traceback", "NoneType", "object at", "class")


@given(data=st.data())
def test_no_value_of_any_key_leads_to_jargon_or_a_crash(data: st.DataObject) -> None:
    key, _ = data.draw(st.sampled_from([*leaf_keys(ColorSettings)]))
    try:
        ColorSettings().override({str(key[0]): data.draw(_values())})
    except ConfigError as error:
        for line in error.problems:
            assert line.startswith(f"color.{key[0]}") or "strategy" in line or "needs" in line
            assert not [word for word in JARGON if word in line]
            assert one_line(line) == line


@pytest.mark.parametrize("key", [key for key, _ in leaf_keys(Settings) if key[0] != "accounts"])
def test_every_key_has_plain_advice(key: tuple[str, str], problems: Problems) -> None:
    for line in problems(f"{key[0]}.{key[1]} = [{{}}, 1979-05-27, -1]"):
        place, _, advice = line.partition(": write ")
        assert place.startswith(f"config.toml, line 1: {key[0]}.{key[1]} = ")
        assert advice
        assert not [word for word in JARGON if word in line]


@pytest.mark.parametrize("key", ["delay", "cooldown", "min_step", "steps", "colors", "enabled"])
@pytest.mark.parametrize("value", ["0x" + 5000 * "f", "-1e400", "[[[]]]", "1979-05-27T07:32:00Z"])
def test_numbers_of_any_size_are_refused_in_one_line(key: str, value: str, problems: Problems) -> None:
    (line,) = problems(f"color.{key} = {value}")
    assert line.startswith(f"config.toml, line 1: color.{key} = ")
    assert len(line) < 200


def _toml(value: object) -> str:
    """Write a value as TOML, tables inline."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {_toml(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value) if isinstance(value, str | bool | int) else str(value)


_names = st.sampled_from(sorted({str(part) for key, _ in leaf_keys(Settings) for part in key})) | st.text(
    "ab", max_size=3
)
_anything = st.recursive(
    st.booleans() | st.integers(-9, 9999) | st.floats() | st.text("ab#,[]@:/ é", max_size=6) | _names,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_names, inner, max_size=4),
    max_leaves=12,
)


@given(tree=st.dictionaries(_names, _anything, max_size=5), token=st.booleans())
def test_any_file_gives_settings_or_plain_lines(
    tree: dict[str, Any], token: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.toml"
    path.write_text("".join(f"{key or 'x'} = {_toml(value)}\n" for key, value in tree.items()), "utf-8")
    environ = {"TWITCH_USERNAME_1": "ab", "TWITCH_CHANNELS_1": "a", "USE_RANDOM_COLORS_1": "true"} if token else {}
    try:
        settings, lines = load(path, environ=environ), [""]
    except ConfigError as error:
        settings, lines = None, error.problems
    assert lines
    for line in lines:
        assert one_line(line) == line
        assert not [word for word in JARGON if word in line]
    if settings:
        assert json.loads(json.dumps(masked(settings)))


def test_a_command_has_each_name_once(read: Loader) -> None:
    commands = read('[commands]\nprefix = "C!"\nname = "Color"\naliases = ["color", "c", "C"]').commands
    assert (commands.prefix, commands.names) == ("C!", ("color", "c"))


def test_hostile_values_stay_on_their_line(problems: Problems) -> None:
    for line in problems('"a\\nb" = 1\n[color]\ntheme = "\\u001b[31m\\nconfig.toml: fine\\u202e"'):
        assert one_line(line) == line


# What is shown


def test_secrets_are_never_shown(read: Loader) -> None:
    environ = {
        "COLORCHANGER_APP__CLIENT_SECRET": "SECRETsecret",
        "COLORCHANGER_STORAGE__URL": "postgresql+asyncpg://me:SECRETpassword@db/colors",
        "TWITCH_USERNAME_1": "bob",
        "TWITCH_ACCESS_TOKEN_1": "SECRETaccess",
        "TWITCH_REFRESH_TOKEN_1": "SECRETrefresh",
        "TWITCH_CLIENT_SECRET_1": "SECRETother",
    }
    settings = read(**environ)
    assert {secret for secret in settings.secrets() if secret} == {
        *("SECRETsecret", "SECRETpassword", "SECRETaccess", "SECRETrefresh", "SECRETother")
    }
    for text in (str(settings), repr(settings), str(masked(settings))):
        assert "SECRET" not in text
    shown = masked(settings)
    assert shown["app"]["client_secret"] == "***"
    assert shown["storage"]["url"] == "postgresql+asyncpg://me:***@db/colors"
    assert shown["accounts"][0]["access_token"] == "***"
    assert masked(read())["app"]["client_secret"] == ""


def test_masked_settings_show_only_an_accounts_own_keys(read: Loader) -> None:
    shown = masked(read('[[accounts]]\nlogin = "bob"\ncolor.colors = ["#f80"]'))
    assert shown["accounts"][0]["color"] == {"colors": ["#FF8800"]}
    assert shown["color"]["delay"] == [1.0, 3.0]


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError):
        Settings().color.enabled = False  # pyright: ignore[reportAttributeAccessIssue]


# Colours


def test_the_plan_has_every_key_of_the_colour_engine() -> None:
    color = ColorSettings(strategy="gradient", colors=(Color.parse("red"), Color.parse("blue")), steps=7)
    expected = Plan(strategy="gradient", colors=(Color.parse("red"), Color.parse("blue")), steps=7)
    assert color.plan() == expected


@pytest.mark.parametrize("strategy", [*STRATEGIES])
def test_every_strategy_can_be_chosen(strategy: str) -> None:
    keys: Mapping[str, Any] = {"strategy": strategy, "colors": ["red", "blue"], "base": "red"}
    assert ColorSettings().override(keys).plan().strategy == strategy


def test_an_override_is_checked_as_a_whole() -> None:
    with pytest.raises(ConfigError, match=r"color\.colors: palette needs"):
        ColorSettings().override({"strategy": "palette"})
    with pytest.raises(ConfigError, match=r"color\.thema is not a known setting: did you mean color\.theme\?"):
        ColorSettings().override({"thema": "dark"})
    settings = ColorSettings(cooldown=3).override({"theme": "dark"}).override({"delay": 1})
    assert (settings.cooldown, settings.theme, settings.delay) == (3.0, "dark", (1.0, 1.0))


def test_importing_the_settings_reads_nothing_and_is_cheap() -> None:
    loaded = set(_run("import sys; import colorchanger_bot.settings.load; print(*sys.modules)").split())
    assert "colorchanger_bot.settings.load" in loaded
    assert not {"twitchio", "aiohttp", "asyncio", "sqlalchemy", "rich"} & loaded


def test_allowing_the_owner_needs_the_owners_name(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('[commands]\nallow = ["self", "owner"]\n', encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "config.toml", environ={}, cwd=tmp_path, config_dir=tmp_path)
    (problem,) = caught.value.problems
    assert "commands.owner is missing: commands.allow names the owner" in problem


# Settings in code


def test_a_table_makes_settings_as_the_file_does() -> None:
    settings = Settings.of({"color": {"delay": 2}, "accounts": [{"login": "Bob", "color": {"theme": "dark"}}]})
    assert settings.color.delay == (2.0, 2.0)
    assert settings.color_for("bob").theme == "dark"


def test_settings_made_by_type_are_checked_and_keep_their_secrets() -> None:
    assert Settings(color=ColorSettings(theme="dark")) == Settings.of({"color": {"theme": "dark"}})
    for make, said in (
        (lambda: Settings(color=ColorSettings(strategy="palette")), "color.colors: palette needs at least 1"),
        (lambda: CommandSettings(allow=("owner",)), "owner is missing"),
        (lambda: Settings(accounts=(Account(login="a"), Account(login="A"))), "this account is listed twice"),
        (lambda: AppSettings.model_validate({"client_secret": "s3 cret"}), "copy it again"),
        (lambda: StorageSettings(url="mysql://me:s3cret@db"), "mysql is not supported"),
    ):
        with pytest.raises(ValidationError) as caught:
            make()
        assert said in str(caught.value)
        assert "s3" not in str(caught.value) + repr(caught.value)


def test_a_copy_with_other_values_is_a_new_object() -> None:
    settings = Settings()
    dark = settings.model_copy(update={"color": settings.color.override({"theme": "dark"})})
    assert (settings.color.theme, dark.color.theme) == ("both", "dark")
    assert hash(settings) == hash(Settings()) != hash(dark)


@pytest.mark.parametrize("text", ["app.client_secret = 'oauth:'", "storage.key = ','", "storage.key = ' '"])
def test_a_secret_without_content_is_refused(text: str, problems: Problems) -> None:
    (line,) = problems(text)
    assert " = ***: " in line


def test_a_table_is_checked_as_the_file_is() -> None:
    with pytest.raises(ConfigError) as caught:
        Settings.of({"color": {"strategy": "palette", "thema": 1}, "accounts": [{"login": "a"}, {"login": "a"}]})
    assert caught.value.problems == [
        "color.thema is not a known setting: did you mean color.theme?",
        'accounts[a].login = "a": this account is listed twice; remove one',
    ]
    with pytest.raises(ConfigError, match=r"commands\.owner is missing"):
        Settings.of({"commands": {"allow": ["owner"]}})


@pytest.mark.parametrize(
    ("value", "read"),
    [
        *((value, True) for value in (True, 1, "1", "true", "Yes", " ON ", "y", "t")),
        *((value, False) for value in (False, 0, 0.0, "0", "FALSE", "no", "off", "n")),
    ],
)
def test_a_switch_is_read_in_every_usual_spelling(value: object, read: bool) -> None:
    assert TypeAdapter(Switch).validate_python(value) is read


@pytest.mark.parametrize("value", [2, -1, "2", "", "maybe", None, [], {}, float("nan")])
def test_anything_else_is_not_a_switch(value: object) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Switch).validate_python(value)


@given(value=st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53), 2**53))
def test_a_number_is_read_as_python_writes_it(value: float) -> None:
    number = TypeAdapter(Distance).validate_python
    assert number(value) == number(str(value)) == number(f" {value} ") == float(value)


def test_a_secret_is_shown_only_when_asked_for() -> None:
    secret = Secret("s3cret")
    assert f"{secret} {secret!r}" == "*** Secret('***')"
    assert secret.reveal() == "s3cret"
    assert (secret == Secret("s3cret"), secret == Secret("other"), secret == "s3cret") == (True, False, False)
    assert (bool(secret), bool(Secret()), str(Secret())) == (True, False, "")


@pytest.mark.parametrize("value", [2.5, "2.5", -1, 10_000, "ten", True, [1], 1e300])
def test_anything_but_a_whole_number_in_range_is_refused(value: object) -> None:
    with pytest.raises(ConfigError, match=r"color\.steps = .*: write a whole number such as 12"):
        ColorSettings().override({"steps": value})


def test_a_count_can_be_reset_to_none() -> None:
    assert ColorSettings(steps=7).override({"steps": None}).steps is None
    assert ColorSettings().override({"steps": "7"}).steps == ColorSettings().override({"steps": 7.0}).steps == 7


def test_each_wrong_item_of_a_list_is_named(problems: Problems) -> None:
    assert [line.partition(":")[2].strip() for line in problems("color.colors = ['blu', 'red', 7]")] == [
        'color.colors = "blu": not a known colour: did you mean blue?',
        'color.colors = 7: write a colour in quotes, such as "blue_violet" or "#8a2be2"',
    ]


def test_a_token_completes_an_account_and_keeps_its_settings(read: Loader) -> None:
    settings = read('[[accounts]]\nlogin = "bob"\nchannels = ["a"]\nfollow_live = true', TWITCH_ACCESS_TOKEN_1=TOKEN)
    bob = settings.with_login(settings.accounts[1], "bob").account("bob")
    assert bob
    assert (bob.channels, bob.follow_live, bob.access_token.reveal()) == (("a",), True, TOKEN)


def test_colour_settings_made_in_code_know_what_was_set() -> None:
    bob = Account(login="bob", color=ColorSettings(strategy="rainbow"))
    settings = Settings(color=ColorSettings(theme="dark", cooldown=5.0), accounts=(bob,))
    color = settings.color_for("bob")
    assert (color.strategy, color.theme, color.cooldown) == ("rainbow", "dark", 5.0)


def test_a_text_in_place_of_a_table_is_not_shown(problems: Problems) -> None:
    assert problems('web = "hunter2"') == ["config.toml, line 1: web = ***: write [web] above its keys"]


def test_a_key_must_be_a_text() -> None:
    with pytest.raises(ConfigError, match="1 is not a known setting"):
        Settings.of({1: 2})  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    "address", ["postgresql://u:a/b@h/db", "postgresql://u:a b@c@h/db", "postgresql://h/db?user=u&password=SECRET&x=1"]
)
def test_a_password_anywhere_in_an_address_is_not_shown(address: str, read: Loader) -> None:
    settings = read(COLORCHANGER_STORAGE__URL=address)
    shown_url = masked(settings)["storage"]["url"]
    hidden = [secret for secret in settings.secrets() if secret]
    assert len(hidden) == 1
    assert "***" in shown_url
    assert hidden[0] not in shown_url
    assert shown_url.replace("***", hidden[0]) == address


@pytest.mark.parametrize(
    "text", ["app = ['s3cret']", "web = 's3cret'", "accounts = [['s3cret']]", "accounts = 's3cret'"]
)
def test_a_value_in_place_of_a_table_is_not_shown(text: str, problems: Problems) -> None:
    (line,) = problems(text)
    assert "s3cret" not in line
    assert " = ***: write [" in line


def test_lists_of_any_depth_are_refused_in_one_line(problems: Problems) -> None:
    (line,) = problems("", COLORCHANGER_WEB__NAMES="[" * 900 + "]" * 900)
    assert line.startswith("COLORCHANGER_WEB__NAMES = [[[")


@pytest.mark.parametrize("text", ["t", "y", "maybe"])
def test_debug_of_other_programs_is_not_read(text: str, read: Loader) -> None:
    assert read(DEBUG=text).log.level == "INFO"


def test_an_impossible_path_is_a_problem(problems: Problems) -> None:
    (line,) = problems(COLORCHANGER_CONFIG="x" * 5000)
    assert "cannot be read" in line
