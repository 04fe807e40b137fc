"""Where the Client ID comes from: the file, the page, or the package itself."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from colorchanger_bot.settings.load import load
from colorchanger_bot.settings.model import AppSettings
from colorchanger_bot.settings.preferences import with_preferences
from colorchanger_bot.settings.reference import example

ROOT = Path(__file__).parents[2]
PAGE = {"app.client_id": "of-the-page"}


@pytest.mark.parametrize("text", ["", example(), '[app]\nclient_id = ""\n'], ids=["no file", "config init", "blank"])
def test_the_page_may_fill_in_what_the_file_leaves_blank(text: str, tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(text, encoding="utf-8")
    settings = with_preferences(load(file, environ={}), PAGE, {}, must_fit=True)
    assert settings.app.client_id == "of-the-page"
    assert settings.origin(("app", "client_id")) == "the page"


def test_a_client_id_in_the_file_wins_over_the_page(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[app]\nclient_id = "of-the-file"\n', encoding="utf-8")
    assert with_preferences(load(file, environ={}), PAGE, {}).app.client_id == "of-the-file"


def test_the_source_has_no_client_id_of_its_own() -> None:
    assert AppSettings().client_id == ""


def build(client_id: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Build the package into a folder, as pip and `build` do."""
    environment = {**os.environ, "COLORCHANGER_CLIENT_ID": client_id}
    command = [sys.executable, "-W", "ignore", "setup.py", "-q", "build_py", "--build-lib", os.fspath(folder)]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def client_id_of(package: Path) -> str:
    """Return the Client ID that the built package starts with."""
    code = "from colorchanger_bot.settings.load import load; print(load(environ={}).app.client_id)"
    shown = subprocess.run(
        [sys.executable, "-P", "-c", code],
        env={**os.environ, "PYTHONPATH": os.fspath(package), "HOME": os.fspath(package)},
        cwd=package,
        capture_output=True,
        text=True,
        check=True,
    )
    return shown.stdout.strip()


def test_a_package_can_be_built_with_a_client_id(tmp_path: Path) -> None:
    built = build("abcdefghij0123456789klmnopqrst", tmp_path)
    assert built.returncode == 0, built.stderr
    assert client_id_of(tmp_path) == "abcdefghij0123456789klmnopqrst"
    again = build("", tmp_path)
    assert (again.returncode, client_id_of(tmp_path)) == (0, "")


def test_what_is_no_client_id_is_not_built_in(tmp_path: Path) -> None:
    built = build('"; import os', tmp_path)
    assert built.returncode != 0
    assert "COLORCHANGER_CLIENT_ID is not a Client ID" in built.stderr
