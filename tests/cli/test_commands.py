"""The command line as real processes: their output and exit codes."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

from colorchanger_bot.color import Color
from colorchanger_bot.color.readable import readable
from colorchanger_bot.sandbox import LocalTwitch, faults
from colorchanger_bot.store.store import Store, TokenPair
from tests.fakes import until
from tests.processes import Environment, call, end, running, start


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_run_changes_colours_and_stops_cleanly_on_a_signal(
    number: signal.Signals, twitch: LocalTwitch, with_tokens: Environment
) -> None:
    async with running(with_tokens) as process:
        await twitch.wait_subscribed("me", "me", timeout=15)
        await twitch.say("me", in_="me", text="hello")
        await twitch.wait_for(lambda: twitch.color_changes)
        await asyncio.sleep(0.3)
        (change,) = twitch.color_changes
        assert (change.login, readable(Color.parse(change.color), "both", 3.0)) == ("me", True)
        process.send_signal(number)
        async with asyncio.timeout(5):
            code, output, errors = await end(process)
    assert code == 0, errors
    assert "me: random, right after a message in #me" in output
    assert "me: 1 message seen, " in output
    assert "Traceback" not in errors
    assert twitch.user("me").color == "#FF0000"


async def test_kill_at_any_moment_and_restart_to_a_working_bot(twitch: LocalTwitch, with_tokens: Environment) -> None:
    twitch.expire("me")
    for wait in (0.6, 0.9, 1.2, 1.5):
        async with running(with_tokens) as process:
            await asyncio.sleep(wait)
            process.kill()
            await process.communicate()
        twitch.expire("me")
    async with running(with_tokens):
        await twitch.wait_subscribed("me", "me", timeout=15)
        await twitch.say("me", in_="me", text="hello")
        await twitch.wait_for(lambda: twitch.color_changes)
    assert twitch.spent_twice == []


async def test_a_second_process_on_the_same_store_names_the_first(
    twitch: LocalTwitch, with_tokens: Environment
) -> None:
    async with running(with_tokens) as first:
        await twitch.wait_subscribed("me", "me", timeout=15)
        code, _, errors = await call("run", environment=with_tokens)
    assert code == 4
    assert f"ColorChanger is already running on this store (process {first.pid})" in errors
    assert len(errors.strip().splitlines()) == 1


async def test_the_start_names_what_the_settings_list_and_nobody_is_logged_in_as(
    twitch: LocalTwitch, with_tokens: Environment, tmp_path: Path
) -> None:
    config = tmp_path / "config.toml"
    config.write_text('[[accounts]]\nlogin = "newnam"\n[[accounts]]\nlogin = "oldname"\n', encoding="utf-8")
    async with Store.open(with_tokens["COLORCHANGER_STORAGE__URL"]) as store:
        for name in ("oldname", "newname"):
            await store.put_login(name, "another", TokenPair("made-up", ""), "999")
    process = await start("run", "--config", str(config), environment=with_tokens)
    await twitch.wait_subscribed("me", "me", timeout=15)
    process.send_signal(signal.SIGTERM)
    _, output, errors = await end(process)
    said = [line for line in (output + errors).splitlines() if "accounts[" in line or "is called" in line]
    assert said == [
        f'{config}, line 2: accounts[newnam].login = "newnam": no account of this name is logged in; '
        "did you mean newname? If the name is right, run: colorchanger login",
        "oldname is called newname now: change it in the settings",
    ]


async def test_health_tells_a_running_bot_from_a_stopped_one(twitch: LocalTwitch, with_tokens: Environment) -> None:
    code, output, _ = await call("health", environment=with_tokens)
    assert (code, output.strip()) == (1, "not running: there is no store yet; run: colorchanger login")
    async with running(with_tokens) as process:
        await twitch.wait_subscribed("me", "me", timeout=15)
        code, output, _ = await call("health", environment=with_tokens)
        assert code == 0
        assert f"running as process {process.pid}" in output
        code, output, _ = await call("health", "--json", environment=with_tokens)
        found = json.loads(output)
        assert (code, found["running"], found["pid"]) == (0, True, process.pid)
        assert [account["login"] for account in found["accounts"]] == ["me"]
        process.send_signal(signal.SIGTERM)
        await end(process)
    code, output, _ = await call("health", environment=with_tokens)
    assert (code, output.strip()) == (1, "not running; run: colorchanger run")
    code, output, _ = await call("health", "--json", environment=with_tokens)
    assert (code, json.loads(output)) == (1, {"running": False, "pid": None, "reason": "not running", "accounts": []})


async def test_a_bot_that_fails_to_load_is_not_reported_as_running(with_tokens: Environment, tmp_path: Path) -> None:
    (tmp_path / "twitchio.py").write_text("raise ImportError('half an upgrade')\n", encoding="utf-8")
    broken = with_tokens | {"PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    code, _, errors = await call("run", environment=broken)
    assert (code, "half an upgrade" in errors) == (1, True)
    code, output, _ = await call("health", environment=with_tokens)
    assert (code, output.strip()) == (1, "not running: there is no store yet; run: colorchanger login")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows ends a process without asking it")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("wrong", ["COLORCHANGER_COLOR__THEME=pink", "COLORCHANGER_STORAGE__URL=sqlite:////dev/null/a"])
async def test_a_signal_after_an_error_does_not_turn_it_into_success(
    wrong: str, number: signal.Signals, environment: Environment
) -> None:
    name, _, value = wrong.partition("=")
    process = await start("run", environment=environment | {name: value})
    assert process.stderr
    assert await process.stderr.readline()
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(number)
    assert b"Traceback" not in await process.stderr.read()
    assert await process.wait() != 0


async def test_run_without_an_account_says_to_log_in(environment: Environment) -> None:
    code, _, errors = await call("run", environment=environment)
    assert (code, errors.strip()) == (3, "colorchanger: no account is logged in yet; run: colorchanger login")


async def test_login_and_run_are_enough(twitch: LocalTwitch, environment: Environment) -> None:
    twitch.add_user("me", turbo=True)
    app = twitch.add_app()
    environment["COLORCHANGER_APP__CLIENT_ID"] = app.client_id
    process = await start("login", environment=environment)
    await twitch.wait_for(lambda: twitch.pending_devices, timeout=15)
    (device,) = twitch.pending_devices
    twitch.approve_device(device.user_code, "me")
    code, output, errors = await end(process)
    assert (code, errors) == (0, "")
    assert device.user_code in output
    assert "logged in as me; now run: colorchanger run" in output
    async with running(environment):
        await twitch.wait_subscribed("me", "me", timeout=15)
        await twitch.say("me", in_="me", text="hello")
        await twitch.wait_for(lambda: twitch.color_changes)


async def test_a_numbered_account_without_a_token_brings_its_application_and_channels(
    twitch: LocalTwitch, environment: Environment
) -> None:
    for login in ("me", "friend"):
        twitch.add_user(login, turbo=True)
    environment |= {
        "TWITCH_USERNAME_1": "me",
        "TWITCH_CLIENT_ID_1": twitch.add_app(client_secret="s3cr3t0fth3app").client_id,
        "TWITCH_CLIENT_SECRET_1": "s3cr3t0fth3app",
        "TWITCH_CHANNELS_1": "friend",
    }
    assert (await call("run", environment=environment))[0] == 3
    process = await start("login", environment=environment)
    await twitch.wait_for(lambda: twitch.pending_devices, timeout=15)
    twitch.approve_device(twitch.pending_devices[0].user_code, "me")
    assert (await end(process))[0] == 0
    async with running(environment):
        await twitch.wait_subscribed("me", "friend", timeout=15)


async def test_a_login_that_is_refused_ends_with_a_line(twitch: LocalTwitch, environment: Environment) -> None:
    environment["COLORCHANGER_APP__CLIENT_ID"] = twitch.add_app().client_id
    process = await start("login", environment=environment)
    await twitch.wait_for(lambda: twitch.pending_devices, timeout=15)
    twitch.deny_device(twitch.pending_devices[0].user_code)
    code, _, errors = await end(process)
    assert code == 1
    assert len(errors.strip().splitlines()) == 1


async def test_login_without_an_application_says_how_to_get_one(environment: Environment) -> None:
    code, _, errors = await call("login", environment=environment)
    assert code == 2
    assert "app.client_id is empty: register an application at https://dev.twitch.tv/console" in errors


async def test_an_application_that_twitch_does_not_know_is_reported(environment: Environment) -> None:
    code, _, errors = await call(
        "login", environment=environment | {"COLORCHANGER_APP__CLIENT_ID": "nosuchapplication"}
    )
    assert code == 1
    assert "check app.client_id" in errors


async def test_all_wrong_settings_are_reported_at_once(environment: Environment, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('[color]\ndelay = [3, 1]\nstrategie = "random"\n', encoding="utf-8")
    del environment["COLORCHANGER_COLOR__DELAY"]
    code, output, errors = await call("run", environment={**environment, "COLORCHANGER_COLOR__THEME": "pink"})
    assert (code, output) == (2, "")
    assert len(errors.strip().splitlines()) == 3
    for sign in ("color.delay", "color.strategie", "COLORCHANGER_COLOR__THEME"):
        assert sign in errors


async def test_no_output_contains_a_secret(twitch: LocalTwitch, with_tokens: Environment, tmp_path: Path) -> None:
    log = tmp_path / "bot.log"
    secrets = {with_tokens["TWITCH_ACCESS_TOKEN_1"], with_tokens["TWITCH_REFRESH_TOKEN_1"]}
    with_tokens |= {"COLORCHANGER_LOG__FILE": str(log), "COLORCHANGER_LOG__LEVEL": "DEBUG"}
    twitch.faults.add("PUT /helix/chat/color", faults.status(500))
    twitch.faults.add("POST /oauth2/token", faults.status(500))
    twitch.expire("me")
    process = await start("run", "--debug", environment=with_tokens)
    await twitch.wait_subscribed("me", "me", timeout=15)
    await twitch.say("me", in_="me", text="hello")
    await twitch.wait_for(lambda: twitch.color_changes, timeout=10)
    await twitch.revoke_login("me")
    await twitch.say("me", in_="me", text="hello")
    await asyncio.sleep(1)
    process.send_signal(signal.SIGTERM)
    _, output, errors = await end(process)
    written = output + errors + log.read_text(encoding="utf-8")
    assert "me must log in again" in written
    assert [secret for secret in secrets if secret in written] == []
    assert "Bearer " not in written.replace("Bearer ***", "")


async def test_the_demo_ends_by_itself_with_a_summary(environment: Environment) -> None:
    code, output, errors = await call("demo", "--messages", "2", environment=environment)
    assert (code, errors) == (0, "")
    assert "2 messages, 2 colour changes, median " in output
    assert "colorchanger login" in output.partition("\nNext:\n")[2]


async def test_the_help_names_every_command(environment: Environment) -> None:
    code, output, _ = await call("--help", environment=environment)
    assert code == 0
    for command in ("demo", "run", "login", "health", "config"):
        assert f"\n    {command} " in output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["rnu"], "there is no command 'rnu'; did you mean run? (help: colorchanger --help)"),
        (["config", "zzz"], "there is no command 'zzz' (help: colorchanger config --help)"),
        (["--debug", "run"], "--debug: a command comes first, its options after it (help: colorchanger --help)"),
        (["run", "--conf", "x"], "unrecognized arguments: --conf x (help: colorchanger run --help)"),
        (["logout", "run", "--confg"], "unrecognized arguments: --confg (help: colorchanger logout --help)"),
        (["run", "--confg", "x"], "unrecognized arguments: --confg x (help: colorchanger run --help)"),
        (["demo", "-n", "0"], 'argument -n/--messages: "0": write a whole number from 1 to 100'),
        (["preview", "-n", "9" * 5000], "write a whole number from 1 on"),
        (["import"], "name the file: colorchanger import FILE (or set TWITCH_CONF_FILE)"),
    ],
)
async def test_wrong_arguments_are_one_line(arguments: list[str], said: str, environment: Environment) -> None:
    code, output, errors = await call(*arguments, environment=environment)
    assert (code, output, errors.count("\n")) == (2, "", 1)
    assert said in errors


async def test_a_file_that_cannot_be_written_is_one_line(environment: Environment, tmp_path: Path) -> None:
    for target in (tmp_path, tmp_path / "nowhere" / "x.html"):
        code, _, errors = await call("preview", "-n", "1", "--html", str(target), environment=environment)
        assert (code, errors.count("\n")) == (2, 1)
        assert f"{target}: cannot be written: " in errors


async def test_hostile_arguments_stay_on_their_line(environment: Environment) -> None:
    code, _, errors = await call("run", "--\x1b[31mx\ny" + "z" * 5000, environment=environment)
    assert (code, errors.count("\n"), "\x1b" in errors) == (2, 1, False)
    assert len(errors) < 300


async def test_the_version_is_printed_where_output_belongs(environment: Environment) -> None:
    for option in ("--version", "-V"):
        code, output, errors = await call(option, environment=environment)
        assert (code, errors) == (0, "")
        assert output.startswith("colorchanger ")


async def test_the_licence_is_shown(environment: Environment) -> None:
    code, output, errors = await call("--licenses", environment=environment)
    assert (code, errors) == (0, "")
    assert "MIT" in output.splitlines()[0]
    assert output.endswith("installed beside it, with their own licences.\n")


@pytest.mark.parametrize("words", [[], ["login"], ["config", "show"]])
async def test_help_is_a_command_too(words: list[str], environment: Environment) -> None:
    asked, usual = await asyncio.gather(
        call("help", *words, environment=environment), call(*words, "--help", environment=environment)
    )
    assert asked == usual
    assert asked[0] == 0


async def test_every_line_of_an_error_begins_with_the_name_of_the_program(environment: Environment) -> None:
    wrong = environment | {"COLORCHANGER_COLOR__THEME": "pink", "COLORCHANGER_WEB__PORT": "x"}
    (_, _, settings), (_, _, arguments), (_, _, files) = await asyncio.gather(
        call("run", environment=wrong),
        call("run", "--confg", environment=environment),
        call("import", "nosuchfile", environment=environment),
    )
    lines = [line for text in (settings, arguments, files) for line in text.splitlines()]
    assert len(lines) == 4
    assert all(line.startswith("colorchanger: ") for line in lines)


@pytest.mark.skipif(sys.platform == "win32", reason="a shell's redirection")
async def test_closed_streams_do_not_fail_the_command(environment: Environment) -> None:
    for closed in ("2>&-", ">&-", ">&- 2>&-"):
        line = f'"{sys.executable}" -m colorchanger_bot accounts {closed}'
        process = await asyncio.create_subprocess_shell(line, env=environment, cwd=environment["HOME"])
        assert await process.wait() == 0


async def test_a_group_without_a_command_shows_its_help(environment: Environment) -> None:
    for group in (["config"], ["key"]):
        code, output, errors = await call(*group, environment=environment)
        assert (code, errors) == (2, "")
        assert output == (await call(*group, "--help", environment=environment))[1]


async def test_a_reader_that_closes_the_pipe_early_causes_no_traceback(environment: Environment) -> None:
    process = await start("preview", "--json", "-n", "3000", environment=environment)
    assert process.stdout
    assert (await process.stdout.readline()).startswith(b"{")
    process.stdout._transport.close()  # pyright: ignore[reportAttributeAccessIssue]
    assert process.stderr
    assert await process.stderr.read() == b""
    assert await process.wait() == 0


AS_NOBODY = ("unshare", "--user", "--map-user=54321")
"""Runs a command as a user id that has no name."""


def can_be_nobody() -> bool:
    with contextlib.suppress(OSError):
        return subprocess.run([*AS_NOBODY, "true"], capture_output=True, check=False).returncode == 0
    return False


@pytest.mark.skipif(not can_be_nobody(), reason="this system lets no process have another user id")
@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["run"], "this user has no home directory to keep the store in: set HOME, or storage.url"),
        (["accounts"], "this user has no home directory to keep the store in: set HOME, or storage.url"),
        (["config", "show"], ""),
    ],
    ids=str,
)
async def test_a_user_without_a_name_and_a_home_gets_a_line_and_no_traceback(
    command: list[str], said: str, environment: Environment, tmp_path: Path
) -> None:
    for name in ("HOME", "COLORCHANGER_STORAGE__URL", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        environment.pop(name, None)
    process = await asyncio.create_subprocess_exec(
        *AS_NOBODY, sys.executable, "-m", "colorchanger_bot", *command,
        env=environment, cwd=tmp_path, stdout=PIPE, stderr=PIPE,
    )  # fmt: skip
    code, _, errors = await end(process)
    assert (code, "Traceback" in errors) == (1 if said else 0, False)
    assert errors == (f"colorchanger: {said}\n" if said else "")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what a process does on a signal")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
@pytest.mark.parametrize("later", [0.0, 0.1, 0.4])
async def test_a_stop_while_it_starts_is_a_clean_stop(
    later: float, number: signal.Signals, with_tokens: Environment
) -> None:
    async with running(with_tokens) as process:
        await until(lambda: catches(process.pid, signal.SIGTERM), seconds=20)  # until then Python itself is starting
        await asyncio.sleep(later)
        process.send_signal(number)
        async with asyncio.timeout(10):
            code, _, errors = await end(process)
    assert (code, "Traceback" in errors) == (0, False), errors


def catches(pid: int, number: signal.Signals) -> bool:
    """Whether a process has a handler for a signal: the mask `SigCgt` in its status, see proc(5)."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    (mask,) = (line.split()[1] for line in status.splitlines() if line.startswith("SigCgt"))
    return bool(int(mask, 16) >> (number - 1) & 1)
