"""The commands about accounts, as real processes; none of them prints a secret."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from colorchanger_bot.changer.memory import Remembered
from colorchanger_bot.sandbox import LocalTwitch, faults
from colorchanger_bot.store.store import Store, TokenPair
from colorchanger_bot.vault import is_key, new_key
from tests.conftest import SCOPES
from tests.processes import Environment, call, end, running, start

SECRET = "s3cr3toftheapplication"


@pytest.fixture
def conf(twitch: LocalTwitch, tmp_path: Path) -> Path:
    """A twitch_colorchanger.conf with one account."""
    twitch.add_user("me", "#FF0000", turbo=True)
    app = twitch.add_app(client_secret=SECRET)
    pair = twitch.issue_tokens("me", app.client_id, SCOPES)
    user = {
        "username": "me",
        "client_id": app.client_id,
        "client_secret": SECRET,
        "access_token": pair.access,
        "refresh_token": pair.refresh,
        "channels": ["#me"],
    }
    path = tmp_path / "twitch_colorchanger.conf"
    path.write_text(json.dumps({"users": [user]}), encoding="utf-8")
    return path


def secrets_of(conf: Path) -> set[str]:
    (user,) = json.loads(conf.read_text(encoding="utf-8"))["users"]
    return {user["access_token"], user["refresh_token"], SECRET}


def remove_tokens(conf: Path, channels: list[str]) -> None:
    (user,) = json.loads(conf.read_text(encoding="utf-8"))["users"]
    bare = {key: value for key, value in user.items() if not key.endswith("_token")} | {"channels": channels}
    conf.write_text(json.dumps({"users": [bare]}), encoding="utf-8")


def name_no_application(conf: Path, refresh_token: str) -> None:
    """Leave an account whose access token has expired, so that Twitch does not say of which application it is."""
    user = {"username": "me", "access_token": "expiredlongago", "refresh_token": refresh_token}
    conf.write_text(json.dumps({"users": [user]}), encoding="utf-8")


def damage(url: str) -> None:
    Path(url.removeprefix("sqlite:///")).write_bytes(b"no database" * 500)


def issued_by(twitch: LocalTwitch) -> set[str]:
    """Return every token and device code that is valid now."""
    tokens, devices = twitch._tokens, twitch._devices  # pyright: ignore[reportPrivateUsage]
    return {*tokens._access, *tokens._refresh, *devices._waiting}  # pyright: ignore[reportPrivateUsage]


async def test_from_an_import_to_a_logout(twitch: LocalTwitch, environment: Environment, conf: Path) -> None:
    code, output, errors = await call("import", str(conf), environment=environment)
    assert (code, errors) == (0, "")
    assert output.startswith("me: imported\nStop the other program for good")
    async with running(environment) as process:
        await twitch.wait_subscribed("me", "me", timeout=15)
        code, _, errors = await call(
            "key", "rotate", environment=environment | {"COLORCHANGER_STORAGE__KEY": new_key()}
        )
        assert code == 4
        process.send_signal(signal.SIGTERM)
        await end(process)
    code, output, errors = await call("logout", "me", environment=environment)
    assert (code, output, errors) == (0, "me is logged out\n", "")
    (code, output, _), (second, _, errors) = await asyncio.gather(
        call("accounts", "--json", environment=environment), call("logout", "me", environment=environment)
    )
    assert (code, json.loads(output)) == (0, [])
    assert (second, errors) == (2, "colorchanger: me is not logged in; nobody is\n")


async def test_members_of_a_community_are_sums_and_are_logged_out_together(
    twitch: LocalTwitch, environment: Environment, store_url: str
) -> None:
    key, app = new_key(), twitch.add_app()
    environment |= {
        "COLORCHANGER_APP__CLIENT_ID": app.client_id,
        "COLORCHANGER_STORAGE__KEY": key,
        "COLORCHANGER_COMMUNITY__ENABLED": "true",
        "COLORCHANGER_COMMUNITY__CHANNEL": "me",
    }
    async with Store.open(store_url, [key]) as store:
        for login in ("me", "one", "two", "three"):
            user = twitch.add_user(login, "#FF0000", turbo=True)
            made = twitch.issue_tokens(login, app.client_id, SCOPES if login == "me" else ("user:manage:chat_color",))
            pair = TokenPair(made.access, made.refresh, scopes=frozenset(made.scopes))
            if login == "me":
                await store.put_login(login, app.client_id, pair, user.id)
            else:
                await store.put_member(login, app.client_id, pair, user.id, at=1.0, most=9)
    async with running(environment) as process:
        await twitch.wait_subscribed("me", "me", timeout=15)
        await twitch.say("two", in_="me", text="!color off")
        health: dict[str, Any] = {}
        deadline = time.monotonic() + 20
        while health.get("members") != {"on": 2, "off": 1} and time.monotonic() < deadline:
            health = json.loads((await call("health", "--json", environment=environment))[1])
        assert health["members"] == {"on": 2, "off": 1}
        assert [each["login"] for each in health["accounts"]] == ["me"]
        code, output, _ = await call("doctor", environment=environment)
        assert "fine     community: 3 members: 3 on\n" in output
        code, _, errors = await call("logout", "--members", environment=environment)
        assert (code, "already running" in errors) == (4, True)
        process.send_signal(signal.SIGTERM)
        _, output, _ = await end(process)
        assert "community of #me: 3 members" in output
        assert "  3 members: 0 messages seen, 0 colours changed" in output
    async with Store.open(store_url, [key]) as store:
        for login in ("one", "two", "three"):
            await store.remember(twitch.user(login).id, Remembered(original="#00FF00"))
    code, output, _ = await call("accounts", environment=environment)
    assert output.splitlines()[-1] == "community of #me: 3 members: 3 not read"
    code, output, errors = await call("logout", "--members", environment=environment)
    assert (code, output, errors) == (0, "3 members logged out and deleted\n", "")
    assert [twitch.user(login).color for login in ("one", "two", "three")] == ["#00FF00"] * 3
    assert [seen.status for seen in twitch.requests if seen.path == "/oauth2/revoke"] == [200] * 3
    async with Store.open(store_url, [key]) as store:
        assert [login.login for login in await store.logins()] == ["me"]


@pytest.mark.parametrize("arguments", [(), ("me", "--members")])
async def test_a_logout_is_of_an_account_or_of_the_members(
    arguments: tuple[str, ...], environment: Environment
) -> None:
    code, _, errors = await call("logout", *arguments, environment=environment)
    assert (code, errors) == (
        2,
        "colorchanger: name the account: colorchanger logout LOGIN (or --members for all of the community)\n",
    )


async def test_a_run_refuses_a_community_without_a_key_in_one_line(environment: Environment) -> None:
    environment |= {"COLORCHANGER_COMMUNITY__ENABLED": "true", "COLORCHANGER_COMMUNITY__CHANNEL": "me"}
    code, output, errors = await call("run", environment=environment)
    assert (code, output) == (2, "")
    assert errors == (
        "colorchanger: storage.key is empty, and the logins of a community must be encrypted; "
        "run: colorchanger key new\n"
    )


@pytest.mark.parametrize("way", ["command", "variable"])
async def test_an_import_knows_the_application_that_was_set_on_the_page(
    way: str, twitch: LocalTwitch, environment: Environment, conf: Path, store: Store
) -> None:
    public = twitch.add_app().client_id
    name_no_application(conf, twitch.issue_tokens("me", public, SCOPES).refresh)
    code, output, _ = await call("import", str(conf), environment=environment)
    assert (code, "its application is not known: set app.client_id" in output) == (1, True)
    await store.change_preferences({"app.client_id": public})
    if way == "command":
        code, output, _ = await call("import", str(conf), environment=environment)
        assert (code, output.startswith("me: imported")) == (0, True)
        return
    async with running(environment | {"TWITCH_CONF_FILE": str(conf)}) as process:
        await twitch.wait_subscribed("me", "me", timeout=15)
        process.send_signal(signal.SIGTERM)
        await end(process)


async def test_the_file_in_the_environment_is_imported_at_the_start(
    twitch: LocalTwitch, environment: Environment, conf: Path
) -> None:
    async with running(environment | {"TWITCH_CONF_FILE": str(conf)}) as process:
        await twitch.wait_subscribed("me", "me", timeout=15)
        process.send_signal(signal.SIGTERM)
        _, output, _ = await end(process)
    assert "TWITCH_CONF_FILE: me: imported" in output


async def test_a_conf_file_without_tokens_leads_from_login_to_run(
    twitch: LocalTwitch, environment: Environment, conf: Path
) -> None:
    twitch.add_user("friend")
    remove_tokens(conf, channels=["#friend"])
    environment |= {"TWITCH_CONF_FILE": str(conf)}
    process = await start("login", environment=environment)
    await twitch.wait_for(lambda: twitch.pending_devices, timeout=15)
    twitch.approve_device(twitch.pending_devices[0].user_code, "me")
    code, output, _ = await end(process)
    assert (code, "logged in as me; now run: colorchanger run" in output) == (0, True)
    async with running(environment):
        await twitch.wait_subscribed("me", "friend", timeout=15)
        twitch.expire("me")
        await twitch.say("me", in_="friend", text="hello")  # the secret of its application is known, too
        await twitch.wait_for(lambda: twitch.color_changes, timeout=10)


async def test_keys_from_new_to_off(environment: Environment, store: Store, store_url: str) -> None:
    made = await store.put_login("me", "client", TokenPair("access-in-the-clear", "refresh-in-the-clear"))
    code, output, errors = await call("key", "new", environment=environment)
    key = output.strip()
    assert (code, is_key(key), key in errors) == (0, True, False)
    with_key = environment | {"COLORCHANGER_STORAGE__KEY": f"{key},{new_key()}"}
    code, output, errors = await call("key", "rotate", environment=with_key)
    assert (code, errors) == (0, "")
    assert "1 entry encrypted again" in output
    (_, _, wrong), (_, _, without) = await asyncio.gather(
        call("run", environment=environment | {"COLORCHANGER_STORAGE__KEY": new_key()}),
        call("accounts", environment=environment),
    )
    assert "storage.key is not the key that encrypted the logins" in wrong
    assert "the logins are encrypted: set storage.key" in without
    code, output, _ = await call("key", "off", environment=with_key)
    assert (code, "1 entry decrypted" in output) == (0, True)
    assert await store.logins() == [made]


async def test_a_malformed_key_is_refused_and_not_shown(environment: Environment) -> None:
    key = new_key()[:-3]
    code, _, errors = await call("accounts", environment=environment | {"COLORCHANGER_STORAGE__KEY": key})
    assert code == 2
    assert "make one with: colorchanger key new" in errors
    assert key not in errors


async def test_a_login_says_what_it_asks_for_and_takes_more_scopes(
    twitch: LocalTwitch, environment: Environment
) -> None:
    twitch.add_user("me")
    environment |= {"COLORCHANGER_APP__CLIENT_ID": twitch.add_app().client_id, "COLORCHANGER_COMMANDS__REPLY": "never"}
    process = await start("login", "--scopes", "user:read:follows", environment=environment)
    await twitch.wait_for(lambda: twitch.pending_devices, timeout=15)
    twitch.approve_device(twitch.pending_devices[0].user_code, "me")
    _, output, _ = await end(process)
    for line in (
        "user:manage:chat_color: to change your colour",
        "user:read:chat: to see your messages",
        "user:read:follows: to know which of the channels you follow are live",
    ):
        assert f"\n  {line}\n" in output
    assert "user:write:chat" not in output
    (_, listed, _), (code, _, errors) = await asyncio.gather(
        call("accounts", "--json", environment=environment),
        call("login", "--scopes", "everything!", environment=environment),
    )
    assert (code, errors.startswith("colorchanger: --scopes: ")) == (2, True)
    assert json.loads(listed)[0]["scopes"] == ["user:manage:chat_color", "user:read:chat", "user:read:follows"]


async def test_the_doctor_ends_with_a_verdict_and_an_exit_code(environment: Environment, conf: Path) -> None:
    await call("import", str(conf), environment=environment)
    code, output, errors = await call("doctor", environment=environment)
    assert (code, errors) == (1, "")
    assert output.splitlines()[-1] == "1 thing wrong: bot"
    code, output, _ = await call("doctor", "--json", environment=environment | {"COLORCHANGER_COLOR__THEME": "pink"})
    assert (code, json.loads(output)["ok"]) == (1, False)
    assert "COLORCHANGER_COLOR__THEME" in json.loads(output)["findings"][0]["text"]


async def test_no_failure_prints_a_secret(
    twitch: LocalTwitch, environment: Environment, conf: Path, tmp_path: Path, store_url: str
) -> None:
    log = tmp_path / "bot.log"
    key = new_key()
    environment |= {
        "COLORCHANGER_LOG__FILE": str(log),
        "COLORCHANGER_STORAGE__KEY": key,
        "COLORCHANGER_APP__CLIENT_ID": twitch.add_app("abcdefghijklmnopqrstuvwxyz0123", SECRET + "2").client_id,
        "COLORCHANGER_APP__CLIENT_SECRET": SECRET + "2",
        "TWITCH_CONF_FILE": str(conf),
    }
    written: list[str] = []

    async def collect(*arguments: str, **more: str) -> None:
        _, output, errors = await call(*arguments, environment=environment | more)
        written.extend((output, errors))

    for action, commands in (
        (faults.drop(), (["doctor", "--debug"], ["login", "--debug"])),
        (faults.garbage(), (["login", "--debug"], ["doctor", "--json"])),
        (faults.status(401, message="Invalid token"), (["login", "--debug"], ["import", str(conf), "--debug"])),
    ):
        twitch.faults.add("*", action, times=None)
        await asyncio.gather(*(collect(*command) for command in commands))
        twitch.faults.clear()
    twitch.faults.add("PUT /helix/chat/color", faults.status(500))
    twitch.faults.add("POST /oauth2/token", faults.garbage())
    twitch.expire("me")
    process = await start("run", "--debug", environment=environment)
    await twitch.wait_subscribed("me", "me", timeout=20)
    await twitch.say("me", in_="me", text="hello")
    await twitch.wait_for(lambda: twitch.color_changes, timeout=10)
    await asyncio.gather(collect("accounts", "--json"), collect("doctor", "--json"), collect("run", "--debug"))
    known = {*secrets_of(conf), key, SECRET + "2", *issued_by(twitch)}
    await twitch.revoke_login("me")
    await twitch.say("me", in_="me", text="hello")
    await asyncio.sleep(1)
    await collect("health", "--debug")
    process.send_signal(signal.SIGTERM)
    written += (await end(process))[1:]
    await asyncio.gather(
        collect("config", "show"),
        collect("accounts", "--debug", COLORCHANGER_STORAGE__KEY=new_key()),
        collect("logout", "me", "--debug"),
    )
    damage(store_url)
    await collect("accounts", "--debug")
    everything = "\n".join([*written, log.read_text(encoding="utf-8")])
    assert "me must log in again" in everything
    assert "is damaged" in everything
    assert len(known) >= 6
    assert [secret for secret in known if secret in everything] == []
    assert "Bearer " not in everything.replace("Bearer ***", "")
