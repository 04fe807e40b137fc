"""`python -m colorchanger_bot`, and the `colorchanger` command: parses, and turns an error into a line and a code."""

from __future__ import annotations

import sys
import traceback

from colorchanger_bot.cli import app
from colorchanger_bot.errors import ColorChangerError, ConfigError, NeedsLogin, StoreLocked

FAILED, USAGE, LOGIN_NEEDED, ALREADY_RUNNING = 1, 2, 3, 4


def main() -> None:
    """Run the command line."""
    try:
        app(prog_name="colorchanger")
    except ColorChangerError as error:
        if "--debug" in sys.argv:
            traceback.print_exc()
        print(error, file=sys.stderr)  # noqa: T201
        sys.exit(exit_code(error))
    except KeyboardInterrupt:
        sys.exit(130)


def exit_code(error: ColorChangerError) -> int:
    """Return the exit code that an error has in the contract."""
    match error:
        case ConfigError():
            return USAGE
        case NeedsLogin():
            return LOGIN_NEEDED
        case StoreLocked():
            return ALREADY_RUNNING
        case _:
            return FAILED


if __name__ == "__main__":
    main()
