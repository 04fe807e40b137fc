"""Run ColorChanger for hours under faults, and print its memory, its tasks and what it did.

python -m tests.bench.soak --hours 8 --accounts 10 --faults-every 60
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import random
import sys
import time
from pathlib import Path

from colorchanger_bot.sandbox import LocalTwitch
from tests.faults.stage import Setup, Stage, launch_ours

LINE = (
    "{hours:7.3f} h  {memory:7.1f} MB  {tasks:4d} tasks  {objects:7d} objects  "
    "{messages:7d} own messages  {changes:7d} colours"
)


def memory() -> float:
    """Return the resident memory of this process in MB; where /proc is missing, its peak."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text("ascii").splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) / 1024
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)


async def soak(hours: float, accounts: int, faults_every: float, report_every: float) -> None:
    """Let the accounts chat, with a fault and a line of numbers every so many seconds."""
    logins = tuple(f"account{number}" for number in range(accounts))
    rng = random.Random(7)
    began = time.monotonic()
    async with LocalTwitch() as twitch:
        twitch.add_user("stranger", "#00FF00")
        stage = Stage(twitch, Setup(logins=logins), launch_ours)
        async with stage.running():
            next_fault, next_report, changes = began + faults_every, began, 0
            while (now := time.monotonic()) < began + hours * 3600:
                channel = rng.choice(logins)
                await twitch.say(rng.choice([channel, "stranger"]), in_=channel, text="hello")
                await asyncio.sleep(0.05)
                if now > next_fault:
                    next_fault = now + faults_every
                    await rng.choice(
                        [twitch.eventsub.drop_all, twitch.eventsub.freeze, twitch.eventsub.reconnect_all]
                    )()
                    twitch.expire(rng.choice(logins))
                # The memory of the local Twitch is not measured.
                changes += len(twitch.color_changes)
                twitch.color_changes.clear()
                twitch.requests.clear()
                if now > next_report:
                    next_report = now + report_every
                    gc.collect()
                    numbers = {
                        "hours": (now - began) / 3600,
                        "memory": memory(),
                        "tasks": len(asyncio.all_tasks()),
                        "objects": len(gc.get_objects()),
                        "messages": stage.subject.messages,
                        "changes": changes,
                    }
                    sys.stdout.write(LINE.format(**numbers) + "\n")
                    sys.stdout.flush()


def main() -> None:
    """Read the arguments and go."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=1.0)
    parser.add_argument("--accounts", type=int, default=10)
    parser.add_argument("--faults-every", type=float, default=60.0, metavar="SECONDS")
    parser.add_argument("--report-every", type=float, default=60.0, metavar="SECONDS")
    arguments = parser.parse_args()
    asyncio.run(soak(arguments.hours, arguments.accounts, arguments.faults_every, arguments.report_every))


if __name__ == "__main__":
    main()
