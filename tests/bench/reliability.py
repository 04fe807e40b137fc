"""Play the fault scenarios with ColorChanger and with a plain TwitchIO bot, and print the table of both.

    python -m tests.bench.reliability              # both, all scenarios
    python -m tests.bench.reliability --only moved # those with a word in their name
    python -m tests.bench.reliability --bot naive

Each scenario runs in a process of its own, a few at a time; who breaks a promise is watched for a minute more.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import io
import logging
import sys
from asyncio.subprocess import PIPE

from tests.faults import changes, channels, joins, lines, stops
from tests.faults.stage import SCENARIOS, Scenario, launch_ours

TABLES = (lines, joins, changes, channels, stops)
PATIENCE_SECONDS = 60.0
BOTS = {"ours": "ColorChanger", "naive": "plain TwitchIO"}


async def play(scenario: Scenario, bot: str) -> str:
    """Play one scenario; return what stands in the table."""
    if bot == "naive":
        from tests.bench.naive_bot import launch_naive as launch
    else:
        launch = launch_ours
    try:
        seconds = await scenario.run(launch, patience=PATIENCE_SECONDS)
    except TimeoutError:
        return f"**not within {scenario.promise + PATIENCE_SECONDS:.0f} s**"
    except AssertionError as broken:
        said, _, _ = str(broken).partition(",")
        return f"**{said or 'broken'}**"
    return f"{seconds:.1f} s" if seconds else "kept"


async def play_apart(scenario: Scenario, bot: str, room: asyncio.Semaphore) -> str:
    """Play one scenario in a process of its own."""
    async with room:
        command = (sys.executable, "-m", "tests.bench.reliability", "--one", scenario.name, "--bot", bot)
        process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE)
        output, _ = await process.communicate()
        return output.decode().strip().splitlines()[-1] if process.returncode == 0 else "**crashed**"


async def table(only: str, bots: list[str], together: int) -> None:
    """Print the table, in Markdown."""
    chosen = [each for each in SCENARIOS.values() if only in each.name and not each.inside]
    room = asyncio.Semaphore(together)
    longest = sorted(((each, bot) for each in chosen for bot in bots), key=lambda pair: -pair[0].seconds)
    tasks = {(each.name, bot): asyncio.create_task(play_apart(each, bot, room)) for each, bot in longest}
    await asyncio.gather(*tasks.values())
    say("| fault | promise | " + " | ".join(BOTS[bot] for bot in bots) + " |")
    say("| --- | --- |" + " --- |" * len(bots))
    for each in chosen:
        promise = f"{each.promise:g} s" if any(tasks[each.name, bot].result()[-1:] == "s" for bot in bots) else ""
        say(f"| {each.name} | {promise} | " + " | ".join(tasks[each.name, bot].result() for bot in bots) + " |")


def say(line: str) -> None:
    """Print at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    """Read the arguments and go."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bot", choices=sorted(BOTS), action="append")
    parser.add_argument("--only", default="", help="a word in the names of the scenarios")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--together", type=int, default=6, help="how many at a time")
    arguments = parser.parse_args()
    if arguments.one:
        logging.disable()
        with contextlib.redirect_stderr(io.StringIO()):
            result = asyncio.run(play(SCENARIOS[arguments.one], arguments.bot[0]))
        say(result)
    else:
        asyncio.run(table(arguments.only, arguments.bot or list(BOTS), arguments.together))


if __name__ == "__main__":
    main()
