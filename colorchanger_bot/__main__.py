"""`python -m colorchanger_bot`, and the `colorchanger` command: parses, and turns an error into a line and a code."""

from __future__ import annotations

import signal
import sys
import traceback
from typing import NoReturn

from colorchanger_bot.errors import ColorChangerError, ConfigError, NeedsLogin, StoreLocked
from colorchanger_bot.redaction import redact

FAILED, USAGE, LOGIN_NEEDED, ALREADY_RUNNING, INTERRUPTED = 1, 2, 3, 4, 130


def main() -> None:
    """Run the command line."""
    # Until `run` takes the signals over, and everywhere else, a stop is a quiet end: `run` was asked to end, and did.
    signal.signal(signal.SIGTERM, _stop)
    try:
        from colorchanger_bot.cli import app

        app(prog_name="colorchanger")
    except ColorChangerError as error:
        if "--debug" in sys.argv:
            _print(traceback.format_exc())
        _print(str(error))
        sys.exit(exit_code(error))
    except Exception:  # the outermost place of all: a mistake of ours, shown whole but without secrets
        _print(traceback.format_exc())
        sys.exit(FAILED)
    except KeyboardInterrupt:
        _stop()


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


def _stop(*_: object) -> NoReturn:
    sys.exit(0 if "run" in sys.argv[1:] else INTERRUPTED)


def _print(text: str) -> None:
    print(redact(text).rstrip(), file=sys.stderr)  # noqa: T201


if __name__ == "__main__":
    main()
