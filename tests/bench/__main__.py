"""Measure ColorChanger beside a plain TwitchIO bot and beside the floor, all in one run: `python -m tests.bench`.

Figures of different runs say little, these machines are shared and noisy: what counts are the ratios of one run. With
`--peer` a checkout of realAbitbol/twitch_colorchanger takes part, whose requirements this Python must have.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import sys
from pathlib import Path

from tests.bench.contestants import FLOOR, OURS, PLAIN, peer
from tests.bench.measures import MEASURES, Rounds
from tests.bench.report import Row, as_json, as_text


def main() -> int:
    """Run the bench; 1 if a limit was exceeded."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("what", nargs="*", metavar="WHAT", help=f"all, or some of: {', '.join(MEASURES)}")
    parser.add_argument("--rounds", type=int, default=3, help="how often everybody has a turn (default: 3)")
    parser.add_argument("--peer", type=Path, metavar="PATH", help="a checkout of twitch_colorchanger")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything that was measured")
    wanted = parser.parse_args()
    unknown = set(wanted.what) - MEASURES.keys()
    if unknown:
        parser.error(f"nothing is called {', '.join(sorted(unknown))}; there are {', '.join(MEASURES)}")
    if sys.platform != "linux":
        parser.error("the costs of a process are read from /proc: run it on Linux")
    contestants = [FLOOR, PLAIN, *([peer(wanted.peer)] if wanted.peer else []), OURS]
    rows = asyncio.run(_measure(wanted.what or list(MEASURES), Rounds(contestants, wanted.rounds, _progress)))
    sys.stdout.write(as_text(rows, [each.name for each in contestants]) + "\n")
    if wanted.json:
        machine = {"python": platform.python_version(), "cores": os.cpu_count(), "system": platform.platform()}
        wanted.json.write_text(json.dumps(as_json(rows, machine), indent=2) + "\n", "utf-8")
    return int(any(row.verdict(limit) is False for row in rows for limit in row.limits))


async def _measure(names: list[str], rounds: Rounds) -> list[Row]:
    rows: list[Row] = []
    for name in names:
        try:
            rows += await MEASURES[name](rounds)
        except RuntimeError as error:  # somebody did not get to work: the other measures are still worth something
            _progress(f"{name} is left out: {error}")
    return rows


def _progress(line: str) -> None:
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
