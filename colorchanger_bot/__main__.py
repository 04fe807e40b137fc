"""`python -m colorchanger_bot`, and the `colorchanger` command: parses, and turns an error into a line and a code."""

from __future__ import annotations

import os
import signal
import sys
import traceback

from colorchanger_bot.errors import ColorChangerError, ConfigError, NeedsLogin, StoreLocked
from colorchanger_bot.redaction import redact

FAILED, USAGE, LOGIN_NEEDED, ALREADY_RUNNING, INTERRUPTED = 1, 2, 3, 4, 130


def main() -> None:
    """Run the command line."""
    signal.signal(signal.SIGTERM, _on_sigterm)
    # Pydantic looks for plugins in every package that is installed: 20 ms of each start, for none that we use.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
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
        sys.exit(_stopped())


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


def _on_sigterm(*_: object) -> None:
    """End as Ctrl-C does, where a command listens to it; `run` takes both signals over itself."""
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        signal.raise_signal(signal.SIGINT)  # asyncio cancels what runs, and everything is closed in order
        return
    # Nothing has begun but imports. An exception out of a signal could strike inside a destructor or a lock of the
    # import system, where Python prints it and goes on; what is not open need not be closed.
    os._exit(_stopped())


def _stopped() -> int:
    """Return the exit code of an end that somebody asked for: for `run` that is success."""
    return 0 if "run" in sys.argv[1:] else INTERRUPTED


def _print(text: str) -> None:
    print(redact(text).rstrip(), file=sys.stderr)  # noqa: T201


if __name__ == "__main__":
    main()
