"""`python -m colorchanger_bot`, and the `colorchanger` command: parses, and turns an error into a line and a code."""

from __future__ import annotations

import gc
import io
import os
import signal
import sys
import traceback

from colorchanger_bot.errors import ColorChangerError, ConfigError, NeedsLogin, StoreLocked
from colorchanger_bot.redaction import redact

FAILED, USAGE, LOGIN_NEEDED, ALREADY_RUNNING, INTERRUPTED = 1, 2, 3, 4, 130


def main() -> None:
    """Run the command line."""
    if _runs():
        signal.signal(signal.SIGINT, _leave)
        signal.signal(signal.SIGTERM, _leave)
        gc.disable()  # loading makes much that stays and little that goes: searching it is a fifth of the start
    else:
        signal.signal(signal.SIGTERM, _interrupt)
    os.environ.setdefault("LOGURU_AUTOINIT", "False")  # a first sink that `logs.setup` would take away again
    output: object = sys.stdout
    if isinstance(output, io.TextIOWrapper):
        output.reconfigure(errors="replace")  # a terminal that has no such sign shows another one
    try:
        sys.exit(_command())
    except ColorChangerError as error:
        if "--debug" in sys.argv:
            _print(traceback.format_exc())
        _print(str(error))
        sys.exit(exit_code(error))
    except Exception:  # the outermost place of all: a mistake of ours, shown whole but without secrets
        _print(traceback.format_exc())
        sys.exit(FAILED)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def _command() -> int:
    """Do what the command line says; return the exit code."""
    try:
        if _runs() and not {"-h", "--help"} & set(sys.argv):
            from colorchanger_bot.ahead import WORTH_IT, load_ahead

            load_ahead("aiohttp", until=WORTH_IT)
        from colorchanger_bot.cli.commands import app

        return app.run(sys.argv[1:], called="colorchanger")
    finally:
        if _runs():  # it is over, and how it ended is said by the exit code: a signal is one again
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)


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


def _runs() -> bool:
    return sys.argv[1:2] == ["run"]


def _leave(*_: object) -> None:
    """End `run` at once and well, for so it was asked, until it takes the signals over.

    It is loading and has opened nothing. An exception out of a signal could strike inside a destructor or a lock of
    the import system, where Python prints it and goes on.
    """
    os._exit(0)


def _interrupt(*_: object) -> None:
    """End any other command as Ctrl-C does: asyncio cancels what runs, and everything is closed in order."""
    signal.raise_signal(signal.SIGINT)


def _print(text: str) -> None:
    print(redact(text).rstrip(), file=sys.stderr)  # noqa: T201


if __name__ == "__main__":
    main()
