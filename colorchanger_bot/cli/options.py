"""What the commands share: their declaration and call, and the options that most of them take."""

from __future__ import annotations

import argparse
import re
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from colorchanger_bot import console
from colorchanger_bot.words import did_you_mean, nearest, shortened, shown

if TYPE_CHECKING:
    from colorchanger_bot.settings.load import Settings

USAGE = 2
"""The exit code for wrong arguments and settings."""
EXIT_CODES = "Exit codes: 0 fine, 1 failed, 2 wrong arguments or settings, 3 login needed, 4 already running."

LONGEST_COMPLAINT = 200
PROGRAM = "colorchanger"
UNWRAPPED = 100_000
"""The width for output into a pipe, where nothing is wrapped."""

Option = Callable[[argparse.ArgumentParser], object]
Command = Callable[..., int | None]
"""Takes its options by name, and returns its exit code; None is 0."""


def option(*names: str, **how: Any) -> Option:
    """Return an option or argument of a command; takes the arguments of `ArgumentParser.add_argument`."""
    return lambda parser: parser.add_argument(*names, **how)


def whole(low: int, high: int | None = None) -> Callable[[str], int]:
    """Return a reader of whole numbers from `low` to `high`."""

    def read(text: str) -> int:
        if not re.fullmatch(r"\d{1,18}", text) or int(text) < low or (high is not None and int(text) > high):
            upto = "on" if high is None else f"to {high}"
            raise argparse.ArgumentTypeError(f"{shown(text)}: write a whole number from {low} {upto}")
        return int(text)

    return read


CONFIG = option("-c", "--config", metavar="PATH", type=Path, help="The settings file.")
CONFIG_UNUSED = option(
    "-c", "--config", metavar="PATH", type=Path, help="Not needed here; if given, the file is only checked."
)
DEBUG = option("--debug", action="store_true", help="Log everything, and show a traceback when something fails.")
AS_JSON = option("--json", dest="as_json", action="store_true", help="As JSON, for programs.")


class Commands:
    """A group of commands, or all of them; declare them with the decorator `command`, call them with `run`."""

    def __init__(self, about: str = "", *options: Option) -> None:
        self.about = about
        self._options = options
        self._commands: dict[str, tuple[Command, Sequence[Option]]] = {}
        self._default = ""
        self._groups: dict[str, Commands] = {}

    def command(self, *options: Option, name: str = "", is_default: bool = False) -> Callable[[Command], Command]:
        """Declare a function and its options; its docstring is its help. The default one is called without a name."""

        def declare(function: Command) -> Command:
            self._commands[name or function.__name__] = function, options
            if is_default:
                self._default = name or function.__name__
            return function

        return declare

    def group(self, name: str, about: str) -> Commands:
        """Return a new group of commands within this one."""
        made = self._groups[name] = Commands(about)
        return made

    def add(self, others: Commands) -> None:
        """Add the commands and groups of another module."""
        self._commands |= others._commands
        self._groups |= others._groups

    def run(self, arguments: Sequence[str], *, called: str) -> int:
        """Call the command that the arguments name; return its exit code. `called` is the command line before them.

        Raises:
            SystemExit: the arguments are wrong, or ask for help.
        """
        name, *rest = arguments or [self._default]
        while name == "help":  # `help login` is `login --help`
            name, *rest = [*rest, "--help"]
        if group := self._groups.get(name):
            return group.run(rest, called=f"{called} {name}")
        if found := self._commands.get(name):
            function, options = found
            parser = _Parser(f"{called} {name}", _about(function), options)
            return function(**vars(parser.parse_args(rest))) or 0
        overview = _Parser(called, self.about, self._options, epilog=EXIT_CODES if called == PROGRAM else None)
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
        """Return one parser with all commands and options, for shell completion."""
        whole = _Parser(called, self.about, self._options)
        self._add_to(whole, deep=True)
        return whole

    def walk(self, called: str) -> Iterator[tuple[str, str, Sequence[Option]]]:
        """Yield every command with its name behind `called`, what it does, and its options."""
        for name, (function, options) in self._commands.items():
            yield f"{called} {name}", _about(function), options
        for name, group in self._groups.items():
            yield from group.walk(f"{called} {name}")

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
        if parser.prog == PROGRAM:
            listed.add_parser("help", help="Show this help, or that of a command.")
        return [*listed.choices]


class _Parser(argparse.ArgumentParser):
    """Reports an error in one line."""

    def __init__(self, name: str, about: str, options: Sequence[Option], *, epilog: str | None = None) -> None:
        super().__init__(
            name,
            description=about,
            epilog=epilog,
            allow_abbrev=False,
            formatter_class=_HelpFormatter,
            add_help=False,
        )
        self.add_argument("-h", "--help", action="help", help="Show this help and exit.")
        for add in options:
            add(self)

    def format_help(self) -> str:
        return console.wrapped(super().format_help(), sys.stdout)  # argparse never breaks the name in the usage line

    def error(self, message: str) -> NoReturn:
        complain(f"{shortened(message, LONGEST_COMPLAINT)} (help: {self.prog} --help)")
        self.exit(USAGE)


class _HelpFormatter(argparse.HelpFormatter):
    """Wraps at the terminal's width; output into a pipe is not wrapped."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=30, width=console.width(sys.stdout) or UNWRAPPED)

    def _split_lines(self, text: str, width: int) -> list[str]:
        return textwrap.wrap(" ".join(text.split()), width, break_long_words=False, break_on_hyphens=False)

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return "\n".join(f"{indent}{line}" for line in self._split_lines(text, max(width - len(indent), 1)))


def complain(text: str) -> None:
    """Print what went wrong to standard error, with the name of the program before each line."""
    for line in text.splitlines():
        console.say(f"{PROGRAM}: {line}", error=True)


def _about(command: Command) -> str:
    return " ".join((command.__doc__ or "").split())


def check_unused(config: Path | None) -> None:
    """Check the settings file that was given to a command that needs none.

    Raises:
        ConfigError: it is wrong.
    """
    if config is not None:
        from colorchanger_bot.settings.load import load

        load(config)


def loaded(config: Path | None) -> Settings:
    """Read the settings, and keep their secrets out of all that is logged from now on.

    Raises:
        ConfigError: they are wrong.
    """
    from colorchanger_bot.redaction import keep_secret
    from colorchanger_bot.settings.load import load

    settings = load(config)
    for secret in settings.secrets():
        keep_secret(secret)
    return settings


def settings_of(config: Path | None, *, debug: bool) -> Settings:
    """Read the settings and set up the log.

    Raises:
        ConfigError: they are wrong.
    """
    from colorchanger_bot.service import logs

    settings = loaded(config)
    logs.setup(settings.log, debug=debug)
    return settings
