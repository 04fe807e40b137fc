"""Play the fault scenarios with ColorChanger and with a plain TwitchIO bot, and compare them.

    python -m tests.bench.reliability              # both bots, all scenarios
    python -m tests.bench.reliability --only moved # scenarios with a word in their name
    python -m tests.bench.reliability --save       # save these outcomes for the docs, and write the page

Each scenario runs in a process of its own, and the bot in another, a few at a time. A bot that breaks a promise is
watched for a minute more.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import io
import json
import logging
import sys
from asyncio.subprocess import DEVNULL, PIPE
from typing import Any

from tests.bench import figures
from tests.bench.apart import BOTS, launcher
from tests.faults import changes, channels, joins, lines, stops
from tests.faults.stage import SCENARIOS, Scenario

TABLES = (lines, joins, changes, channels, stops)
PATIENCE_SECONDS = 60.0


async def play(scenario: Scenario, bot: str) -> dict[str, Any]:
    """Play one scenario; return the seconds that it took, what was broken, or nothing for a promise that was kept."""
    try:
        seconds = await scenario.run(launcher(bot), patience=PATIENCE_SECONDS)
    except TimeoutError:
        return {"broken": f"not within {scenario.promise + PATIENCE_SECONDS:.0f} s"}
    except RuntimeError as error:
        return {"broken": str(error)}
    except AssertionError as broken:
        said, _, _ = str(broken).partition(",")
        return {"broken": said or "broken"}
    return {"seconds": round(seconds, 2)} if seconds else {}


async def play_apart(scenario: Scenario, bot: str, room: asyncio.Semaphore) -> dict[str, Any]:
    """Play one scenario in a process of its own."""
    async with room:
        command = (sys.executable, "-m", "tests.bench.reliability", "--one", scenario.name, "--bot", bot)
        process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=DEVNULL)
        output, _ = await process.communicate()
        say(f"{bot}: {scenario.name}")
        return json.loads(output) if process.returncode == 0 else {"broken": "crashed"}


async def compare(only: str, together: int) -> list[dict[str, Any]]:
    """Return a row for each scenario that does not look inside a bot."""
    chosen = [each for each in SCENARIOS.values() if only in each.name and not each.inside]
    room = asyncio.Semaphore(together)
    longest = sorted(((each, bot) for each in chosen for bot in BOTS), key=lambda pair: -pair[0].seconds)
    tasks = {(each.name, bot): asyncio.create_task(play_apart(each, bot, room)) for each, bot in longest}
    await asyncio.gather(*tasks.values())
    return [
        {"fault": each.name, "promise": each.promise, **{bot: tasks[each.name, bot].result() for bot in BOTS}}
        for each in chosen
    ]


def say(line: str) -> None:
    """Report progress."""
    sys.stderr.write(f"{line}\n")


def main() -> None:
    """Read the arguments and go."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="a word in the names of the scenarios")
    parser.add_argument("--save", action="store_true", help="save the outcomes for the docs, and write the page")
    parser.add_argument("--together", type=int, default=4, help="how many at a time (default: 4)")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--bot", choices=sorted(BOTS), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        logging.disable()
        with contextlib.redirect_stderr(io.StringIO()):
            result = asyncio.run(play(SCENARIOS[arguments.one], arguments.bot))
        sys.stdout.write(json.dumps(result) + "\n")
        return
    rows = asyncio.run(compare(arguments.only, arguments.together))
    sys.stdout.write(figures.faults_table(rows) + "\n")
    if arguments.save:
        others = {row["fault"]: row for row in figures.read().get("reliability", {"rows": []})["rows"]}
        found = others | {row["fault"]: row for row in rows}
        figures.keep("reliability", [found[name] for name in SCENARIOS if name in found])
        figures.write_pages()


if __name__ == "__main__":
    main()
