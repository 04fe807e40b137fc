"""What the commands share: how they are declared and called, their options, and the settings that these lead to."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from colorchanger_bot.errors import ConfigError
from colorchanger_bot.redaction import one_line
from colorchanger_bot.words import did_you_mean, nearest, shortened, shown

if TYPE_CHECKING:
    from colorchanger_bot.settings.load import Settings

USAGE = 2
"""The exit code for what cannot be called or read so."""

LONGEST_COMPLAINT = 200

Option = Callable[[argparse.ArgumentParser], object]
Command = Callable[..., int | None]
"""Takes its options by name, and returns its exit code; None is 0."""


def option(*names: str, **how: Any) -> Option:
    """Return an option, or an argument, of a command; what is given is that of `ArgumentParser.add_argument`."""
    return lambda parser: parser.add_argument(*names, **how)


def whole(low: int, high: int | None = None) -> Callable[[str], int]:
    """Return what reads a whole number from `low` to `high`."""

    def read(text: str) -> int:
        if not re.fullmatch(r"\d{1,18}", text) or int(text) < low or (high is not None and int(text) > high):
            upto = "on" if high is None else f"to {high}"
            raise argparse.ArgumentTypeError(f"{shown(text)}: write a whole number from {low} {upto}")
        return int(text)

    return read


CONFIG = option("-c", "--config", metavar="PATH", type=Path, help="The settings file.")
CONFIG_UNUSED = option(
    "-c", "--config", metavar="PATH", type=Path, help="A settings file, which is only checked: none is needed here."
)
DEBUG = option("--debug", action="store_true", help="Log everything, and show a traceback when something fails.")
AS_JSON = option("--json", dest="as_json", action="store_true", help="As JSON, for programs.")


class Commands:
    """A group of commands, or all of them: declared by the decorator `command`, called by `run`."""

    def __init__(self, about: str = "", *options: Option) -> None:
        self.about = about
        self._options = options
        self._commands: dict[str, tuple[Command, Sequence[Option]]] = {}
        self._groups: dict[str, Commands] = {}

    def command(self, *options: Option, name: str = "") -> Callable[[Command], Command]:
        """Declare a function and its options; its docstring is its help."""

        def declare(function: Command) -> Command:
            self._commands[name or function.__name__] = function, options
            return function

        return declare

    def group(self, name: str, about: str) -> Commands:
        """Return a new group of commands within this one."""
        made = self._groups[name] = Commands(about)
        return made

    def add(self, others: Commands) -> None:
        """Take over the commands and groups that another module declares."""
        self._commands |= others._commands
        self._groups |= others._groups

    def run(self, arguments: Sequence[str], *, called: str) -> int:
        """Call the command that the arguments name; return its exit code. `called` is what stood before them.

        Raises:
            SystemExit: the arguments are wrong, or ask for help.
        """
        name, *rest = arguments or [""]
        if group := self._groups.get(name):
            return group.run(rest, called=f"{called} {name}")
        if found := self._commands.get(name):
            function, options = found
            parser = _Parser(f"{called} {name}", _about(function), options)
            return function(**vars(parser.parse_args(rest))) or 0
        overview = _Parser(called, self.about, self._options)
        listed = self._add_to(overview)
        if name.startswith("-"):
            overview.parse_known_args([name])  # --help and --version end here
            overview.error(f"{name}: a command comes first, its options after it")
        if name:
            meant = nearest(name, listed)
            overview.error(f"there is no command {name!r}" + (f"; {did_you_mean(meant)}" if meant else ""))
        overview.print_help()
        return USAGE

    def parser(self, called: str) -> argparse.ArgumentParser:
        """Return all commands with their options as one parser, to look at rather than to parse with."""
        whole = _Parser(called, self.about, self._options)
        self._add_to(whole, deep=True)
        return whole

    def _add_to(self, parser: argparse.ArgumentParser, *, deep: bool = False) -> Sequence[str]:
        """Add the commands and groups to a parser, `deep` with their options; return their names."""
        listed = parser.add_subparsers(title="commands", metavar="COMMAND", parser_class=argparse.ArgumentParser)
        for name, (function, options) in self._commands.items():
            made = listed.add_parser(name, help=_about(function).replace("%", "%%"))
            for add in options if deep else ():
                add(made)
        for name, group in self._groups.items():
            made = listed.add_parser(name, help=group.about)
            if deep:
                group._add_to(made, deep=True)
        return [*listed.choices]


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def __init__(self, name: str, about: str, options: Sequence[Option]) -> None:
        super().__init__(name, description=about, allow_abbrev=False)
        for add in options:
            add(self)

    def error(self, message: str) -> NoReturn:
        self.exit(USAGE, f"{shortened(message, LONGEST_COMPLAINT)} (help: {self.prog} --help)\n")


def _about(command: Command) -> str:
    return " ".join((command.__doc__ or "").split())


def echo(text: str, *, error: bool = False, end: str = "\n") -> None:
    """Print to the terminal, at once; whether anybody still reads it or not, the work goes on."""
    try:
        if stream := sys.stderr if error else sys.stdout:  # a closed one is None
            print(text, end=end, file=stream, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2 if error else 1)  # else Python complains at exit about the rest


def save(path: Path, text: str) -> None:
    """Write a file that somebody asked for.

    Raises:
        ConfigError: it cannot be written.
    """
    try:
        path.write_text(text, encoding="utf-8", newline="\n")
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise ConfigError([f"{one_line(str(path))}: cannot be written: {why}"]) from None


def check_unused(config: Path | None) -> None:
    """Check the settings file that was given to a command that needs none.

    Raises:
        ConfigError: it is wrong.
    """
    if config is not None:
        from colorchanger_bot.settings.load import load

        load(config)


def settings_of(config: Path | None, *, debug: bool) -> Settings:
    """Read the settings, and set up the log by them.

    Raises:
        ConfigError: they are wrong.
    """
    from colorchanger_bot.service import logs
    from colorchanger_bot.settings.load import load

    settings = load(config)
    for secret in settings.secrets():
        logs.keep_secret(secret)
    logs.setup(settings.log, debug=debug)
    return settings
