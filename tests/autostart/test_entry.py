"""What is started at log-in, and what is missing for it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from colorchanger_bot.autostart.entry import missing, this_program
from colorchanger_bot.errors import AutostartFailed
from tests.autostart.paths import program_in


def test_a_python_runs_the_module_and_nothing_from_the_working_directory() -> None:
    program = this_program(None)
    assert program.command == (os.path.abspath(sys.executable), "-P", "-m", "colorchanger_bot", "start", "--no-browser")
    assert program.folder == str(Path.home())


def test_a_python_in_a_virtual_environment_keeps_its_name(tmp_path: Path) -> None:
    link = tmp_path / "bin" / "python"
    link.parent.mkdir()
    link.symlink_to(sys.executable)
    assert this_program(None, executable=str(link)).command[0] == str(link)


def test_an_executable_without_python_is_called_itself() -> None:
    assert this_program(None, executable="/opt/ColorChanger", frozen=True).command[1:] == ("start", "--no-browser")


def test_windows_gets_the_python_without_a_window(tmp_path: Path) -> None:
    for name in ("python.exe", "pythonw.exe"):
        (tmp_path / name).touch()
    assert this_program(None, executable=str(tmp_path / "python.exe")).command[0] == str(tmp_path / "pythonw.exe")
    assert this_program(None, executable=str(tmp_path / "python.exe"), frozen=True).command[0].endswith("python.exe")


def test_the_settings_file_is_named_by_its_whole_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    program = this_program(Path("sub/config.toml"))
    assert program.command[-2:] == ("--config", str(tmp_path / "sub" / "config.toml"))
    assert program.folder == str(tmp_path)


def test_with_a_settings_file_elsewhere_it_starts_beside_that(tmp_path: Path) -> None:
    assert this_program(tmp_path / "config.toml").folder == str(tmp_path)


@pytest.mark.parametrize("name", ["line\nbreak", "bell\a", "half \udcff"])
def test_a_path_that_no_entry_can_hold_is_refused_in_one_line(name: str, tmp_path: Path) -> None:
    with pytest.raises(AutostartFailed, match="rename this") as caught:
        this_program(tmp_path / name / "config.toml")
    assert str(caught.value).isprintable()


def test_what_is_gone_is_named(tmp_path: Path) -> None:
    program = program_in(tmp_path / "a b")
    settings = tmp_path / "a b" / "my config.toml"
    command = (str(program), "run", "--config", str(settings))
    folder = tmp_path / "c"
    assert missing(command, str(folder)) == f"the folder {folder} is gone"
    folder.mkdir()
    assert missing(command, str(folder)) == ""
    settings.unlink()
    assert missing(command, str(folder)) == f"the settings file {settings} is gone"
    program.unlink()
    assert missing(command, str(folder)) == f"{program} is gone"
    assert missing((), "") == "it names no program"
