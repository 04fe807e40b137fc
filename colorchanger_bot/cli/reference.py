"""The documentation of the commands, generated from the code: docs/cli.md and the table of docs/commands.md.

Run this after you change a command, an option or a description:

    python -m colorchanger_bot.cli.reference
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

from colorchanger_bot.changer.usage import USAGE
from colorchanger_bot.cli.commands import app
from colorchanger_bot.cli.options import PROGRAM, Option
from colorchanger_bot.settings.reference import DOCS

BEGIN = "<!-- Generated from the code: python -m colorchanger_bot.cli.reference -->"
END = "<!-- End of the generated part -->"


def chat_commands() -> str:
    """Return the table of the commands in chat, in Markdown."""
    return _table(("command", "what it does"), USAGE)


def command_line() -> str:
    """Return the reference of the command line in Markdown, a heading for each command."""
    return "\n\n".join(_command(*each) for each in sorted(app.walk(PROGRAM)))


def _command(called: str, about: str, options: Sequence[Option]) -> str:
    parser = argparse.ArgumentParser(add_help=False)
    for add in options:
        add(parser)
    actions = parser._actions  # pyright: ignore[reportPrivateUsage]
    words = [called, *(_argument(each) for each in actions if not each.option_strings)]
    rows = [(f"`{_forms(each)}`", each.help or "") for each in actions]
    table = f"\n\n{_table(('option', 'what it does'), rows)}" if rows else ""
    return f"## `{' '.join(words)}`\n\n{about}{table}"


def _argument(action: argparse.Action) -> str:
    name = _value(action)
    return f"[{name}]" if action.nargs == "?" else name


def _forms(action: argparse.Action) -> str:
    """Return an option as a person writes it: `-c PATH, --config PATH`."""
    value = "" if action.nargs == 0 else f" {_value(action)}"
    return ", ".join(f"{name}{value}" for name in action.option_strings) or _value(action)


def _value(action: argparse.Action) -> str:
    return str(action.metavar or action.dest.upper())


def _table(heads: tuple[str, str], rows: Sequence[tuple[str, str]]) -> str:
    return "\n".join(_lines(heads, rows))


def _lines(heads: tuple[str, str], rows: Sequence[tuple[str, str]]) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield "| --- | --- |"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"


def write(docs: Path = DOCS) -> None:
    """Rewrite the generated parts."""
    for name, content in (("cli.md", command_line()), ("commands.md", chat_commands())):
        page = docs / name
        before, _, rest = page.read_text("utf-8").partition(BEGIN)
        after = rest.partition(END)[2]
        page.write_text(f"{before}{BEGIN}\n\n{content}\n\n{END}{after}", "utf-8", newline="\n")


if __name__ == "__main__":
    write()
