"""`python -m colorchanger_bot` and the `colorchanger` command: run a command, turn an error into a line and a code."""

from __future__ import annotations

import sys

FAILED, USAGE, LOGIN_NEEDED, ALREADY_RUNNING, INTERRUPTED = 1, 2, 3, 4, 130


def main() -> None:
    """Run the command line."""
    # Everything else is imported below, after the signal handlers are set: Ctrl-C never shows a traceback.
    from colorchanger_bot.cli import stopping

    if sys.argv[1:2] in (
        [],
        ["start"],
        ["run"],
        ["store"],
    ):  # they stop by themselves, at a point where they leave nothing behind
        stopping.remember()
    else:
        stopping.interrupt()
    try:
        try:
            code = _command()
        finally:
            stopping.ignore()  # a late signal must not change the exit code
    except KeyboardInterrupt:
        code = INTERRUPTED
    sys.exit(code)


def _command() -> int:
    """Run the command that the arguments name; return the exit code."""
    import io
    import os
    import traceback

    from colorchanger_bot.errors import ColorChangerError
    from colorchanger_bot.redaction import redact

    os.environ.setdefault("LOGURU_AUTOINIT", "False")  # loguru's default sink, which `logs.setup` would remove again
    output: object = sys.stdout
    if isinstance(output, io.TextIOWrapper):
        output.reconfigure(errors="replace")  # a character that the terminal cannot show becomes another one
    try:
        from colorchanger_bot.cli.commands import app

        return app.run(sys.argv[1:], called="colorchanger")
    except ColorChangerError as error:
        from colorchanger_bot.cli.options import complain

        if "--debug" in sys.argv:
            _print(traceback.format_exc())
        complain(redact(str(error)))
        return exit_code(error)
    except Exception:  # the outermost place: a bug of ours, shown with its traceback but without secrets
        _print(traceback.format_exc())
        return FAILED


def exit_code(error: Exception) -> int:
    """Return the documented exit code of an error."""
    from colorchanger_bot.errors import ConfigError, NeedsLogin, StoreLocked

    match error:
        case ConfigError():
            return USAGE
        case NeedsLogin():
            return LOGIN_NEEDED
        case StoreLocked():
            return ALREADY_RUNNING
        case _:
            return FAILED


def _print(text: str) -> None:
    from colorchanger_bot.redaction import redact

    print(redact(text).rstrip(), file=sys.stderr)  # noqa: T201


if __name__ == "__main__":
    main()
