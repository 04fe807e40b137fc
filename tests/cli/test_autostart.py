"""`colorchanger autostart` as a real process, on a machine whose `systemctl` is a script."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from colorchanger_bot.autostart.systemd import parsed
from tests.processes import Environment, call

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the script takes the place of Linux's systemctl")
SYSTEMCTL = """#!/bin/sh
folder="$HOME/.config/systemd/user"
case "$*" in
  "--user enable colorchanger.service")
    mkdir -p "$folder/default.target.wants"
    ln -sf "$folder/colorchanger.service" "$folder/default.target.wants/";;
  "--user show --property=Version") echo Version=252;;
esac
"""


@pytest.fixture
def machine(environment: Environment, tmp_path: Path) -> Environment:
    script = tmp_path / "bin" / "systemctl"
    script.parent.mkdir()
    script.write_text(SYSTEMCTL)
    script.chmod(0o755)
    return environment | {"PATH": f"{script.parent}{os.pathsep}{os.environ['PATH']}", "XDG_CONFIG_HOME": ""}


def unit(environment: Environment) -> Path:
    return Path(environment["HOME"]) / ".config/systemd/user/colorchanger.service"


async def test_on_status_and_off(machine: Environment) -> None:
    code, output, errors = await call("autostart", "status", environment=machine)
    assert (code, output, errors) == (
        1,
        "off: to start the bot when you log in, run: colorchanger autostart on\n",
        "",
    )
    code, output, errors = await call("autostart", "on", environment=machine)
    assert (code, errors) == (0, "")
    assert output.startswith(f"The bot starts when you log in from now on (systemd: {unit(machine)}).\n")
    code, output, _ = await call("autostart", "status", environment=machine)
    assert code == 0
    assert output.splitlines() == [
        f"on: the bot starts when you log in (systemd: {unit(machine)})",
        f"  {sys.executable} -P -m colorchanger_bot start --no-browser",
    ]
    code, output, errors = await call("autostart", "off", environment=machine)
    assert (code, output, errors) == (0, "The bot no longer starts by itself.\n", "")
    assert not unit(machine).exists()


async def test_the_settings_file_goes_along_whether_it_was_named_or_found(machine: Environment) -> None:
    home = Path(machine["HOME"])
    (home / "my config.toml").touch()
    await call("autostart", "on", "--config", "my config.toml", environment=machine)
    assert parsed(unit(machine).read_text())[0][-2:] == ("--config", str(home / "my config.toml"))
    (home / "config.toml").touch()
    await call("autostart", "on", environment=machine)
    assert parsed(unit(machine).read_text())[0][-2:] == ("--config", str(home / "config.toml"))


async def test_wrong_settings_are_refused_now_and_not_at_the_next_log_in(machine: Environment) -> None:
    (Path(machine["HOME"]) / "config.toml").write_text("[color]\nstrategy = 3\n")
    code, _, errors = await call("autostart", "on", environment=machine)
    assert (code, unit(machine).exists()) == (2, False)
    assert "color.strategy" in errors


async def test_what_only_this_terminal_knows_is_named_without_its_value(machine: Environment) -> None:
    machine |= {"COLORCHANGER_WEB__PASSWORD": "a long password"}
    _, output, _ = await call("autostart", "on", environment=machine)
    assert "COLORCHANGER_WEB__PASSWORD" in output
    assert "a long password" not in output + unit(machine).read_text()


async def test_a_program_that_is_gone_is_named(machine: Environment) -> None:
    await call("autostart", "on", environment=machine)
    unit(machine).write_text(unit(machine).read_text().replace(sys.executable, "/gone/python"))
    code, output, _ = await call("autostart", "status", environment=machine)
    assert code == 1
    assert output.startswith("on, but it cannot start: /gone/python is gone; to set it up again, run: ")
    _, output, _ = await call("autostart", "status", "--json", environment=machine)
    found = json.loads(output)
    assert (found["state"], found["reason"]) == ("broken", "/gone/python is gone")


async def test_where_nothing_can_start_it_there_is_one_line(environment: Environment, tmp_path: Path) -> None:
    environment |= {"PATH": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "config")}
    code, output, errors = await call("autostart", "on", environment=environment)
    assert (code, output, errors.count("\n")) == (1, "", 1)
    code, output, errors = await call("autostart", "status", environment=environment)
    assert (code, errors, output.count("\n")) == (1, "", 1)
    assert output.startswith("not available: ")
    code, _, errors = await call("autostart", "off", environment=environment)
    assert (code, errors) == (0, "")
    assert not (tmp_path / "config").exists()
