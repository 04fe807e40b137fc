"""The command line as a user meets it: real processes, their output, their exit codes."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from pathlib import Path

import pytest

from colorchanger_bot.color import Color
from colorchanger_bot.color.readable import readable
from colorchanger_bot.sandbox import LocalTwitch, faults
from tests.fakes import until
from tests.processes import Environment, call, end, running, start


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_run_does_its_job_and_stops_cleanly_on_a_signal(
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
    assert "me: random, 0 to 0 s after a message in #me" in output
    assert "me: 1 message(s) seen, " in output
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


async def test_a_second_process_on_the_same_store_is_told_about_the_first(
    twitch: LocalTwitch, with_tokens: Environment
) -> None:
    async with running(with_tokens) as first:
        await twitch.wait_subscribed("me", "me", timeout=15)
        code, _, errors = await call("run", environment=with_tokens)
    assert code == 4
    assert f"ColorChanger is already running on this store (process {first.pid})" in errors
    assert len(errors.strip().splitlines()) == 1


async def test_health_tells_a_running_bot_from_a_stopped_one(twitch: LocalTwitch, with_tokens: Environment) -> None:
    code, output, _ = await call("health", environment=with_tokens)
    assert (code, output.strip()) == (1, "not running: there is no store yet")
    async with running(with_tokens) as process:
        await twitch.wait_subscribed("me", "me", timeout=15)
        code, output, _ = await call("health", environment=with_tokens)
        assert code == 0
        assert f"running as process {process.pid}" in output
        process.send_signal(signal.SIGTERM)
        await end(process)
    code, output, _ = await call("health", environment=with_tokens)
    assert (code, output.strip()) == (1, "not running")


async def test_a_bot_that_cannot_be_loaded_is_not_said_to_run(with_tokens: Environment, tmp_path: Path) -> None:
    (tmp_path / "twitchio.py").write_text("raise ImportError('half an upgrade')\n", encoding="utf-8")
    broken = with_tokens | {"PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    code, _, errors = await call("run", environment=broken)
    assert (code, "half an upgrade" in errors) == (1, True)
    code, output, _ = await call("health", environment=with_tokens)
    assert (code, output.strip()) == (1, "not running: there is no store yet")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows ends a process without asking it")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("wrong", ["COLORCHANGER_COLOR__THEME=pink", "COLORCHANGER_STORAGE__URL=sqlite:////dev/null/a"])
async def test_a_signal_after_the_error_of_a_run_makes_no_success_of_it(
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
    assert (code, errors.strip()) == (3, "no account is logged in yet; run: colorchanger login")


async def test_log_in_and_run_is_all(twitch: LocalTwitch, environment: Environment) -> None:
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
    assert "logged in as me: now run: colorchanger run" in output
    async with running(environment):
        await twitch.wait_subscribed("me", "me", timeout=15)
        await twitch.say("me", in_="me", text="hello")
        await twitch.wait_for(lambda: twitch.color_changes)


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


async def test_login_with_an_application_that_twitch_does_not_know(environment: Environment) -> None:
    code, _, errors = await call(
        "login", environment=environment | {"COLORCHANGER_APP__CLIENT_ID": "nosuchapplication"}
    )
    assert code == 1
    assert "check app.client_id" in errors


async def test_wrong_settings_are_said_all_at_once(environment: Environment, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('[color]\ndelay = [3, 1]\nstrategie = "random"\n', encoding="utf-8")
    del environment["COLORCHANGER_COLOR__DELAY"]
    code, output, errors = await call("run", environment={**environment, "COLORCHANGER_COLOR__THEME": "pink"})
    assert (code, output) == (2, "")
    assert len(errors.strip().splitlines()) == 3
    for sign in ("color.delay", "color.strategie", "COLORCHANGER_COLOR__THEME"):
        assert sign in errors


async def test_nothing_that_is_written_holds_a_secret(
    twitch: LocalTwitch, with_tokens: Environment, tmp_path: Path
) -> None:
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
async def test_what_cannot_be_called_so_is_one_line(arguments: list[str], said: str, environment: Environment) -> None:
    code, output, errors = await call(*arguments, environment=environment)
    assert (code, output, errors.count("\n")) == (2, "", 1)
    assert said in errors


async def test_what_cannot_be_written_is_one_line(environment: Environment, tmp_path: Path) -> None:
    for target in (tmp_path, tmp_path / "nowhere" / "x.html"):
        code, _, errors = await call("preview", "-n", "1", "--html", str(target), environment=environment)
        assert (code, errors.count("\n")) == (2, 1)
        assert f"{target}: cannot be written: " in errors


async def test_hostile_arguments_stay_on_their_line(environment: Environment) -> None:
    code, _, errors = await call("run", "--\x1b[31mx\ny" + "z" * 5000, environment=environment)
    assert (code, errors.count("\n"), "\x1b" in errors) == (2, 1, False)
    assert len(errors) < 300


async def test_the_version_is_printed_where_output_belongs(environment: Environment) -> None:
    code, output, errors = await call("--version", environment=environment)
    assert (code, errors) == (0, "")
    assert output.startswith("colorchanger ")


@pytest.mark.skipif(sys.platform == "win32", reason="a shell's redirection")
async def test_closed_streams_are_no_reason_to_fail(environment: Environment) -> None:
    for closed in ("2>&-", ">&-", ">&- 2>&-"):
        line = f'"{sys.executable}" -m colorchanger_bot accounts {closed}'
        process = await asyncio.create_subprocess_shell(line, env=environment, cwd=environment["HOME"])
        assert await process.wait() == 0


async def test_without_a_command_the_help_is_shown(environment: Environment) -> None:
    for group in ([], ["config"], ["key"]):
        code, output, errors = await call(*group, environment=environment)
        assert (code, errors) == (2, "")
        assert output == (await call(*group, "--help", environment=environment))[1]


async def test_who_reads_only_the_beginning_gets_it_without_a_traceback(environment: Environment) -> None:
    process = await start("preview", "--json", "-n", "3000", environment=environment)
    assert process.stdout
    assert (await process.stdout.readline()).startswith(b"{")
    process.stdout._transport.close()  # pyright: ignore[reportAttributeAccessIssue]
    assert process.stderr
    assert await process.stderr.read() == b""
    assert await process.wait() == 0


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what a process does on a signal")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
@pytest.mark.parametrize("later", [0.0, 0.1, 0.4])
async def test_a_stop_while_it_starts_is_a_clean_stop(
    later: float, number: signal.Signals, with_tokens: Environment
) -> None:
    async with running(with_tokens) as process:
        await until(lambda: catches(process.pid, signal.SIGTERM), seconds=20)  # before, Python itself is starting
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
