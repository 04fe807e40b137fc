"""The launch agent of macOS."""

from __future__ import annotations

import plistlib
import shutil
import subprocess
from pathlib import Path

import pytest

from colorchanger_bot.autostart.entry import Program
from colorchanger_bot.autostart.launchd import LABEL, Launchd
from colorchanger_bot.autostart.tools import Result
from colorchanger_bot.errors import AutostartFailed
from tests.autostart.paths import AWKWARD, program_in
from tests.autostart.recorder import Recorder

SERVICE = f"gui/501/{LABEL}"


@pytest.fixture
def run() -> Recorder:
    return Recorder({"launchctl print ": Result(113, complaint="Could not find service")})


@pytest.fixture
def launchd(tmp_path: Path, run: Recorder) -> Launchd:
    return Launchd(tmp_path / "LaunchAgents", run, 501)


@pytest.fixture
def program(tmp_path: Path) -> Program:
    file = program_in(tmp_path / "my bot")
    return Program((str(file), "run"), str(file.parent))


@pytest.mark.parametrize("name", AWKWARD)
def test_the_agent_has_each_argument_as_it_is(name: str, launchd: Launchd) -> None:
    program = Program((f"/opt/{name}/python", "run", "--config", f"/{name}.toml"), f"/opt/{name}")
    launchd.turn_on(program, at_boot=False)
    found = plistlib.loads(launchd.plist.read_bytes())
    assert (tuple(found["ProgramArguments"]), found["WorkingDirectory"]) == (program.command, program.folder)
    assert (found["Label"], found["RunAtLoad"]) == (launchd.plist.stem, True)


@pytest.mark.skipif(not shutil.which("plutil"), reason="plutil is a program of macOS")
def test_the_agent_is_valid_for_macos(launchd: Launchd, program: Program) -> None:
    launchd.turn_on(program, at_boot=False)
    subprocess.run([shutil.which("plutil") or "", "-lint", str(launchd.plist)], check=True, timeout=30)


def test_on_is_on_and_starts_nothing(launchd: Launchd, run: Recorder, program: Program) -> None:
    assert launchd.status().state == "off"
    launchd.turn_on(program, at_boot=False)
    launchd.turn_on(program, at_boot=False)
    status = launchd.status()
    assert (status.state, status.command, status.entry) == ("on", program.command, str(launchd.plist))
    assert set(run.calls) == {"launchctl print-disabled gui/501"}


def test_off_leaves_nothing_behind(launchd: Launchd, program: Program) -> None:
    launchd.turn_on(program, at_boot=False)
    launchd.turn_off()
    launchd.turn_off()
    assert list(launchd.plist.parent.iterdir()) == []
    assert launchd.status().state == "off"


@pytest.mark.parametrize(("said", "calls"), [(b"\tstate = waiting\n", 1), (b"\tstate = running\n\tpid = 123\n", 0)])
def test_off_unloads_the_agent_unless_its_bot_runs(
    said: bytes, calls: int, launchd: Launchd, run: Recorder, program: Program
) -> None:
    launchd.turn_on(program, at_boot=False)
    run.answers["launchctl print "] = Result(0, said)
    launchd.turn_off()
    assert run.calls.count(f"launchctl bootout {SERVICE}") == calls


@pytest.mark.parametrize("word", ["disabled", "true"])
def test_an_agent_that_the_user_switched_off_is_off_until_it_is_turned_on(
    word: str, launchd: Launchd, run: Recorder, program: Program
) -> None:
    launchd.turn_on(program, at_boot=False)
    run.answers["launchctl print-disabled"] = Result(0, f'\t\t"{LABEL}" => {word}\n'.encode())
    assert launchd.status().state == "off"
    launchd.turn_on(program, at_boot=False)
    assert run.calls[-1] == f"launchctl enable {SERVICE}"


def test_an_agent_whose_program_is_gone_is_broken(launchd: Launchd, program: Program) -> None:
    launchd.turn_on(program, at_boot=False)
    Path(program.command[0]).unlink()
    assert (launchd.status().state, launchd.status().reason) == ("broken", f"{program.command[0]} is gone")


@pytest.mark.parametrize("content", [b"", b"{}", b"<plist>", b"\xff\x00", plistlib.dumps([1]), plistlib.dumps({})])
def test_an_agent_that_cannot_be_read_is_broken(content: bytes, launchd: Launchd) -> None:
    launchd.plist.parent.mkdir()
    launchd.plist.write_bytes(content)
    assert launchd.status().state == "broken"


def test_it_cannot_start_before_the_log_in(launchd: Launchd, program: Program) -> None:
    with pytest.raises(AutostartFailed, match="before you log in"):
        launchd.turn_on(program, at_boot=True)
    assert not launchd.plist.exists()
