"""Measure ColorChanger beside a plain TwitchIO bot and the floor, all in one run: `python -m tests.bench`.

Compare figures within one run, not between runs: machines are shared and noisy. With `--save` the figures go to
docs/figures.json and into the pages. With `--before` an earlier ColorChanger takes part, with `--peer` a checkout of
realAbitbol/twitch_colorchanger, whose requirements this Python must have.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from tests.bench import figures
from tests.bench.contestants import before, floor, ours, peer, plain
from tests.bench.measures import MEASURES, Rounds
from tests.bench.report import Row, as_text


def main() -> int:
    """Run the bench; 1 if a limit was exceeded."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("what", nargs="*", metavar="WHAT", help=f"all, or some of: {', '.join(MEASURES)}")
    parser.add_argument("--rounds", type=int, default=3, help="how many turns each contestant has (default: 3)")
    parser.add_argument("--before", type=Path, metavar="PYTHON", help="the Python of an earlier ColorChanger")
    parser.add_argument("--peer", type=Path, metavar="PATH", help="a checkout of twitch_colorchanger")
    parser.add_argument("--save", action="store_true", help="save the figures for the docs, and write the pages")
    parser.add_argument("--docs", action="store_true", help="measure nothing: write the pages from the saved figures")
    wanted = parser.parse_args()
    if wanted.docs:
        figures.write_pages()
        return 0
    unknown = set(wanted.what) - MEASURES.keys()
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(MEASURES)}")
    if sys.platform != "linux":
        parser.error("the costs of a process are read from /proc: run it on Linux")
    contestants = [floor, plain, ours]
    contestants[2:2] = [peer(wanted.peer)] if wanted.peer else []
    contestants[2:2] = [before(wanted.before)] if wanted.before else []
    measured = asyncio.run(_measure(wanted.what or list(MEASURES), Rounds(contestants, wanted.rounds, _progress)))
    rows = [row for each in measured.values() for row in each]
    sys.stdout.write(as_text(rows, [each.name for each in contestants]) + "\n")
    if wanted.save:
        for name, each in measured.items():
            figures.keep(name, [row.as_json() for row in each])
        figures.write_pages()
    return int(any(row.verdict(limit) is False for row in rows for limit in row.limits))


async def _measure(names: list[str], rounds: Rounds) -> dict[str, list[Row]]:
    measured: dict[str, list[Row]] = {}
    for name in names:
        try:
            measured[name] = await MEASURES[name](rounds)
        except RuntimeError as error:  # a contestant did not get to work: the other measurements still count
            _progress(f"{name} is left out: {error}")
    return measured


def _progress(line: str) -> None:
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
