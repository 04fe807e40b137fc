"""The plugin in other people's bots: real TwitchIO bots with their own tokens and sockets, on the local Twitch."""

# ruff: noqa: ASYNC240 - the files here are small

from __future__ import annotations

import asyncio
import json
import logging
import os
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import twitchio
from aiohttp import web
from twitchio import eventsub
from twitchio.ext import commands

from colorchanger_bot.bot.colors import TwitchioColors
from colorchanger_bot.color import Color
from colorchanger_bot.errors import (
    ChannelRefused,
    ColorChangerError,
    ColorRejected,
    MissingScope,
    NeedsLogin,
    OutcomeUnknown,
    RateLimited,
    TokenRefused,
    TwitchUnavailable,
)
from colorchanger_bot.sandbox import App, LocalTwitch, faults
from colorchanger_bot.wiring import attach, changer_for
from tests.conftest import SCOPES
from tests.fakes import until
from tests.hosts import COGS, Host, Hosts, page, quick, ready
from tests.twitch import foreign

PUT = "PUT /helix/chat/color"
SAY = "POST /helix/chat/messages"
REFRESH = "POST /oauth2/token"
FILE = Path(".tio.tokens.json")
NAMED = Color.parse("hot pink")
HEX = Color.parse("#123456")


class Eager(Host):
    """Runs its own account's commands too."""

    async def event_message(self, payload: twitchio.ChatMessage) -> None:
        await self.process_commands(payload)


class Guarded(Host):
    """Runs nobody's commands."""

    async def global_guard(self, ctx: commands.Context[Any], /) -> bool:
        return False


class Counting(Host):
    """Counts the contexts that are built, and does not process commands."""

    contexts = 0

    async def event_message(self, payload: twitchio.ChatMessage) -> None:
        """Do nothing."""

    def get_context(self, payload: Any, *, cls: Any = None) -> Any:
        self.contexts += 1
        return super().get_context(payload, cls=cls)


class Possessive(Host):
    """Has a coroutine as `get_context`, which TwitchIO's own command processing cannot use."""

    async def get_context(self, payload: Any, *, cls: Any = None) -> Any:  # type: ignore[override]
        await asyncio.sleep(0)
        return super().get_context(payload, cls=cls)

    async def event_message(self, payload: twitchio.ChatMessage) -> None:
        await self.get_context(payload)


class Numbered(Host):
    """Gives its account's id as a number."""

    def __init__(self, twitch: LocalTwitch, login: str, app: App, **options: Any) -> None:
        super().__init__(twitch, login, app, bot_id=int(twitch.user(login).id), **options)


class Tracking(Host):
    """Records which of its methods are called."""

    def __init__(self, *args: Any, **options: Any) -> None:
        self.called: list[str] = []
        super().__init__(*args, **options)
        self.called.clear()

    def get_context(self, payload: Any, *, cls: Any = None) -> Any:
        self.called.append("get_context")
        return super().get_context(payload, cls=cls)

    async def invoke(self, ctx: commands.Context[Any]) -> None:
        self.called.append("invoke")
        await super().invoke(ctx)

    def add_command(self, command: Any, /) -> None:
        self.called.append("add_command")
        super().add_command(command)

    async def before_invoke(self, ctx: commands.Context[Any]) -> None:
        self.called.append("before_invoke")


class AutoHost(Host, commands.AutoBot):
    """Reads chat from a conduit, which the local Twitch does not have."""


@pytest.fixture
async def host(hosts: Hosts) -> Host:
    """A bot with our cogs that reads its own channel."""
    return await ready(hosts)


def lines(twitch: LocalTwitch, line: str) -> int:
    return sum(seen.line == line for seen in twitch.requests)


def answers(twitch: LocalTwitch) -> list[str]:
    return [seen.body["message"] for seen in twitch.requests if seen.line == SAY and seen.status]


def is_off(bot: Host) -> bool:
    painter = changer_for(bot).get(bot.channel.id)
    return painter is not None and not painter.settings.enabled


def counted(bot: Host) -> int:
    """The number of own messages that counted."""
    return sum(painter.messages for painter in changer_for(bot))


def our_tasks() -> list[str]:
    return [task.get_name() for task in asyncio.all_tasks() if "colour" in task.get_name()]


async def quiet() -> None:
    """Wait long enough for something that must not happen."""
    await asyncio.sleep(0.15)


class TestTheMainJob:
    async def test_an_own_message_leads_to_one_change_with_the_bots_own_token(
        self, host: Host, twitch: LocalTwitch
    ) -> None:
        await twitch.say("me", in_="me", text="hello")
        await twitch.wait_for(lambda: twitch.color_changes)
        await quiet()
        assert [(seen.login, seen.query["user_id"]) for seen in twitch.requests if seen.line == PUT] == [
            ("me", host.channel.id)
        ]
        assert host.errors == []

    @pytest.mark.parametrize("module", ["color_changer", "color_commands", "token_lifecycle"])
    async def test_one_cog_copied_into_the_hosts_own_package(
        self, module: str, hosts: Hosts, twitch: LocalTwitch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        package = tmp_path / f"host_of_{module}"
        package.mkdir()
        shutil.copy(Path(__file__).parents[2] / "cogs" / f"{module}.py", package)
        monkeypatch.syspath_prepend(tmp_path)
        bot = await hosts.start()
        attach(bot, settings=quick())
        await bot.read(bot.channel.id)
        for _ in range(2):
            await bot.load_module(f"{package.name}.{module}")
            await bot.unload_module(f"{package.name}.{module}")
        await bot.load_module(f"{package.name}.{module}")
        await twitch.say("me", in_="me", text="!color hex #00ff00" if module == "color_commands" else "hello")
        if module != "token_lifecycle":
            await twitch.wait_for(lambda: twitch.color_changes)
        assert bot.errors == []

    async def test_without_attach(self, hosts: Hosts, twitch: LocalTwitch) -> None:
        bot = await hosts.start()
        await bot.load_module(COGS)
        await bot.read(bot.channel.id)
        await twitch.say("me", in_="me", text="hello")
        await until(lambda: counted(bot) == 1)
        await twitch.say("me", in_="me", text="!color hex #00ff00")
        await twitch.wait_for(lambda: twitch.user("me").color == "#00FF00")

    async def test_nothing_happens_after_unloading(self, host: Host, twitch: LocalTwitch) -> None:
        attach(host, settings=quick(color={"delay": 0.2}))
        await twitch.say("me", in_="me", text="hello")
        await until(our_tasks)
        await host.unload_module(COGS)
        await twitch.say("me", in_="me", text="hello")
        await asyncio.sleep(0.4)
        assert (twitch.color_changes, our_tasks()) == ([], [])

    async def test_settings_and_colours_survive_unloading_and_reloading(self, host: Host, twitch: LocalTwitch) -> None:
        painter = await changer_for(host).manage(host.channel.id, "me", quick().color)
        await twitch.say("me", in_="me", text="!color hex #00ff00")
        await until(lambda: answers(twitch))
        await host.reload_module(COGS)
        await host.unload_module(COGS)
        await host.load_module(COGS)
        await twitch.say("me", in_="me", text="!color")
        await until(lambda: len(answers(twitch)) == 2)
        assert answers(twitch)[-1].startswith("Held at #00FF00")
        assert (painter.current, changer_for(host)[host.channel.id]) == (Color.parse("#00FF00"), painter)

    async def test_attaching_again_while_the_cogs_are_loaded(self, host: Host, twitch: LocalTwitch) -> None:
        await twitch.say("me", in_="me", text="!color off")
        await until(lambda: answers(twitch))
        attach(host, settings=quick(color={"strategy": "presets"}))
        await twitch.say("me", in_="me", text="hello")
        await twitch.say("me", in_="me", text="!color")
        await until(lambda: len(answers(twitch)) == 2)
        await twitch.say("me", in_="me", text="!color on")
        await until(lambda: len(answers(twitch)) == 3)
        assert twitch.color_changes == []
        assert answers(twitch)[1:] == [
            "off. To turn it on: !color on",
            "on: a new colour after each of your messages (presets)",
        ]

    async def test_closing_the_changer_puts_the_colour_back(self, hosts: Hosts, twitch: LocalTwitch) -> None:
        bot = await ready(hosts, color={"restore": True})
        await twitch.say("me", in_="me", text="hello")
        await until(lambda: [painter.changes for painter in changer_for(bot)] == [1])
        await changer_for(bot).close()
        assert twitch.user("me").color == "#FF0000"

    async def test_two_bots_in_one_process_keep_apart(self, hosts: Hosts, twitch: LocalTwitch) -> None:
        one, two = await ready(hosts), await ready(hosts, Eager, "other")
        await one.reload_module(COGS)
        await twitch.say("me", in_="me", text="hello")
        await twitch.wait_for(lambda: twitch.color_changes)
        await twitch.say("other", in_="other", text="!color off")
        await until(lambda: is_off(two))
        await two.unload_module(COGS)
        await twitch.say("me", in_="me", text="hello")
        await twitch.wait_for(lambda: len(twitch.color_changes) == 2)
        assert {change.login for change in twitch.color_changes} == {"me"}
        assert changer_for(one)[one.channel.id].settings.enabled
        assert one.errors + two.errors == []

    async def test_an_autobot(self, hosts: Hosts, twitch: LocalTwitch) -> None:
        twitch.faults.add("GET /helix/eventsub/conduits", says({"data": [{"id": "conduit", "shard_count": 1}]}))
        twitch.faults.add("PATCH /helix/eventsub/conduits/shards", says({"data": [], "errors": []}))
        bot = await hosts.start(AutoHost)
        attach(bot, settings=quick(commands={"reply": "never"}))
        await bot.load_module(COGS)
        await bot.reload_module(COGS)
        bot.dispatch("message", message(bot, twitch, "me", "hello"))
        await twitch.wait_for(lambda: len(twitch.color_changes) == 1)
        bot.dispatch("message", message(bot, twitch, "me", "!color hex #00ff00"))
        await twitch.wait_for(lambda: twitch.user("me").color == "#00FF00")
        await bot.unload_module(COGS)
        assert (set(bot.commands), bot.errors) == ({"hello"}, [])


def message(bot: commands.Bot, twitch: LocalTwitch, login: str, text: str, **fields: Any) -> twitchio.ChatMessage:
    """A message in that user's channel, as TwitchIO would build it."""
    user = twitch.user(login)
    names = {"user_id": user.id, "user_login": user.login, "user_name": user.display_name}
    event: dict[str, Any] = {
        **{f"{role}_{key}": value for role in ("broadcaster", "chatter") for key, value in names.items()},
        **dict.fromkeys(["source_broadcaster_user_id", "source_broadcaster_user_login", "source_message_id"]),
        **dict.fromkeys(["source_broadcaster_user_name", "channel_points_custom_reward_id", "cheer", "reply"]),
        "channel_points_animation_id": None,
        "message_id": f"{login}: {text}",
        "message": {"text": text, "fragments": []},
        "color": user.color,
        "badges": [],
        "message_type": "text",
        **fields,
    }
    return twitchio.ChatMessage(event, http=bot.http)  # pyright: ignore[reportArgumentType]


def mirror(bot: commands.Bot, twitch: LocalTwitch, of: twitchio.ChatMessage) -> twitchio.ChatMessage:
    source = {
        "source_broadcaster_user_id": "77",
        "source_broadcaster_user_login": "host",
        "source_broadcaster_user_name": "Host",
        "source_message_id": of.id,
        "message_id": f"mirror of {of.id}",
    }
    return message(bot, twitch, of.chatter.name or "", of.text, **source)


class TestCommands:
    @pytest.mark.parametrize("kind", [Host, Eager, Guarded])
    @pytest.mark.parametrize("text", ["hello", "!color off", "!colour hex #00ff00", "!color"])
    async def test_a_message_of_somebody_else_causes_nothing(
        self, kind: type[Host], text: str, hosts: Hosts, twitch: LocalTwitch, caplog: pytest.LogCaptureFixture
    ) -> None:
        bot = await ready(hosts, kind)
        twitch.add_user("stranger")
        asked = len(twitch.requests)
        caplog.clear()
        await twitch.say("stranger", in_="me", text=text)
        await quiet()
        assert (len(twitch.requests), bot.errors, list(changer_for(bot))) == (asked, [], [])
        assert [record for record in caplog.records if record.levelno >= logging.INFO] == []

    async def test_no_context_is_built_for_somebody_elses_message(self, hosts: Hosts, twitch: LocalTwitch) -> None:
        bot = await ready(hosts, Counting)
        twitch.add_user("stranger")
        await twitch.say("stranger", in_="me", text="!color off")
        await quiet()
        assert isinstance(bot, Counting)
        assert bot.contexts == 0

    @pytest.mark.parametrize("kind", [Host, Eager, Guarded])
    async def test_a_command_runs_once(self, kind: type[Host], hosts: Hosts, twitch: LocalTwitch) -> None:
        bot = await ready(hosts, kind)
        await twitch.say("me", in_="me", text="!color next")
        await until(lambda: answers(twitch))
        await quiet()
        assert (lines(twitch, PUT), len(answers(twitch)), bot.errors) == (1, 1, [])

    @pytest.mark.parametrize("kind", [Host, Eager])
    async def test_a_command_of_a_second_own_account_runs_once(
        self, kind: type[Host], hosts: Hosts, twitch: LocalTwitch
    ) -> None:
        bot = await ready(hosts, kind)
        second = twitch.add_user("second", "#00FF00", turbo=True)
        pair = twitch.issue_tokens("second", bot.http.client_id, SCOPES)
        await bot.add_token(pair.access, pair.refresh)
        await changer_for(bot).manage(second.id, "second", quick().color)
        await bot.read(second.id)
        await twitch.say("second", in_="second", text="!color next")
        await until(lambda: answers(twitch))
        await twitch.say("second", in_="second", text="hello")
        await twitch.wait_for(lambda: len(twitch.color_changes) == 2)
        await quiet()
        assert {change.login for change in twitch.color_changes} == {"second"}
        assert (lines(twitch, PUT), len(answers(twitch)), bot.errors) == (2, 1, [])

    async def test_a_command_in_a_chat_reply_works(self, host: Host, twitch: LocalTwitch) -> None:
        first = await twitch.say("me", in_="me", text="hello")
        await twitch.say("me", in_="me", text="!color off", reply_to=first)
        await until(lambda: is_off(host))

    @pytest.mark.parametrize("kind", [Host, Eager])
    @pytest.mark.parametrize("text", ["!color help", "!color", "!color hex chartruse"])
    async def test_our_own_reply_is_neither_a_command_nor_a_message(
        self, text: str, kind: type[Host], hosts: Hosts, twitch: LocalTwitch
    ) -> None:
        host = await ready(hosts, kind)
        await twitch.say("me", in_="me", text=text)
        await until(lambda: answers(twitch))
        await quiet()
        assert (len(answers(twitch)), counted(host), twitch.color_changes, host.errors) == (1, 0, [], [])

    async def test_our_reply_is_recognised_before_its_id_is_known(self, host: Host, twitch: LocalTwitch) -> None:
        twitch.faults.add(SAY, late_answer(0.2))
        await twitch.say("me", in_="me", text="!color help")
        await until(lambda: answers(twitch))
        await quiet()
        assert (len(answers(twitch)), counted(host), twitch.color_changes) == (1, 0, [])

    async def test_a_reply_that_twitch_drops(self, host: Host, twitch: LocalTwitch) -> None:
        twitch.faults.add(SAY, says({"data": [DROPPED]}))
        await twitch.say("me", in_="me", text="!color off")
        await until(lambda: answers(twitch))
        await quiet()
        assert host.errors == []

    async def test_a_mirrored_message_counts_once(self, host: Host, twitch: LocalTwitch) -> None:
        twitch.add_user("friend")
        await host.read(twitch.user("friend").id)
        await twitch.say_shared("me", in_="friend", mirrored_to=["me"], text="hello")
        await twitch.wait_for(lambda: twitch.color_changes)
        await quiet()
        assert (counted(host), lines(twitch, PUT)) == (1, 1)

    @pytest.mark.parametrize("kind", [Host, Eager])
    async def test_a_mirrored_command_does_nothing(self, kind: type[Host], hosts: Hosts, twitch: LocalTwitch) -> None:
        bot = await ready(hosts, kind)
        bot.dispatch("message", mirror(bot, twitch, message(bot, twitch, "me", "!color next")))
        await quiet()
        assert (counted(bot), twitch.color_changes, answers(twitch), bot.errors) == (0, [], [], [])

    async def test_a_command_runs_even_if_its_mirror_came_first(self, host: Host, twitch: LocalTwitch) -> None:
        command = message(host, twitch, "me", "!color off")
        host.dispatch("message", mirror(host, twitch, command))
        await quiet()
        host.dispatch("message", command)
        await until(lambda: is_off(host))
        assert counted(host) == 0

    @pytest.mark.parametrize("kind", [Host, Eager])
    async def test_a_host_with_its_own_color_command(self, kind: type[Host], hosts: Hosts, twitch: LocalTwitch) -> None:
        """The host's works for whoever the host obeys, ours for the account itself; neither knows of the other."""
        theirs: list[str | None] = []
        bot = await hosts.start(kind)

        @commands.command(name="color", aliases=["colour"])
        async def color(ctx: commands.Context[Any], *, text: str = "") -> None:
            """The host's own."""
            theirs.append(ctx.chatter.name)

        bot.add_command(color)
        attach(bot, settings=quick())
        await bot.load_module(COGS)
        await bot.read(bot.channel.id)
        twitch.add_user("stranger")
        await twitch.say("stranger", in_="me", text="!color off")
        await until(lambda: theirs == ["stranger"])
        await twitch.say("me", in_="me", text="!color off")
        await until(lambda: is_off(bot))
        await quiet()
        assert theirs == (["stranger", "me"] if kind is Eager else ["stranger"])
        assert (len(answers(twitch)), bot.errors, bot.unknown) == (1, [], [])

    @pytest.mark.parametrize("first", ["host", "cogs"])
    async def test_components_of_the_host_that_are_called_like_ours(
        self, first: str, hosts: Hosts, twitch: LocalTwitch
    ) -> None:
        class ColorChanger(commands.Component):
            """The host's own."""

        class ColorCommands(commands.Component):
            """The host's own."""

        class TokenLifecycle(commands.Component):
            """The host's own."""

        bot = await hosts.start()
        attach(bot, settings=quick())
        if first == "cogs":
            await bot.load_module(COGS)
        for component in (ColorChanger(), ColorCommands(), TokenLifecycle()):
            component.__component_name__ = type(component).__name__
            await bot.add_component(component)
        if first == "host":
            await bot.load_module(COGS)
        await bot.read(bot.channel.id)
        await twitch.say("me", in_="me", text="!color hex #00ff00")
        await twitch.wait_for(lambda: twitch.user("me").color == "#00FF00")
        await bot.unload_module(COGS)
        assert bot.get_component("ColorChanger") is not None

    async def test_another_name_works_beside_the_hosts_command(self, hosts: Hosts, twitch: LocalTwitch) -> None:
        theirs: list[str] = []
        bot = await hosts.start(Eager)

        @commands.command(name="color")
        async def color(ctx: commands.Context[Any], *, text: str) -> None:
            """The host's own command."""
            theirs.append(text)

        bot.add_command(color)
        attach(bot, settings=quick(commands={"name": "paint", "aliases": []}))
        await bot.load_module(COGS)
        await bot.read(bot.channel.id)
        await twitch.say("me", in_="me", text="!color red")
        await twitch.say("me", in_="me", text="!paint off")
        await twitch.say("me", in_="me", text="!paint")
        await until(lambda: len(answers(twitch)) == 2)
        assert (theirs, sorted(answers(twitch))[0]) == (["red"], "off. To turn it on: !paint on")

    @pytest.mark.parametrize(("prefix", "mark"), [("?", "?"), (["$", "?"], "?"), (("!!", "!"), "!!")])
    async def test_commands_begin_with_the_hosts_own_prefix(
        self, prefix: Any, mark: str, hosts: Hosts, twitch: LocalTwitch
    ) -> None:
        bot = await hosts.start(prefix=prefix)
        await bot.load_module(COGS)
        await bot.read(bot.channel.id)
        await twitch.say("me", in_="me", text=f"{mark}color off")
        await until(lambda: is_off(bot))

    async def test_a_prefix_coroutine_is_not_called_and_the_prefix_of_the_settings_is_used(
        self, hosts: Hosts, twitch: LocalTwitch
    ) -> None:
        asked: list[str] = []

        async def prefix(_bot: commands.Bot, message: twitchio.ChatMessage) -> list[str]:
            asked.append(message.text)
            await asyncio.sleep(0)
            return ["?", "$"]

        bot = await hosts.start(prefix=prefix)
        attach(bot, settings=quick())
        await bot.load_module(COGS)
        await bot.read(bot.channel.id)
        twitch.add_user("friend")
        await twitch.say("friend", in_="me", text="$hello")
        await twitch.say("friend", in_="me", text="$nonsense")
        await twitch.say("me", in_="me", text="!color off")
        await until(lambda: is_off(bot) and bot.unknown)
        assert (bot.hellos, asked, bot.errors) == (1, ["$hello", "$nonsense"], [])

    async def test_a_command_in_a_chat_reply_while_the_host_shortens_the_text(
        self, hosts: Hosts, twitch: LocalTwitch
    ) -> None:
        """TwitchIO removes the mention from the message while it waits for the prefix, and puts it back afterwards."""
        texts: list[str] = []

        async def prefix(_bot: commands.Bot, message: twitchio.ChatMessage) -> str:
            texts.append(message.text)
            await asyncio.sleep(0.02)
            return "!"

        bot = await hosts.start(Eager, prefix=prefix)
        attach(bot, settings=quick())
        await bot.load_module(COGS)
        await bot.read(bot.channel.id)
        first = await twitch.say("me", in_="me", text="hello")
        await twitch.say("me", in_="me", text="!color off", reply_to=first)
        await until(lambda: is_off(bot))
        assert "!color off" in texts

    @pytest.mark.parametrize("kind", [Possessive, Tracking])
    async def test_methods_that_a_host_overrides_are_not_called(
        self, kind: type[Host], hosts: Hosts, twitch: LocalTwitch
    ) -> None:
        bot = await ready(hosts, kind)
        await twitch.say("me", in_="me", text="!color off")
        await until(lambda: is_off(bot))
        await twitch.say("me", in_="me", text="!color on")
        await until(lambda: not is_off(bot))
        await twitch.say("me", in_="me", text="hello")
        await twitch.wait_for(lambda: twitch.color_changes)
        assert (bot.errors, getattr(bot, "called", [])) == ([], [])

    async def test_an_account_id_that_is_a_number(self, hosts: Hosts, twitch: LocalTwitch) -> None:
        bot = await hosts.start(Numbered)
        await bot.load_module(COGS)
        chat = eventsub.ChatMessageSubscription(broadcaster_user_id=bot.channel.id, user_id=bot.channel.id)
        await bot.subscribe_websocket(chat, token_for=bot.channel.id, as_bot=False)
        await twitch.say("me", in_="me", text="!color hex #00ff00")
        await twitch.wait_for(lambda: twitch.user("me").color == "#00FF00")

    async def test_the_hosts_unknown_commands_are_reported_as_without_us(
        self, hosts: Hosts, twitch: LocalTwitch
    ) -> None:
        bot = await ready(hosts)
        twitch.add_user("stranger")
        await twitch.say("stranger", in_="me", text="!color off")
        await until(lambda: bot.unknown)
        assert (bot.errors, set(bot.commands)) == ([], {"hello"})

    async def test_a_switched_off_command(self, hosts: Hosts, twitch: LocalTwitch) -> None:
        bot = await ready(hosts, commands={"enabled": False})
        await twitch.say("me", in_="me", text="!color off")
        await twitch.wait_for(lambda: twitch.color_changes)
        assert bot.get_command("color") is None


def late_answer(seconds: float) -> faults.Action:
    async def act(request: web.Request, handler: Any) -> web.StreamResponse:
        answer = await handler(request)
        await asyncio.sleep(seconds)
        return answer

    return act


def says(answer: dict[str, Any]) -> faults.Action:
    async def act(_request: web.Request, _handler: Any) -> web.StreamResponse:
        return web.json_response(answer)

    return act


DROPPED = {"message_id": "", "is_sent": False, "drop_reason": {"code": "msg_duplicate", "message": "You said that."}}


def json_204(*, done: bool) -> faults.Action:
    async def act(request: web.Request, handler: Any) -> web.StreamResponse:
        if done:
            await handler(request)
        return web.Response(status=204, content_type="application/json")

    return act


class TestErrors:
    @pytest.fixture
    async def colors(self, host: Host) -> TwitchioColors:
        return TwitchioColors(host, seconds=2)

    @pytest.mark.parametrize(
        ("fault", "times", "error"),
        [
            (faults.status(400, message="invalid color"), 1, ColorRejected),
            (faults.status(401, message="Missing scope: user:manage:chat_color"), 1, MissingScope),
            (faults.status(401, message="The ID must match"), 1, TokenRefused),
            (faults.status(403, message="no"), 1, TwitchUnavailable),
            (foreign.answer(400), 1, TwitchUnavailable),
            (foreign.answer(400, "no status"), 1, TwitchUnavailable),
            (foreign.answer(403, "a list"), 1, TwitchUnavailable),
            (foreign.answer(429), 1, TwitchUnavailable),
            (faults.rate_limited(5), 1, RateLimited),
            (faults.status(500), 1, TwitchUnavailable),
            (faults.drop(), 2, OutcomeUnknown),
            (faults.drop_after(), 2, OutcomeUnknown),
            (faults.garbage(), 1, OutcomeUnknown),
            (json_204(done=False), 1, OutcomeUnknown),
        ],
    )
    async def test_a_failed_change_is_handled(
        self,
        fault: faults.Action,
        times: int,
        error: type[ColorChangerError],
        colors: TwitchioColors,
        host: Host,
        hosts: Hosts,
        twitch: LocalTwitch,
    ) -> None:
        twitch.faults.add(PUT, fault, times=times)
        with pytest.raises(ColorChangerError) as raised:
            await colors.put_color(host.channel.id, HEX)
        assert type(raised.value) is error
        assert (raised.value.__context__, raised.value.__cause__) == (None, None)
        assert not [secret for secret in hosts.secrets if secret in str(raised.value)]

    @pytest.mark.parametrize("status", [400, 401, 403, 404, 429])
    @pytest.mark.parametrize(
        "body",
        [
            ("<html>Access denied</html>", "text/html"),
            ("", "text/plain"),
            ("{}", "application/json"),
            ("[]", "application/json"),
            ('"no"', "application/json"),
            ("{", "application/json"),
            ('{"message": "Missing scope"}', "application/json"),
            ('{"status": 418, "message": "invalid color"}', "application/json"),
            ('{"status": "400", "message": ["invalid color"]}', "application/json"),
        ],
        ids=lambda body: body[0] or "empty",
    )
    async def test_an_answer_that_twitch_did_not_write_decides_nothing(
        self, body: tuple[str, str], status: int, colors: TwitchioColors, host: Host, twitch: LocalTwitch
    ) -> None:
        twitch.faults.add(PUT, page(status, *body))
        with pytest.raises(ColorChangerError) as raised:
            await colors.put_color(host.channel.id, HEX)
        assert type(raised.value) in (TwitchUnavailable, OutcomeUnknown)
        await colors.put_color(host.channel.id, HEX)
        assert twitch.refreshes["me"] == 0

    @pytest.mark.parametrize("body", [("{}", "application/json"), ("<html>Welcome</html>", "text/html")])
    async def test_a_200_that_changed_nothing_is_no_change(
        self, body: tuple[str, str], colors: TwitchioColors, host: Host, twitch: LocalTwitch
    ) -> None:
        twitch.faults.add(PUT, page(200, *body))
        with pytest.raises((TwitchUnavailable, OutcomeUnknown)):
            await colors.put_color(host.channel.id, HEX)
        assert twitch.user("me").color == "#FF0000"

    async def test_an_account_without_turbo_gets_the_nearest_name(self, host: Host, twitch: LocalTwitch) -> None:
        twitch.add_user("poor", "#FF0000")
        pair = twitch.issue_tokens("poor", host.http.client_id, SCOPES)
        await host.add_token(pair.access, pair.refresh)
        painter = await changer_for(host).manage(twitch.user("poor").id, "poor", quick().color)
        change = await painter.show(HEX)
        assert change.result == "changed"
        assert change.color is not None
        assert (change.color.is_named, change.color.hex) == (True, twitch.user("poor").color)

    async def test_a_204_that_calls_itself_json(self, colors: TwitchioColors, host: Host, twitch: LocalTwitch) -> None:
        twitch.faults.add(PUT, json_204(done=True))
        await colors.put_color(host.channel.id, HEX)
        assert (twitch.user("me").color, lines(twitch, PUT)) == (HEX.hex, 1)

    async def test_an_answer_that_does_not_come(self, host: Host, twitch: LocalTwitch) -> None:
        twitch.faults.add(PUT, faults.hang(5))
        with pytest.raises(OutcomeUnknown, match="did not answer"):
            await TwitchioColors(host, seconds=0.1).put_color(host.channel.id, HEX)

    async def test_twitch_cannot_be_reached(self, colors: TwitchioColors, host: Host, twitch: LocalTwitch) -> None:
        await twitch.close()
        with pytest.raises(TwitchUnavailable, match="cannot be reached"):
            await colors.put_color(host.channel.id, HEX)

    @pytest.mark.parametrize("fault", [faults.garbage(), faults.status(500), faults.drop()])
    async def test_the_present_colour_cannot_be_read(
        self, fault: faults.Action, colors: TwitchioColors, host: Host, twitch: LocalTwitch
    ) -> None:
        twitch.faults.add("GET /helix/chat/color", fault, times=2)
        with pytest.raises(TwitchUnavailable):
            await colors.get_color(host.channel.id)

    async def test_a_reply_that_twitch_refuses(self, colors: TwitchioColors, host: Host, twitch: LocalTwitch) -> None:
        twitch.add_user("friend")
        await twitch.ban("me", channel="friend")
        with pytest.raises(ChannelRefused):
            await colors.reply(host.channel.id, twitch.user("friend").id, "hello", reply_to="x")

    async def test_an_account_without_a_token(self, colors: TwitchioColors, host: Host, twitch: LocalTwitch) -> None:
        asked = len(twitch.requests)
        with pytest.raises(NeedsLogin):
            await colors.put_color("4711", HEX)
        assert len(twitch.requests) == asked


class TestLogins:
    async def test_an_expired_token_is_refreshed_once_for_all_requests(self, hosts: Hosts, twitch: LocalTwitch) -> None:
        bot = await hosts.start(public=True)
        colors = TwitchioColors(bot)
        twitch.expire("me")
        reply = colors.reply(bot.channel.id, bot.channel.id, "hi", reply_to=await twitch.say("me", in_="me", text="hi"))
        await asyncio.gather(colors.put_color(bot.channel.id, HEX), colors.get_color(bot.channel.id), reply)
        assert (twitch.refreshes["me"], twitch.spent_twice, twitch.user("me").color) == (1, [], HEX.hex)

    async def test_a_slow_refresh_is_not_cancelled(self, hosts: Hosts, twitch: LocalTwitch) -> None:
        bot = await hosts.start(public=True)
        colors = TwitchioColors(bot, seconds=0.2)
        twitch.expire("me")
        twitch.faults.add(REFRESH, late_answer(0.3))
        with pytest.raises(OutcomeUnknown):
            await colors.put_color(bot.channel.id, HEX)
        await colors.put_color(bot.channel.id, NAMED)
        assert (twitch.refreshes["me"], twitch.spent_twice, twitch.user("me").color) == (1, [], NAMED.hex)

    async def test_a_refused_refresh_needs_a_login_and_is_not_tried_again(
        self, hosts: Hosts, twitch: LocalTwitch
    ) -> None:
        bot = await hosts.start()
        colors = TwitchioColors(bot)
        await twitch.revoke_login("me")
        for _ in range(3):
            with pytest.raises(NeedsLogin):
                await colors.put_color(bot.channel.id, HEX)
        assert lines(twitch, PUT) == 1
        pair = twitch.issue_tokens("me", bot.http.client_id, SCOPES)
        await bot.add_token(pair.access, pair.refresh)
        await colors.put_color(bot.channel.id, HEX)
        assert twitch.user("me").color == HEX.hex

    @pytest.mark.parametrize("status", [200, 400, 401, 403])
    async def test_a_page_in_the_place_of_a_refresh_ends_no_login(
        self, status: int, hosts: Hosts, twitch: LocalTwitch
    ) -> None:
        bot = await hosts.start(public=True)
        colors = TwitchioColors(bot)
        twitch.expire("me")
        twitch.faults.add(REFRESH, page(status))
        with pytest.raises((TwitchUnavailable, OutcomeUnknown)):
            await colors.put_color(bot.channel.id, HEX)
        await colors.put_color(bot.channel.id, HEX)
        assert (twitch.user("me").color, twitch.spent_twice) == (HEX.hex, [])

    async def test_a_refresh_without_an_answer_is_not_repeated_at_once(self, hosts: Hosts, twitch: LocalTwitch) -> None:
        bot = await hosts.start()
        twitch.expire("me")
        refresh = twitch.faults.add(REFRESH, faults.status(500), times=None)
        with pytest.raises(OutcomeUnknown, match="did not renew"):
            await TwitchioColors(bot).put_color(bot.channel.id, HEX)
        assert refresh.hits == 1

    async def test_a_persistent_401_causes_no_flood_of_requests(self, hosts: Hosts, twitch: LocalTwitch) -> None:
        bot = await hosts.start()
        twitch.faults.add(PUT, faults.status(401, message="Invalid OAuth token"), times=None)
        with pytest.raises(TokenRefused):
            await TwitchioColors(bot).put_color(bot.channel.id, HEX)
        assert twitch.refreshes["me"] <= 3
        assert bot._listeners["event_token_refreshed"] == set()  # pyright: ignore[reportPrivateUsage]


class Elsewhere(Host):
    """Saves and loads its tokens itself."""

    async def load_tokens(self, path: str | None = None, /) -> None:
        await super().load_tokens("mine.json")

    async def save_tokens(self, path: str | None = None, /) -> None:
        await super().save_tokens(path or "mine.json")


class HalfElsewhere(Host):
    """Loads its tokens itself, and does not override how they are saved."""

    async def load_tokens(self, path: str | None = None, /) -> None:
        await super().load_tokens("mine.json")


class Plain(Host):
    """Saves its tokens in a plain function."""

    saves = 0

    def save_tokens(self, path: str | None = None, /) -> None:  # type: ignore[override]
        self.saves += 1

    async def close(self, **options: Any) -> None:
        await super().close(save_tokens=False)


class Promising(Host):
    """Saves its tokens in something that can be awaited and is no coroutine."""

    saves = 0

    def save_tokens(self, path: str | None = None, /) -> Any:  # type: ignore[override]
        self.saves += 1
        saved = asyncio.get_running_loop().create_future()
        saved.set_result(None)
        return saved


class TestSavingTokens:
    @pytest.fixture
    def app(self, twitch: LocalTwitch) -> App:
        twitch.add_user("me", "#FF0000", turbo=True)
        return twitch.add_app(client_secret="the-host-s-secret")

    @pytest.fixture
    async def boot(self, twitch: LocalTwitch, hosts: Hosts, app: App) -> AsyncIterator[Any]:
        """Start a bot as its owner would: tokens in a file, cogs loaded after login."""
        bots: list[Host] = []

        async def start(
            kind: type[Host] = Host, *, load: bool = True, save: bool = True, file: Path = FILE, **others: Any
        ) -> Host:
            pair = hosts.pair("me", app)
            file.write_text(json.dumps({twitch.user("me").id: entry("me", pair.access, pair.refresh), **others}))
            bot = kind(twitch, "me", app)
            bots.append(bot)
            await bot.login(load_tokens=load, save_tokens=save)
            if not load:
                await bot.add_token(pair.access, pair.refresh)
            await bot.load_module(COGS)
            return bot

        yield start
        for bot in bots:
            await bot.close(save_tokens=False)

    async def test_a_new_pair_is_on_disk_at_once(self, boot: Any, twitch: LocalTwitch) -> None:
        bot = await boot()
        before = FILE.read_text()
        await change_with_expired_token(bot, twitch)
        await until(lambda: FILE.read_text() != before)
        assert saved(FILE) == held(bot)

    async def test_a_pair_that_was_refreshed_while_loading_is_on_disk(
        self, boot: Any, twitch: LocalTwitch, hosts: Hosts
    ) -> None:
        twitch.faults.add("GET /oauth2/validate", faults.status(401, message="invalid access token"), where=of("me"))
        bot = await boot()
        assert twitch.refreshes["me"] == 1
        assert saved(FILE) == held(bot)

    async def test_a_login_that_could_not_be_loaded_is_not_lost(self, boot: Any, twitch: LocalTwitch) -> None:
        bot = await boot(**{"99": entry("other", "dead", "dead")})
        await change_with_expired_token(bot, twitch)
        await until(lambda: saved(FILE) == held(bot) | {"99": "dead"})

    async def test_the_file_stays_as_private_as_it_was(self, boot: Any, twitch: LocalTwitch) -> None:
        FILE.touch(mode=0o600)
        private = FILE.stat().st_mode
        bot = await boot()
        await change_with_expired_token(bot, twitch)
        await until(lambda: saved(FILE) == held(bot))
        assert (FILE.stat().st_mode, os.listdir()) == (private, [FILE.name])

    async def test_a_bot_that_does_not_load_a_file_gets_none_written(self, boot: Any, twitch: LocalTwitch) -> None:
        bot = await boot(load=False)
        before = FILE.read_text()
        await change_with_expired_token(bot, twitch)
        await quiet()
        assert FILE.read_text() == before

    @pytest.mark.parametrize("kind", [Host, Plain, Promising])
    async def test_a_bot_that_wants_no_tokens_saved_gets_none_saved(
        self, kind: type[Host], boot: Any, twitch: LocalTwitch
    ) -> None:
        bot = await boot(kind, save=False)
        before = FILE.read_text()
        await change_with_expired_token(bot, twitch)
        await quiet()
        assert (FILE.read_text(), os.listdir(), getattr(bot, "saves", 0)) == (before, [FILE.name], 0)

    @pytest.mark.parametrize("kind", [Plain, Promising])
    async def test_a_bot_that_saves_in_no_plain_coroutine(
        self, kind: type[Host], boot: Any, twitch: LocalTwitch
    ) -> None:
        bot = await boot(kind)
        await change_with_expired_token(bot, twitch)
        await until(lambda: bot.saves == 1)
        await quiet()
        assert bot.errors == []

    async def test_a_bot_with_its_own_place_is_asked_to_save_there(self, boot: Any, twitch: LocalTwitch) -> None:
        mine = Path("mine.json")
        bot = await boot(Elsewhere, file=mine)
        await change_with_expired_token(bot, twitch)
        await until(lambda: saved(mine) == held(bot))
        assert not FILE.exists()

    async def test_a_bot_that_only_loads_tokens_itself_is_left_alone(self, boot: Any, twitch: LocalTwitch) -> None:
        bot = await boot(HalfElsewhere, file=Path("mine.json"))
        await change_with_expired_token(bot, twitch)
        await quiet()
        assert not FILE.exists()

    async def test_a_new_login_is_saved_once_the_bot_uses_it(
        self, boot: Any, twitch: LocalTwitch, hosts: Hosts, app: App
    ) -> None:
        bot = await boot()
        twitch.add_user("second")
        twitch.faults.add("GET /oauth2/validate", faults.delay(0.1))
        pair = hosts.pair("second", app)
        payload = {"access_token": pair.access, "refresh_token": pair.refresh, "expires_in": 9999}
        raw: Any = {**payload, "scope": [], "token_type": "bearer"}
        bot.dispatch("oauth_authorized", twitchio.authentication.UserTokenPayload(raw))
        await until(lambda: twitch.user("second").id in saved(FILE))

    async def test_a_closed_bot_empties_nothing(self, boot: Any, twitch: LocalTwitch) -> None:
        bot = await boot()
        component = bot.get_component("colorchanger_bot.TokenLifecycle")
        await bot.close()
        before = saved(FILE)
        await component.save()
        assert saved(FILE) == before != {}


def entry(user_id: str, token: str, refresh: str) -> dict[str, str]:
    return {"user_id": user_id, "token": token, "refresh": refresh, "last_validated": "2026-01-01T00:00:00"}


def saved(file: Path) -> dict[str, str]:
    return {user_id: each["token"] for user_id, each in json.loads(file.read_text()).items()}


def held(bot: commands.Bot) -> dict[str, str]:
    return {user_id: each["token"] for user_id, each in bot.tokens.items()}


def of(login: str) -> Callable[[Any], bool]:
    return lambda seen: seen.login == login


async def change_with_expired_token(bot: Host, twitch: LocalTwitch) -> None:
    twitch.expire("me")
    await TwitchioColors(bot).put_color(bot.channel.id, HEX)
    assert twitch.refreshes["me"] == 1
