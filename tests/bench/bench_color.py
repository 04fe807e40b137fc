"""The time that one colour takes, for every strategy: `python tests/bench/bench_color.py [COLOURS]`.

Times are in microseconds per colour, including what is computed once, and in multiples of a loop of 1000 floating-point
additions, which makes runs on different machines comparable.
"""

import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random
from typing import get_args

from colorchanger_bot.color import STRATEGIES, Color, Moment, Plan, Theme, build

LIMIT = 60.0
RUNS = count()
START = datetime(2026, 11, 22, 12, tzinfo=UTC)


def main(number: int) -> None:
    loop = min(timed(calibration) for _ in range(20))
    sys.stdout.write(f"calibrated loop: {loop:.1f} us; {number} colours each\n")
    sys.stdout.write(f"{'strategy':<10}{'theme':<7}{'names':<7}{'us':>7}{'loops':>8}\n")
    for name in STRATEGIES:
        for theme in get_args(Theme):
            for presets_only in (False, True):
                each = of_one(name, theme, presets_only, number)
                mark = "" if each <= LIMIT else f"  more than {LIMIT:g} us"
                only = "only" if presets_only else ""
                sys.stdout.write(f"{name:<10}{theme:<7}{only:<7}{each:7.1f}{each / loop:8.2f}{mark}\n")
    empty, loaded = importing("pass"), importing("import colorchanger_bot.color")
    everything = importing("from colorchanger_bot.color import *")
    sys.stdout.write(
        f"import colorchanger_bot.color: {loaded - empty:.1f} ms, all its names: {everything - empty:.1f} ms\n"
    )


def timed(action: Callable[[], object]) -> float:
    """Microseconds."""
    begin = time.perf_counter()
    action()
    return (time.perf_counter() - begin) * 1e6


def calibration() -> float:
    total = 0.0
    for term in range(1000):
        total += term * 2.5
    return total


def of_one(name: str, theme: Theme, presets_only: bool, number: int) -> float:
    """Microseconds for one colour, on average."""
    rng = Random(1)
    listed = tuple(Color(rng.randrange(1 << 24)) for _ in range(8))
    seen = tuple(Color(rng.randrange(1 << 24)) for _ in range(30))
    # A contrast that no other run has had, so that nothing is cached.
    contrast = 3.0 + next(RUNS) / 1e6
    strategy = build(Plan(strategy=name, theme=theme, min_contrast=contrast, colors=listed, base=listed[0]))
    history: list[Color] = []
    spent = 0.0
    for day in range(number):
        moment = Moment(history, rng, START + timedelta(days=day), seen, presets_only)
        begin = time.perf_counter()
        color = strategy.next(moment)
        spent += time.perf_counter() - begin
        history = [color, *history[:9]] if color else history
    return spent / number * 1e6


def importing(code: str) -> float:
    """Milliseconds of a new interpreter, the best of many."""
    command = [sys.executable, "-c", code]
    return min(timed(lambda: subprocess.run(command, check=True)) for _ in range(15)) / 1000


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5000)
