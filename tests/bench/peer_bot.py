"""Starts realAbitbol/twitch_colorchanger from a checkout, unchanged except for the addresses of Twitch.

Twitch's addresses are literals in many places of its code, so they are replaced in the constants of its modules while
these are loaded. That costs nothing once it runs.
"""

from __future__ import annotations

import json
import os
import runpy
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.machinery import SOURCE_SUFFIXES, FileFinder, SourceFileLoader
from pathlib import Path
from types import CodeType

from tests.bench.contestants import Task

CHECKOUT = "BENCH_PEER"
ENTRY = "src.main"
HELIX, ID, EVENTSUB = "https://api.twitch.tv/helix", "https://id.twitch.tv", "wss://eventsub.wss.twitch.tv/ws"


def moved(code: CodeType, addresses: Mapping[str, str]) -> CodeType:
    """Return a copy of some code with other addresses in it."""

    def constant(value: object) -> object:
        if isinstance(value, CodeType):
            return moved(value, addresses)
        if isinstance(value, tuple):
            return tuple(map(constant, value))
        if isinstance(value, frozenset):
            return frozenset(map(constant, value))
        if isinstance(value, str):
            for there, here in addresses.items():
                value = value.replace(there, here)
        return value

    return code.replace(co_consts=tuple(map(constant, code.co_consts)))


@dataclass(frozen=True)
class Peer:
    """A checkout, and where it has to look for Twitch instead."""

    checkout: Path
    addresses: Mapping[str, str]

    def check(self) -> None:
        """Make sure that its addresses are where they can be replaced: it must not go to the real Twitch.

        Raises:
            SystemExit: they are not, or this is something else.
        """
        sources = self.checkout / "src"
        if not (sources / "main.py").is_file():
            sys.exit(f"{self.checkout} is no checkout of realAbitbol/twitch_colorchanger: it has no src/main.py")
        text = "".join(file.read_text("utf-8") for file in sources.rglob("*.py"))
        if missing := [address for address in self.addresses if address not in text]:
            sys.exit(f"{self.checkout} names no {' and no '.join(missing)}: this version cannot be sent elsewhere")

    def finder(self, path: str) -> FileFinder:
        """Find modules in a directory of its sources, as an entry of `sys.path_hooks`.

        Raises:
            ImportError: the directory is none of these.
        """
        if path != str(self.checkout) and not Path(path).is_relative_to(self.checkout / "src"):
            raise ImportError(path)
        addresses = self.addresses

        class Loader(SourceFileLoader):
            def get_code(self, fullname: str) -> CodeType | None:
                code = super().get_code(fullname)
                return code and moved(code, addresses)

        return FileFinder(path, (Loader, SOURCE_SUFFIXES))

    def run(self) -> None:
        """Do what `python -m src.main` does in the checkout.

        Raises:
            SystemExit: it has ended, or could not be loaded.
        """
        sys.path_hooks.insert(0, self.finder)
        sys.path.insert(0, str(self.checkout))
        try:
            runpy.run_module(ENTRY, run_name="__main__", alter_sys=True)
        except (ImportError, SyntaxError) as error:  # of its modules: what happens later it handles itself
            version = ".".join(map(str, sys.version_info[:2]))
            sys.exit(f"{self.checkout} cannot be loaded by this Python {version}: {error}")


def configuration(task: Task) -> str:
    """Return the text of its configuration file."""
    users = [
        {
            "username": reader.login,
            "client_id": task.client_id,
            "client_secret": task.client_secret,
            "access_token": reader.access,
            "refresh_token": reader.refresh,
            "channels": [login for login, _ in reader.channels],
            "is_prime_or_turbo": True,
            "enabled": True,
        }
        for reader in task.readers
    ]
    return json.dumps({"users": users})


def main() -> None:
    task = Task.given()
    peer = Peer(Path(os.environ[CHECKOUT]), {HELIX: task.api_url, ID: task.id_url, EVENTSUB: task.eventsub_url})
    peer.check()
    file = Path.cwd() / "twitch_colorchanger.conf"
    file.write_text(configuration(task), "utf-8")
    os.environ["TWITCH_CONF_FILE"] = str(file)
    peer.run()


if __name__ == "__main__":
    main()
