"""The script that lets a shell complete our commands and their options."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

SHELLS = ("bash", "zsh", "tcsh")


def script(parser: argparse.ArgumentParser, shell: str) -> str:
    """Return the script for a shell; it completes file names where a path belongs."""
    import shtab

    for action in _actions(parser):
        if action.type is Path:
            action.complete = shtab.FILE  # pyright: ignore[reportAttributeAccessIssue]
    return shtab.complete(parser, shell)


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    for action in parser._actions:  # pyright: ignore[reportPrivateUsage]
        yield action
        choices: object = action.choices
        for each in choices.values() if isinstance(choices, dict) else ():  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
            if isinstance(each, argparse.ArgumentParser):
                yield from _actions(each)
