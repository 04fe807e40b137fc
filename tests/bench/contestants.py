"""The bots that are compared, and how each is started in a process of its own.

Those that are written for the bench are modules that read a `Task` from the file named in the environment variable
`BENCH_TASK`, log nothing, read the given chats, and give each account another colour after each of its own messages.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

TASK = "BENCH_TASK"
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Reader:
    """An account, its token, and the channels it reads, by login and by id."""

    login: str
    user_id: str
    access: str
    refresh: str
    channels: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Task:
    """Where Twitch is, and which account reads which channels."""

    api_url: str
    id_url: str
    eventsub_url: str
    client_id: str
    client_secret: str
    readers: tuple[Reader, ...]

    @classmethod
    def given(cls) -> Task:
        """Return the task of this process."""
        data = json.loads(Path(os.environ[TASK]).read_text("utf-8"))
        readers = (Reader(**each | {"channels": tuple(map(tuple, each["channels"]))}) for each in data.pop("readers"))
        return cls(**data, readers=tuple(readers))


@dataclass(frozen=True)
class Contestant:
    """A bot that does the job; `start` returns command and environment for a task and an empty directory."""

    name: str
    start: Callable[[Task, Path], tuple[Sequence[str], dict[str, str]]]
    readers: int | None = None
    """How many accounts read a channel that several want; None: each for itself."""
    sockets: int = 1
    """Over how many sockets an account reads a channel in which it is alone."""

    def subscriptions(self, accounts: int, channels: int, *, together: bool) -> int:
        """Return how many subscriptions it makes if each account wants so many channels, or all want one together."""
        if not together:
            return accounts * channels * self.sockets
        return accounts if self.readers is None else min(accounts, self.readers)


def colorchanger(
    name: str, *command: str, readers: int | None = None, sockets: int = 1, **environment: str
) -> Contestant:
    """Return ColorChanger, as this command and these variables start it."""
    return Contestant(
        name, lambda task, home: (command, _environment(task, home) | environment), readers=readers, sockets=sockets
    )


def _environment(task: Task, home: Path) -> dict[str, str]:
    environment = {
        "HOME": str(home),
        "COLORCHANGER_STORAGE__URL": f"sqlite:///{(home / 'store.sqlite3').as_posix()}",
        "COLORCHANGER_TWITCH__API_URL": task.api_url,
        "COLORCHANGER_TWITCH__ID_URL": task.id_url,
        "COLORCHANGER_TWITCH__EVENTSUB_URL": task.eventsub_url,
        "COLORCHANGER_COLOR__DELAY": "0",
        "COLORCHANGER_COLOR__RESTORE": "false",
    }
    for number, reader in enumerate(task.readers, 1):
        environment |= {
            f"TWITCH_USERNAME_{number}": reader.login,
            f"TWITCH_ACCESS_TOKEN_{number}": reader.access,
            f"TWITCH_REFRESH_TOKEN_{number}": reader.refresh,
            f"TWITCH_CLIENT_ID_{number}": task.client_id,
            f"TWITCH_CLIENT_SECRET_{number}": task.client_secret,
            f"TWITCH_CHANNELS_{number}": ",".join(login for login, _ in reader.channels),
        }
    return environment


def _module(name: str) -> Callable[[Task, Path], tuple[Sequence[str], dict[str, str]]]:
    def start(task: Task, home: Path) -> tuple[Sequence[str], dict[str, str]]:
        file = home / "task.json"
        file.write_text(json.dumps(asdict(task)), "utf-8")
        return [sys.executable, "-m", name], {"HOME": str(home), TASK: str(file), "PYTHONPATH": str(ROOT)}

    return start


EACH = "each account for itself"
OURS, PLAIN, FLOOR, BEFORE, PEER = "ColorChanger", "plain TwitchIO", "floor", "before", "twitch_colorchanger"

_RUN = (sys.executable, "-m", "colorchanger_bot", "run")
ours = colorchanger(OURS, *_RUN, readers=2)
two_sockets = colorchanger(OURS, *_RUN, readers=2, sockets=2, COLORCHANGER_READING__SECOND_SOCKET="true")
each_for_itself = colorchanger(EACH, *_RUN, COLORCHANGER_READING__MODE="own")
plain = Contestant(PLAIN, _module("tests.bench.plain_bot"))
floor = Contestant(FLOOR, _module("tests.bench.floor_bot"))


def before(python: Path) -> Contestant:
    """Return an earlier ColorChanger, by the interpreter that it is installed for."""
    return colorchanger(BEFORE, str(python.absolute()), "-m", "colorchanger_bot", "run")


def peer(checkout: Path) -> Contestant:
    """Return realAbitbol/twitch_colorchanger, which is started from a checkout of its own."""
    start = _module("tests.bench.peer_bot")

    def there(task: Task, home: Path) -> tuple[Sequence[str], dict[str, str]]:
        command, environment = start(task, home)
        return command, environment | {"BENCH_PEER": str(checkout.resolve())}

    return Contestant(PEER, there)
