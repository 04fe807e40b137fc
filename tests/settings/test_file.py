"""The settings file: its encoding, the line of each mistake, and what people get wrong in TOML."""

from __future__ import annotations

import codecs
from pathlib import Path

import pytest

from colorchanger_bot.settings.file import decode
from tests.settings.conftest import Loader, Problems

TEXT = "[color]\r\ntheme = 'dark' # für später\r\n"
ENCODINGS = {
    "utf-8": TEXT.encode(),
    "utf-8 with a mark": codecs.BOM_UTF8 + TEXT.encode(),
    "utf-16-le": codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le"),
    "utf-16-be": codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"),
}


@pytest.mark.parametrize("content", ENCODINGS.values(), ids=ENCODINGS.keys())
def test_files_from_windows_and_elsewhere_are_read_alike(content: bytes, tmp_path: Path, read: Loader) -> None:
    (tmp_path / "config.toml").write_bytes(content)
    assert decode(content) == TEXT
    assert read().color.theme == "dark"


def test_a_truncated_character_is_not_text(tmp_path: Path, problems: Problems) -> None:
    (tmp_path / "config.toml").write_bytes(codecs.BOM_UTF16_LE + b"[")
    (line,) = problems()
    assert "save the file as UTF-8" in line


def test_each_mistake_has_its_line(problems: Problems) -> None:
    text = """\
# theme = "x"
[ color ]   # a comment
"theme" = "x"
colors = [
  "blu",
]
[[accounts]]
login = "a"
[[accounts]]
login = "bob"
color.strategy = "x"
[accounts.color]
delay = -1
[log] # level = 1
level = "x"
"""
    text = text.replace("[accounts.color]\ndelay = -1\n", '[[accounts]]\nlogin = "c"\n[accounts.color]\ndelay = -1\n')
    assert [line.partition(" = ")[0] for line in problems(text)] == [
        "config.toml, line 3: color.theme",
        "config.toml, line 4: color.colors",
        "config.toml, line 11: accounts[bob].color.strategy",
        "config.toml, line 15: accounts[c].color.delay",
        "config.toml, line 17: log.level",
    ]


def test_mistakes_are_listed_in_the_order_of_the_file(problems: Problems) -> None:
    found = problems('[log]\nlevel = "x"\n[color]\ntheme = "x"\nunknown_key = 1\n[app]\nclient_id = 1')
    assert [line.split(":")[0] for line in found] == [f"config.toml, line {line}" for line in (2, 4, 5, 7)]


def test_a_key_in_an_inline_table_has_the_line_of_the_table(problems: Problems) -> None:
    assert problems('\ncolor = { theme = "x" }')[0].startswith("config.toml, line 2: color.theme = ")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('strategy = "rainbow"\n[app]', "strategy belongs under [color]: move it there"),
        ("enabled = true", "enabled belongs under [color], [commands], [community] or [web]: move it there"),
        ('client_id = "x"', "client_id belongs under [app]: move it there"),
        ('channels = ["a"]', "channels belongs under [[accounts]]: move it there"),
        ("[web]\nstrategy = 'hold'", "web.strategy belongs under [color]: move it there"),
        ("[[accounts]]\nlogin = 'bob'\ntheme = 'dark'", "accounts[bob].theme belongs under [accounts.color]"),
        ("[[accounts]]\nlogin = 'bob'\nprefix = '?'", "accounts[bob].prefix belongs under [commands]: move it there"),
        ("[[accounts]]\nlogin = 'bob'\ncolor.login = 'x'", "accounts[bob].color.login belongs under [[accounts]]"),
    ],
)
def test_a_key_in_the_wrong_table_says_where_it_belongs(text: str, words: str, problems: Problems) -> None:
    (line,) = problems(text)
    assert words in line


@pytest.mark.parametrize(
    "text",
    [
        r"[log]" "\n" r'file = "C:\Users\me\colors.log"',
        r"[log]" "\n" r'file = "C:\new\bot.log"',
        r"[storage]" "\n" r'url = "sqlite:///C:\data\colors.db"',
        r"[storage]" "\n" r'url = "sqlite:///C:\temp\next.db"',
    ],
)
def test_a_windows_path_in_double_quotes_says_what_to_do(text: str, problems: Problems) -> None:
    (line,) = problems(text)
    assert line.startswith("config.toml, line 2")
    assert "single quotes" in line
    assert r'double each "\"' in line


def test_a_windows_path_in_single_quotes_is_read(read: Loader) -> None:
    assert read(r"log.file = 'C:\new\bot.log'").log.file == r"C:\new\bot.log"


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("color.enabled = True", "write true or false, in small letters and without quotes"),
        ("color.enabled = yes # please", "write true or false, in small letters and without quotes"),
        ("a = 1\na = 2", "it stands there twice; remove one of them"),
        ("[color]\n[color]", "it stands there twice; remove one of them"),
        ("color.theme = “dark”", 'write straight quotes: key = "text"'),
        ("color.theme = \u2018dark\u2019", 'write straight quotes: key = "text"'),
        ("color.theme = dark", 'texts stand in quotes: key = "text"'),
    ],
)
def test_a_file_that_is_not_toml_gets_advice_that_fits(text: str, advice: str, problems: Problems) -> None:
    (line,) = problems(text)
    assert line.endswith(advice)


@pytest.mark.parametrize("url", ["mysql://u:secret@h/db", "mariadb+asyncmy://h/db", "postgres://h/db", "oracle://h"])
def test_other_databases_are_refused_in_one_line(url: str, problems: Problems) -> None:
    (line,) = problems(f"storage.url = '{url}'")
    assert f"storage.url = ***: {url.partition(':')[0]} is not supported; write sqlite:///path" in line
    assert "secret" not in line


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:///colors.db",
        "sqlite:////var/lib/colors.db",
        "sqlite+aiosqlite:///colors.db",
        "sqlite://",
        "postgresql://me@db/colors",
        "postgresql+asyncpg://me:secret@db:5432/colors?ssl=require",
        "postgresql+psycopg://me@db/colors",
    ],
)
def test_addresses_of_this_and_older_versions_are_accepted(url: str, read: Loader) -> None:
    assert read(f"storage.url = '{url}'").storage.url == url
