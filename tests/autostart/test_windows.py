"""The logon task of Windows."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from colorchanger_bot.autostart.entry import Program
from colorchanger_bot.autostart.tools import Result
from colorchanger_bot.autostart.windows import TaskScheduler, parsed, split, task
from colorchanger_bot.errors import AutostartFailed
from tests.autostart.paths import program_in
from tests.autostart.recorder import OK, Recorder

SID = "S-1-5-21-1004336348-1177238915-682003330-1001"
NAME = f"ColorChanger-{SID}"
PROGRAM = Program(
    (r"C:\Program Files\Grün 名\python.exe", "-P", "run", "--config", 'D:\\a & b\\<c> "d"\\'), "C:\\Program Files\\"
)


class Machine:
    """A Windows that keeps one task, and prints it as `schtasks` does."""

    def __init__(self) -> None:
        self.task: bytes | None = None
        self.run = Recorder({"schtasks": self._schtasks, "whoami": Result(0, f'"pc\\me","{SID}"\r\n'.encode("cp437"))})
        self.scheduler = TaskScheduler(self._named, {"SYSTEMROOT": r"C:\Windows", "TEMP": r"C:\Temp"})
        self.refusal = ""

    def _named(self, command: Sequence[str]) -> Result:
        program = command[0].replace("\\", "/")
        assert program.startswith("C:/Windows/System32/")
        return self.run([program.rpartition("/")[2].removesuffix(".exe"), *command[1:]])

    def _schtasks(self, command: Sequence[str]) -> Result:
        assert command[command.index("/tn") + 1] == NAME
        if self.refusal:
            return Result(1, complaint=self.refusal)
        if "/create" in command:
            self.task = Path(command[command.index("/xml") + 1]).read_bytes()
        elif self.task is None:
            return Result(1, complaint="ERROR: The system cannot find the file specified.")
        elif "/delete" in command:
            self.task = None
        else:
            return Result(0, self.task.decode("utf-16").replace("\n", "\r\n").encode())
        return OK


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def program(tmp_path: Path) -> Program:
    file = program_in(tmp_path / "my bot")
    return Program((str(file), "run"), str(file.parent))


def test_the_task_is_written_in_the_way_that_schtasks_reads() -> None:
    content = task(PROGRAM, SID)
    assert content[:2] in (b"\xff\xfe", b"\xfe\xff")
    assert content.decode("utf-16").startswith("<?xml version='1.0' encoding='utf-16'?>\n<Task ")
    root = ElementTree.fromstring(content)  # noqa: S314 - our own
    space = {"t": "http://schemas.microsoft.com/windows/2004/02/mit/task"}
    texts = {each.tag.partition("}")[2]: each.text for each in root.findall("t:Actions/t:Exec/*", space)}
    assert texts["Command"] == PROGRAM.command[0]
    assert texts["Arguments"] == subprocess.list2cmdline(PROGRAM.command[1:])
    assert texts["WorkingDirectory"] == PROGRAM.folder


def test_the_task_runs_as_its_user_when_that_logs_on_and_for_as_long_as_it_takes() -> None:
    root = ElementTree.fromstring(task(PROGRAM, SID))  # noqa: S314 - our own
    texts = {each.tag.partition("}")[2]: each.text for each in root.iter()}
    assert [each.text for each in root.iter() if each.tag.endswith("}UserId")] == [SID, SID]
    assert (texts["LogonType"], texts["RunLevel"]) == ("InteractiveToken", "LeastPrivilege")
    assert (texts["ExecutionTimeLimit"], texts["DisallowStartIfOnBatteries"]) == ("PT0S", "false")


def test_the_task_is_read_back() -> None:
    assert parsed(task(PROGRAM, SID).decode("utf-16")) == (PROGRAM.command, PROGRAM.folder, True)


@given(st.lists(st.text('ab \t"\\ü', min_size=1), max_size=5))
def test_arguments_are_split_as_they_were_joined(words: list[str]) -> None:
    assert split(subprocess.list2cmdline(words)) == words


def test_on_and_off_leave_nothing_behind(machine: Machine, program: Program) -> None:
    assert machine.scheduler.status().state == "off"
    for _ in range(2):
        machine.scheduler.turn_on(program, at_boot=False)
    status = machine.scheduler.status()
    assert (status.state, status.command, status.entry) == ("on", program.command, NAME)
    for _ in range(2):
        machine.scheduler.turn_off()
    assert machine.task is None
    assert machine.scheduler.status().state == "off"


def test_a_task_whose_program_is_gone_is_broken(machine: Machine, program: Program) -> None:
    machine.scheduler.turn_on(program, at_boot=False)
    Path(program.command[0]).unlink()
    status = machine.scheduler.status()
    assert (status.state, status.reason) == ("broken", f"{program.command[0]} is gone")


def test_a_path_that_the_console_cannot_show_is_not_called_gone(machine: Machine) -> None:
    machine.scheduler.turn_on(Program((r"C:\??\python.exe", "run"), "C:\\"), at_boot=False)
    assert machine.scheduler.status().state == "on"


def test_a_task_that_the_user_disabled_is_off(machine: Machine, program: Program) -> None:
    machine.scheduler.turn_on(program, at_boot=False)
    assert machine.task is not None
    text = machine.task.decode("utf-16").replace("<Settings>", "<Settings><Enabled>false</Enabled>")
    machine.task = text.encode("utf-16")
    assert machine.scheduler.status().state == "off"


@pytest.mark.parametrize("text", ["", "<Task/>", "ERROR: Access is denied."])
def test_a_task_that_cannot_be_read_is_broken(text: str, machine: Machine) -> None:
    machine.task = text.encode("utf-16")
    assert machine.scheduler.status().state == "broken"


@pytest.mark.parametrize("path", [r"C:\%temp%\python.exe", r"C:\100%TEMP%\python.exe", r"C:\$(Arg0)\python.exe"])
def test_a_path_in_which_windows_would_replace_something_is_refused(path: str, machine: Machine) -> None:
    with pytest.raises(AutostartFailed, match="rename this"):
        machine.scheduler.turn_on(Program((path, "run"), "C:\\"), at_boot=False)
    assert machine.task is None


def test_a_path_with_a_percent_sign_is_fine(machine: Machine) -> None:
    machine.scheduler.turn_on(Program((r"C:\100% me\50%\python.exe", "run"), "C:\\"), at_boot=False)
    assert machine.scheduler.status().command == (r"C:\100% me\50%\python.exe", "run")


def test_a_refusal_is_one_line(machine: Machine, program: Program) -> None:
    machine.refusal = "ERROR: Access is denied."
    with pytest.raises(AutostartFailed, match=r"^Windows refused the task: ERROR: Access is denied\.$"):
        machine.scheduler.turn_on(program, at_boot=False)


def test_a_user_without_a_number_gets_no_task(machine: Machine, program: Program) -> None:
    machine.run.answers["whoami"] = Result(1)
    with pytest.raises(AutostartFailed, match="does not say who is logged on"):
        machine.scheduler.turn_on(program, at_boot=False)
