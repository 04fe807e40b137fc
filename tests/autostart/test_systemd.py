"""The unit of systemd: what systemd's own verifier says, and what is left afterwards."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from colorchanger_bot.autostart.entry import Program
from colorchanger_bot.autostart.systemd import NO_SESSION, NO_SYSTEMD, UNIT, Systemd, parsed, unit
from colorchanger_bot.autostart.tools import Result
from colorchanger_bot.errors import AutostartFailed
from tests.autostart.paths import AWKWARD, PATHS, program_in
from tests.autostart.recorder import OK, Recorder

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="systemd's paths are those of Linux")
needs_verifier = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd-analyze here")
needs_systemctl = pytest.mark.skipif(not shutil.which("systemctl"), reason="there is no systemctl here")


class Machine:
    """A Linux with systemd, in a folder: `enable` and `enable-linger` write what the real ones write."""

    def __init__(self, folder: Path) -> None:
        self.config, self.linger = folder / "config", folder / "linger"
        self.booted = folder / "booted"
        for made in (self.config, self.linger, self.booted):
            made.mkdir()
        self.before = self.files()
        self.run = Recorder(
            {
                f"systemctl --user enable {UNIT}": self._enable,
                "loginctl enable-linger": self._linger,
                "loginctl disable-linger": self._linger_no_more,
            }
        )
        self.systemd = Systemd(self.config, self.run, "me", linger=self.linger, booted=self.booted)

    def files(self) -> list[Path]:
        return sorted([*self.config.rglob("*"), *self.linger.rglob("*")])

    def _enable(self, command: Sequence[str]) -> Result:
        self.systemd.link.parent.mkdir(exist_ok=True)
        if not self.systemd.link.is_symlink():
            self.systemd.link.symlink_to(self.systemd.unit)
        return OK

    def _linger(self, command: Sequence[str]) -> Result:
        (self.linger / "me").touch()
        return OK

    def _linger_no_more(self, command: Sequence[str]) -> Result:
        (self.linger / "me").unlink()
        return OK


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.fixture
def program(tmp_path: Path) -> Program:
    file = program_in(tmp_path / "my bot")
    return Program((str(file), "run"), str(file.parent))


# What systemd reads


def verify(text: str, tmp_path: Path) -> str:
    """Return what systemd's verifier finds wrong with a unit."""
    file = tmp_path / "unit" / UNIT
    file.parent.mkdir(exist_ok=True)
    file.write_text(text, "utf-8")
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)}
    command = ["systemd-analyze", "verify", "--user", "--man=no", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, env=environment, check=False)
    assert done.returncode == 0 or UNIT in done.stderr, done.stderr
    return done.stderr if UNIT in done.stderr else ""


@needs_verifier
@pytest.mark.parametrize("name", AWKWARD)
def test_systemd_finds_the_program_and_the_folder_whatever_their_names(name: str, tmp_path: Path) -> None:
    file = program_in(tmp_path / name)
    command = (str(file), "-P", "-m", "colorchanger_bot", "run", "--config", str(file.parent / "my config.toml"))
    assert verify(unit(Program(command, str(file.parent))), tmp_path) == ""


@needs_verifier
@pytest.mark.parametrize("name", ["100% %h %n", 'O\'Brien "x"'])
def test_the_verifier_notices_what_is_not_escaped(name: str, tmp_path: Path) -> None:
    file = program_in(tmp_path / name)
    escaped = unit(Program((str(file), "run"), str(file.parent)))
    (line,) = [line for line in escaped.splitlines() if line.startswith("ExecStart=")]
    assert verify(escaped.replace(line, f'ExecStart="{file}" run'), tmp_path) != ""


@needs_verifier
def test_the_verifier_knows_every_key_of_the_unit(tmp_path: Path, program: Program) -> None:
    text = unit(program, lingers_by_us=True)
    assert verify(text, tmp_path) == ""
    assert "Unknown key" in verify(text.replace("RestartSec=", "RestartSeconds="), tmp_path)


@given(st.lists(PATHS, min_size=1, max_size=4), PATHS)
def test_what_is_written_is_read_back(command: list[str], folder: str) -> None:
    assert parsed(unit(Program(tuple(command), folder))) == (tuple(command), f"{folder}/")


# On and off


@needs_systemctl
def test_on_writes_a_unit_and_enables_it_without_starting_it(machine: Machine, program: Program) -> None:
    machine.systemd.turn_on(program, at_boot=False)
    assert machine.run.calls[-2:] == ["systemctl --user daemon-reload", f"systemctl --user enable {UNIT}"]
    status = machine.systemd.status()
    assert (status.state, status.command, status.at_boot) == ("on", program.command, False)
    assert status.entry == str(machine.config / "systemd" / "user" / UNIT)


@needs_systemctl
@pytest.mark.parametrize("at_boot", [False, True])
def test_off_leaves_nothing_behind(at_boot: bool, machine: Machine, program: Program) -> None:
    machine.systemd.turn_on(program, at_boot=at_boot)
    machine.systemd.turn_off()
    assert machine.files() == machine.before
    assert machine.systemd.status().state == "off"
    calls = len(machine.run.calls)
    machine.systemd.turn_off()
    assert len(machine.run.calls) == calls


@needs_systemctl
def test_where_nothing_can_be_written_that_is_what_it_says(machine: Machine, program: Program) -> None:
    folder = machine.systemd.unit.parent
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.touch()  # a file in the place of the folder
    with pytest.raises(AutostartFailed, match="cannot be written"):
        machine.systemd.turn_on(program, at_boot=False)


@needs_systemctl
def test_off_leaves_the_units_of_others(machine: Machine, program: Program) -> None:
    machine.systemd.turn_on(program, at_boot=False)
    other = machine.systemd.unit.with_name("other.service")
    other.touch()
    machine.systemd.turn_off()
    assert [path for path in machine.files() if path.is_file()] == [other]


@needs_systemctl
def test_on_twice_is_on_once_with_the_newer_program(machine: Machine, program: Program) -> None:
    machine.systemd.turn_on(program, at_boot=False)
    files = machine.files()
    newer = Program((*program.command, "--debug"), program.folder)
    machine.systemd.turn_on(newer, at_boot=False)
    assert machine.files() == files
    assert machine.systemd.status().command == newer.command


@needs_systemctl
def test_lingering_that_the_user_turned_on_stays(machine: Machine, program: Program) -> None:
    (machine.linger / "me").touch()
    machine.systemd.turn_on(program, at_boot=True)
    assert machine.systemd.status().at_boot
    machine.systemd.turn_off()
    assert (machine.linger / "me").exists()


@needs_systemctl
def test_lingering_that_we_turned_on_is_still_ours_after_a_second_on(machine: Machine, program: Program) -> None:
    machine.systemd.turn_on(program, at_boot=True)
    machine.systemd.turn_on(program, at_boot=False)
    machine.systemd.turn_off()
    assert machine.files() == machine.before


@needs_systemctl
def test_a_unit_whose_program_is_gone_is_broken(machine: Machine, program: Program) -> None:
    machine.systemd.turn_on(program, at_boot=False)
    Path(program.command[0]).unlink()
    status = machine.systemd.status()
    assert (status.state, status.reason) == ("broken", f"{program.command[0]} is gone")


@needs_systemctl
def test_a_unit_that_somebody_disabled_is_off(machine: Machine, program: Program) -> None:
    machine.systemd.turn_on(program, at_boot=False)
    machine.systemd.link.unlink()
    assert machine.systemd.status().state == "off"


@needs_systemctl
def test_a_unit_that_systemd_refuses_leaves_nothing_behind(machine: Machine, program: Program) -> None:
    machine.run.answers[f"systemctl --user enable {UNIT}"] = Result(1, complaint="no way")
    with pytest.raises(AutostartFailed, match=r"^systemctl --user enable colorchanger\.service failed: no way$"):
        machine.systemd.turn_on(program, at_boot=False)
    assert machine.files() == machine.before


@needs_systemctl
@pytest.mark.parametrize("was_on", [False, True])
def test_lingering_that_is_refused_changes_nothing(was_on: bool, machine: Machine, program: Program) -> None:
    if was_on:
        machine.systemd.turn_on(program, at_boot=False)
    before = {path: path.read_text() for path in machine.files() if path.is_file()}
    machine.run.answers["loginctl enable-linger"] = Result(1, complaint="Access denied")
    with pytest.raises(AutostartFailed, match="enable-linger failed: Access denied"):
        machine.systemd.turn_on(program, at_boot=True)
    assert {path: path.read_text() for path in machine.files() if path.is_file()} == before
    assert machine.systemd.status().state == ("on" if was_on else "off")


@needs_systemctl
def test_a_unit_that_systemd_refuses_does_not_replace_the_one_before(machine: Machine, program: Program) -> None:
    machine.systemd.turn_on(program, at_boot=False)
    machine.run.answers["systemctl --user daemon-reload"] = Result(1, complaint="no way")
    with pytest.raises(AutostartFailed):
        machine.systemd.turn_on(Program(("/bin/false",), "/"), at_boot=False)
    assert machine.systemd.status().command == program.command


@needs_systemctl
@pytest.mark.parametrize(("is_booted", "reason"), [(True, NO_SESSION), (False, NO_SYSTEMD)])
def test_without_systemd_or_a_session_nothing_is_written(
    is_booted: bool, reason: str, machine: Machine, program: Program
) -> None:
    machine.run.answers["systemctl --user show"] = Result(1, complaint="Failed to connect to bus")
    if not is_booted:
        machine.booted.rmdir()
    with pytest.raises(AutostartFailed) as caught:
        machine.systemd.turn_on(program, at_boot=True)
    assert str(caught.value) == reason
    status = machine.systemd.status()
    assert (status.state, status.reason) == ("unavailable", reason)
    assert machine.files() == machine.before
