"""Fixtures that several tests share: a local Twitch, a store in a temporary folder, an account that is logged in."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from twitchio.eventsub import websockets
from twitchio.http import Route

from colorchanger_bot import redaction
from colorchanger_bot.sandbox import LocalTwitch
from colorchanger_bot.settings.load import Settings
from colorchanger_bot.store.store import Store, TokenPair
from tests.hosts import Hosts
from tests.processes import Environment

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts what runs in its background so, and the processes that the tests end with Ctrl-C would inherit it.
    signal.signal(signal.SIGINT, signal.default_int_handler)

# The first text of all takes a second: Hypothesis makes a table of all characters for it, in a fresh clone.
settings.register_profile("suite", suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--pictures", action="store_true", help="Write the pictures of the documentation, in docs/pictures."
    )


SCOPES = ("user:read:chat", "user:manage:chat_color", "user:write:chat")


@pytest.fixture(autouse=True)
def no_secrets_of_other_tests() -> Iterator[None]:
    """Forget the made-up tokens of a test, such as `refresh`, which would be hidden in the texts of another one."""
    yield
    redaction._live._by_length.clear()  # pyright: ignore[reportPrivateUsage]


@pytest.fixture
async def twitch() -> AsyncIterator[LocalTwitch]:
    async with LocalTwitch(min_keepalive=1.0) as local:
        yield local


@pytest.fixture
def store_url(tmp_path: Path) -> str:
    return f"sqlite:///{(tmp_path / 'store.sqlite3').as_posix()}"


@pytest.fixture
async def store(store_url: str) -> AsyncIterator[Store]:
    async with Store.open(store_url) as opened:
        yield opened


@pytest.fixture
def client_id(twitch: LocalTwitch) -> str:
    """A public application: its refresh tokens work once."""
    return twitch.add_app().client_id


@pytest.fixture
def settings_for(twitch: LocalTwitch, client_id: str, store_url: str) -> Callable[..., Settings]:
    """Settings for the local Twitch, without a delay; pass sections as keyword arguments."""

    def make(**sections: Any) -> Settings:
        return Settings.of(
            {
                "app": {"client_id": client_id},
                "storage": {"url": store_url},
                "twitch": {"api_url": twitch.api_url, "id_url": twitch.id_url, "eventsub_url": twitch.eventsub_url},
                **sections,
                "color": {"delay": 0, **sections.get("color", {})},
            }
        )

    return make


@pytest.fixture
def log_in(twitch: LocalTwitch, store: Store, client_id: str) -> Callable[..., Any]:
    """Log an account in: add it to the local Twitch, and its tokens to the store."""

    async def make(login: str, *, turbo: bool = True, color: str = "#FF0000", **token: Any) -> None:
        user = twitch.add_user(login, color, turbo=turbo)
        pair = twitch.issue_tokens(login, token.pop("client_id", client_id), token.pop("scopes", SCOPES), **token)
        await store.put_login(login, client_id, TokenPair(pair.access, pair.refresh), user.id)

    return make


@pytest.fixture
def environment(twitch: LocalTwitch, store_url: str, tmp_path: Path) -> Environment:
    """The environment of a process with the local Twitch and its own store, without any settings of this user."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TWITCH_", "COLORCHANGER_"))}
    return kept | {
        "HOME": str(tmp_path),
        "COLORCHANGER_STORAGE__URL": store_url,
        "COLORCHANGER_TWITCH__API_URL": twitch.api_url,
        "COLORCHANGER_TWITCH__ID_URL": twitch.id_url,
        "COLORCHANGER_TWITCH__EVENTSUB_URL": twitch.eventsub_url,
        "COLORCHANGER_COLOR__DELAY": "0",
        "PYTHONUTF8": "1",
    }


@pytest.fixture
def with_tokens(twitch: LocalTwitch, environment: Environment) -> Environment:
    """An environment with one numbered account, as in a container."""
    twitch.add_user("me", "#FF0000", turbo=True)
    app = twitch.add_app()
    pair = twitch.issue_tokens("me", app.client_id, SCOPES)
    return environment | {
        "TWITCH_USERNAME_1": "me",
        "TWITCH_ACCESS_TOKEN_1": pair.access,
        "TWITCH_REFRESH_TOKEN_1": pair.refresh,
        "TWITCH_CLIENT_ID_1": app.client_id,
    }


@pytest.fixture
def endpoints(twitch: LocalTwitch) -> Iterator[None]:
    """Where TwitchIO looks for Twitch: a class attribute for each host and a module variable for the sockets."""
    real = Route.BASE, Route.ID_BASE, websockets.WSS
    Route.BASE, Route.ID_BASE, websockets.WSS = f"{twitch.api_url}/", f"{twitch.id_url}/", twitch.eventsub_url
    yield
    Route.BASE, Route.ID_BASE, websockets.WSS = real


@pytest.fixture
async def hosts(
    twitch: LocalTwitch,
    endpoints: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> AsyncIterator[Hosts]:
    """Other people's bots. Whatever a test does, no log record of ours holds a secret, and each names an account."""
    monkeypatch.chdir(tmp_path)  # where TwitchIO keeps its tokens
    caplog.set_level(logging.DEBUG, "colorchanger_bot")
    async with AsyncExitStack() as stack:
        made = Hosts(twitch, stack, SCOPES)
        yield made
    for record in caplog.get_records("call"):
        if record.name.startswith("colorchanger_bot"):
            said = f"{record.getMessage()} {record.exc_info}"
            assert not [secret for secret in made.secrets if secret in said]
            assert getattr(record, "account", ""), said
