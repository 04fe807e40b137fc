"""Count the messages that are missed while a reader fails.

    python -m tests.bench.handovers          # print the table
    python -m tests.bench.handovers --save   # save it for the docs, and write the page

Accounts in one channel write 20 messages a second in turn, and one of those who read the channel fails. It goes on
writing, unless it is banned or logged out.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
from typing import Any

from tests.bench import figures
from tests.faults.handovers import FAULTS, LASTING, play

ACCOUNTS = (1, 2, 30)
SECONDS, SILENT_SECONDS = 4.0, 24.0


async def measure(fault: str) -> dict[str, Any]:
    """Return a row: the messages that were written and missed, by the number of accounts."""
    row: dict[str, Any] = {"fault": fault}
    seconds = SILENT_SECONDS if "silent" in fault else SECONDS
    for accounts in ACCOUNTS:
        if accounts == 1 and fault in LASTING:
            continue
        found = await play(fault, accounts=accounts, seconds=seconds)
        row[str(accounts)] = {"said": found.said, "missed": found.missed}
        sys.stderr.write(f"{fault}, {accounts}: {found.missed} of {found.said} missed\n")
    return row


async def main() -> list[dict[str, Any]]:
    """Play one fault after another."""
    return [await measure(fault) for fault in FAULTS]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--save", action="store_true", help="save the table for the docs, and write the page")
    arguments = parser.parse_args()
    logging.disable()
    rows = asyncio.run(main())
    sys.stdout.write(figures.handovers_table(rows) + "\n")
    if arguments.save:
        figures.keep("handovers", rows)
        figures.write_pages()
