"""The log: loguru, set up once by the command line; everything that reaches it is cleaned before any sink sees it.

Inner layers log through standard logging (`logging.getLogger(__name__)`, context by `extra={"account": ...}`), cogs
and the command line may use loguru itself (`logger.bind(account=...)`). Hand text from chat over as an argument
(`logger.info("{} said {}", who, text)`), never as the template.
"""

from __future__ import annotations

import json
import logging
import math
import os
import sys
import traceback
from datetime import UTC
from functools import partial
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from loguru import logger

from colorchanger_bot import console
from colorchanger_bot.errors import ConfigError
from colorchanger_bot.redaction import forget_secret, keep_secret, one_line, redact
from colorchanger_bot.settings.load import LogSettings

if TYPE_CHECKING:
    from loguru import Record

__all__ = ["ToLoguru", "forget_secret", "keep_secret", "redact", "setup"]

FILE_BYTES = 10_000_000
FILES_KEPT = 5
"""Full files, `.1` to `.5`, that stay beside the one being written."""

BELOW = " " * 18
"""Below the message of a pretty line, after its time and level."""

# Logged from WARNING on. Below that, SQLAlchemy writes statements with their values, tokens among them.
_QUIET = ("aiohttp", "asyncio", "psycopg", "sqlalchemy", "twitchio")
_LEVELS = {"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"}
_STANDARD_FIELDS = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def setup(log: LogSettings, *, stream: TextIO | None = None, debug: bool = False) -> None:
    """Send everything that is logged to `stream` (standard error by default) and to the file of the settings.

    A second call replaces the first.

    Raises:
        ConfigError: the file cannot be written.
    """
    level = "DEBUG" if debug else log.level
    form = _json if log.format == "json" else _pretty
    logger.remove()
    logger.configure(patcher=_clean)
    stream = stream or sys.stderr  # None, if it was closed
    if stream and console.is_terminal(stream) and log.format != "json":
        # loguru itself does not look at NO_COLOR.
        colors, form_there = console.has_colors(stream), partial(_on_terminal, stream)
        sink = partial(_write_wrapped, stream)
        logger.add(sink, level=level, format=form_there, colorize=colors, diagnose=False, backtrace=False)
    elif stream:
        logger.add(stream, level=level, format=form, diagnose=False, backtrace=False)
    if log.file:
        logger.add(_log_file(log.file), level=level, format=form, diagnose=False, backtrace=False)
    _take_over_standard_logging(level, debug=debug)


class ToLoguru(logging.Handler):
    """Hands the records of standard logging to loguru, with their context."""

    def emit(self, record: logging.LogRecord) -> None:
        """Log the record."""
        if "StarletteAdapter" in str(record.msg):  # TwitchIO recommends an extra that we do not use, at every start
            return
        try:
            message = record.getMessage()
        except (TypeError, ValueError):  # a library's arguments do not fit its template
            message = str(record.msg)
        level = record.levelname if record.levelname in _LEVELS else record.levelno
        context = {key: value for key, value in vars(record).items() if key not in _STANDARD_FIELDS}
        # Without arguments, loguru does not format the message: braces in it are safe.
        logger.bind(logger=record.name, **context).opt(exception=record.exc_info).log(level, message)


def _write_wrapped(stream: TextIO, text: str) -> None:
    """Write a record to a terminal, wrapped between words below its message."""
    stream.write(console.wrapped(text, stream, indent=BELOW))
    stream.flush()


class _LogFile(RotatingFileHandler):
    """The log file: its owner's alone, rotated by size."""

    terminator = ""
    _complained = False

    def _open(self) -> TextIOWrapper:
        return open(self.baseFilename, "a", encoding="utf-8", opener=lambda path, flags: os.open(path, flags, 0o600))

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        # The usual report of loguru and logging prints the exception that is being handled, and with it its secrets.
        if not self._complained and sys.stderr:
            why = getattr(sys.exc_info()[1], "strerror", None) or "it is closed"
            sys.stderr.write(f"log.file: {self.baseFilename} cannot be written ({why}); going on without it\n")
        self._complained = True


def _log_file(name: str) -> _LogFile:
    try:
        path = Path(name).expanduser()
        path.parent.mkdir(parents=True, exist_ok=True)
        return _LogFile(path, maxBytes=FILE_BYTES, backupCount=FILES_KEPT)
    except (OSError, RuntimeError) as error:  # RuntimeError: a "~" of a user without a home
        why = getattr(error, "strerror", None) or "there is no such directory"
        raise ConfigError(
            [f'log.file = "{one_line(name)}": cannot be written ({why}); write another path, or "" for no file']
        ) from None


def _take_over_standard_logging(level: str, *, debug: bool) -> None:
    root = logging.getLogger()
    root.handlers = [each for each in root.handlers if not isinstance(each, ToLoguru)] + [ToLoguru()]
    root.setLevel(level)
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    if debug:
        logging.getLogger("twitchio").setLevel(logging.INFO)


def _clean(record: Record) -> None:
    """Make a record safe before any sink, and loguru's own report of a failing sink, can see it."""
    record["message"] = one_line(redact(record["message"]))
    extra: dict[Any, Any] = {key: _clean_value(value) for key, value in record["extra"].items()}
    if record["exception"] is not None:
        extra["exception"] = _traceback(*record["exception"])
        record["exception"] = None
    record["extra"] = extra


def _clean_value(value: object) -> str | float | bool | None:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    return one_line(redact(str(value)))


def _traceback(kind: Any, error: Any, where: Any) -> str:
    """Render an exception without the values of variables, each line of it safe."""
    text = redact("".join(traceback.format_exception(kind, error, where)))
    return "\n".join(one_line(line) for line in text.splitlines())


def _pretty(record: Record) -> str:
    """Return loguru's template for `12:34:56 INFO     bob #friend: message`, with the exception indented below."""
    extra = record["extra"]
    channel = str(extra.get("channel") or "").removeprefix("#")
    who = " ".join(filter(None, [str(extra.get("account") or ""), channel and f"#{channel}"]))
    extra["_who"] = f"{who}: " if who else ""
    extra["_below"] = "".join(f"\n    {line}" for line in str(extra.get("exception") or "").split("\n") if line)
    return "<dim>{time:HH:mm:ss}</dim> <level>{level: <8}</level> <cyan>{extra[_who]}</cyan>{message}{extra[_below]}\n"


def _on_terminal(stream: TextIO, record: Record) -> str:
    """Return the template of `_pretty` with a patch of the colour that the message is about."""
    template = _pretty(record)
    record["extra"]["_swatch"] = console.swatch(str(record["extra"].get("color") or ""), stream)
    return template.replace("{message}", "{extra[_swatch]}{message}", 1)


def _json(record: Record) -> str:
    """Return loguru's template for one flat JSON object, `time` as in RFC 3339 and in UTC."""
    extra = record["extra"]
    fixed = {
        "time": record["time"].astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "level": record["level"].name,
        "message": record["message"],
    }
    context = {key: value for key, value in extra.items() if not key.startswith("_")}
    # First for the order, last so that no context of that name takes their place.
    extra["_json"] = json.dumps(fixed | {"logger": record["name"]} | context | fixed)
    return "{extra[_json]}\n"
