"""Variables and secret files: anything that is ignored is reported."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from colorchanger_bot.vault import new_key
from tests.settings.conftest import Loader, Problems


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_key_is_read_from_a_secret_file_in_any_encoding(encoding: str, tmp_path: Path, read: Loader) -> None:
    key = new_key()
    (tmp_path / "colorchanger_storage__key").write_text(f"{key}\r\n", encoding)
    assert read(COLORCHANGER_SECRETS_DIR=str(tmp_path)).storage.keys == (key,)


@pytest.mark.parametrize("content", ["", " \n", '""', "\ufeff"])
def test_a_secret_file_that_is_empty_is_refused(content: str, tmp_path: Path, problems: Problems) -> None:
    file = tmp_path / "COLORCHANGER_STORAGE__KEY"
    file.write_text(content, "utf-8")
    assert problems(COLORCHANGER_SECRETS_DIR=str(tmp_path)) == [
        f"{file}: is empty; write the bare value into it, or remove the file"
    ]


@pytest.mark.parametrize("name", ["colorchanger_storage__key", "TWITCH_ACCESS_TOKEN_1"])
def test_a_secret_file_that_is_a_folder_is_refused(name: str, tmp_path: Path, problems: Problems) -> None:
    # Docker creates a folder if the file to mount does not exist.
    (tmp_path / name).mkdir()
    (line,) = problems(COLORCHANGER_SECRETS_DIR=str(tmp_path))
    assert line.startswith(f"{tmp_path / name}: ")
    assert "folder" in line


@pytest.mark.skipif(sys.platform == "win32", reason="needs symbolic links")
def test_a_secret_file_that_is_a_broken_link_is_refused(tmp_path: Path, problems: Problems) -> None:
    (tmp_path / "COLORCHANGER_STORAGE__KEY").symlink_to(tmp_path / "missing")
    (line,) = problems(COLORCHANGER_SECRETS_DIR=str(tmp_path))
    assert "cannot be read" in line


@pytest.mark.skipif(sys.platform == "win32" or os.getuid() == 0, reason="root may read everything")
def test_an_unreadable_secret_file_is_refused(tmp_path: Path, problems: Problems) -> None:
    (tmp_path / "COLORCHANGER_STORAGE__KEY").write_text(new_key())
    (tmp_path / "COLORCHANGER_STORAGE__KEY").chmod(0)
    (line,) = problems(COLORCHANGER_SECRETS_DIR=str(tmp_path))
    assert "cannot be read" in line


@pytest.mark.parametrize(
    "name", ["COLORCHANGER_STORAGE__KEY", "colorchanger_web__password", "COLORCHANGER_APP__CLIENT_SECRET"]
)
def test_a_secret_variable_that_is_empty_is_refused(name: str, problems: Problems) -> None:
    assert problems(**{name: " "}) == [f"{name} is empty: give it its value, or remove it"]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("USE_RANDOM_COLOR_1", "USE_RANDOM_COLORS_1"),
        ("USE_RANDOM_COLOURS_12", "USE_RANDOM_COLORS_12"),
        ("TWITCH_CHANNEL_3", "TWITCH_CHANNELS_3"),
        ("TWITCH_ACCES_TOKEN_1", "TWITCH_ACCESS_TOKEN_1"),
        ("TWITCH_USERNAME_01", "TWITCH_USERNAME_1"),
        ("TWITCH_USERNAME_10000", "TWITCH_USERNAME_1"),
        ("TWITCH_USERNAME", "TWITCH_USERNAME_1"),
        ("twitch_username_1", "TWITCH_USERNAME_1"),
        ("TWITCH_CONFIG_FILE", "TWITCH_CONF_FILE"),
        ("LOG_LEVEL", "COLORCHANGER_LOG__LEVEL"),
        ("COLOURCHANGER_COLOR__THEME", "COLORCHANGER_COLOR__THEME"),
    ],
)
def test_a_variable_that_looks_like_a_misspelt_one_is_reported(name: str, meant: str, read: Loader) -> None:
    assert read(**{name: "x"}).notes == (f"{name} is not used: did you mean {meant}?",)


@pytest.mark.parametrize(
    "name",
    [
        "TWITCH_CONF_FILE",
        "TWITCH_BOT_NICK",
        "TWITCH_SERVICE_HOST",
        "TWITCH_IRC_URL",
        "LOG_DIR",
        "COLORTERM",
        "COLORFGBG",
        "COLORCHANGER_PORT",
    ],
)
def test_variables_of_other_programs_are_not_reported(name: str, read: Loader) -> None:
    assert read(**{name: "x"}).notes == ()


def test_a_secret_file_that_looks_like_a_misspelt_one_is_reported(tmp_path: Path, read: Loader) -> None:
    (tmp_path / "twitch_access_token_1.txt").write_text("x")
    (tmp_path / "of_another_program").write_text("x")
    (note,) = read(COLORCHANGER_SECRETS_DIR=str(tmp_path)).notes
    assert note == f"{tmp_path / 'twitch_access_token_1.txt'} is not used: did you mean TWITCH_ACCESS_TOKEN_1?"
