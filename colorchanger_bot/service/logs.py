"""The log: standard logging, set up once by the command line; no secret and no forged line gets out of it.

Log through standard logging (`logging.getLogger(__name__)`, context by `extra={"account": ...}`). Cogs that use loguru
(`logger.bind(account=...)`) write to the same log. Hand text from chat over as an argument
(`logger.info("{} said {}", who, text)`), never as the template.
"""

from __future__ import annotations

import json
import logging
import math
import os
import sys
import time
import traceback
from datetime import UTC, datetime
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from loguru import logger

from colorchanger_bot import console
from colorchanger_bot.errors import ConfigError
from colorchanger_bot.redaction import one_line, redact
from colorchanger_bot.settings.load import LogSettings

if sys.platform == "win32":
    import colorama  # comes with loguru, on Windows alone

if TYPE_CHECKING:
    from loguru import Record

FILE_BYTES = 10_000_000
FILES_KEPT = 5
"""Full files, `.1` to `.5`, that stay beside the one being written."""

BELOW = " " * 18
"""Below the message of a pretty line, after its time and level."""

# Logged from WARNING on. Below that, SQLAlchemy writes statements with their values, tokens among them.
_QUIET = ("aiohttp", "asyncio", "psycopg", "sqlalchemy", "twitchio")
_STANDARD_FIELDS = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_DIM, _CYAN, _END = "\x1b[2m", "\x1b[36m", "\x1b[0m"
_LEVEL_STYLES = {
    "DEBUG": "\x1b[34m\x1b[1m",
    "INFO": "\x1b[1m",
    "WARNING": "\x1b[33m\x1b[1m",
    "ERROR": "\x1b[31m\x1b[1m",
}
_CRITICAL_STYLE = "\x1b[41m\x1b[1m"


def setup(log: LogSettings, *, stream: TextIO | None = None, debug: bool = False) -> None:
    """Send everything that is logged to `stream` (standard error by default) and to the file of the settings.

    A second call replaces the first.

    Raises:
        ConfigError: the file cannot be written.
    """
    logger.remove()  # closes what an earlier call opened
    stream = stream or sys.stderr  # None, if it was closed
    sinks: list[logging.Handler] = []
    if stream:
        sinks.append(_Stream(stream))
        sinks[0].setFormatter(_Json() if log.format == "json" else _Pretty(stream))
    if log.file:
        sinks.append(_log_file(log.file))
        sinks[-1].setFormatter(_Json() if log.format == "json" else _Pretty())
    root = logging.getLogger()
    for sink in sinks:
        sink.addFilter(_is_wanted)
        root.addHandler(sink)
    set_level(log.level, debug=debug)
    logger.configure(patcher=_clean)
    logger.add(FromLoguru(sinks), level=0, format=lambda _: "{message}", diagnose=False, backtrace=False)


def set_level(level: str, *, debug: bool = False) -> None:
    """Change the minimum level of the log; with `debug`, everything is logged whatever the settings say."""
    root = logging.getLogger()
    root.setLevel("DEBUG" if debug else level)
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    if debug:
        logging.getLogger("twitchio").setLevel(logging.INFO)


class FromLoguru(logging.Handler):
    """Hands the records of loguru to the sinks of the log, with their context; `logger.remove()` closes them."""

    def __init__(self, sinks: list[logging.Handler]) -> None:
        super().__init__()
        self._sinks = sinks

    def emit(self, record: logging.LogRecord) -> None:
        """Log the record, if the level of the log lets it through."""
        if record.levelno < logging.getLogger().level:
            return
        for sink in self._sinks:
            sink.handle(record)

    def close(self) -> None:
        """Close the log."""
        for sink in self._sinks:
            logging.getLogger().removeHandler(sink)
            sink.close()
        super().close()


class _Stream(logging.StreamHandler[TextIO]):
    """A terminal or a pipe."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Stay silent: the report of logging would show the exception, and with it its secrets."""


class _LogFile(RotatingFileHandler):
    """The log file: its owner's alone, rotated by size."""

    _complained = False

    def _open(self) -> TextIOWrapper:
        return open(self.baseFilename, "a", encoding="utf-8", opener=lambda path, flags: os.open(path, flags, 0o600))

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        # The report of logging prints the exception that is being handled, and with it its secrets.
        if not self._complained and sys.stderr:
            why = getattr(sys.exc_info()[1], "strerror", None) or "it is closed"
            sys.stderr.write(f"log.file: {self.baseFilename} cannot be written ({why}); going on without it\n")
        self._complained = True


def _log_file(name: str) -> _LogFile:
    path = Path(name).expanduser()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return _LogFile(path, maxBytes=FILE_BYTES, backupCount=FILES_KEPT)
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise ConfigError(
            [f'log.file = "{one_line(name)}": cannot be written ({why}); write another path, or "" for no file']
        ) from None


def _is_wanted(record: logging.LogRecord) -> bool:
    return "StarletteAdapter" not in str(record.msg)  # TwitchIO recommends an extra that we do not use, at every start


class _Pretty(logging.Formatter):
    """Renders `12:34:56 INFO     bob #friend: message`, with the exception indented below.

    On a terminal, lines are wrapped between words, and a line about a colour begins with a patch of it.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        super().__init__()
        self._stream = stream
        self._in_color = console.has_colors(stream)
        if self._in_color and sys.platform == "win32":
            colorama.just_fix_windows_console()

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        context = _context(record)
        channel = str(context.get("channel") or "").removeprefix("#")
        who = " ".join(filter(None, [str(context.get("account") or ""), channel and f"#{channel}"]))
        at, level = time.strftime("%H:%M:%S", time.localtime(record.created)), f"{record.levelname:<8}"
        who = f"{who}: " if who else ""
        if self._in_color:
            style = _LEVEL_STYLES.get(record.levelname, "") if record.levelname != "CRITICAL" else _CRITICAL_STYLE
            at, level, who = f"{_DIM}{at}{_END}", f"{style}{level}{_END}", f"{_CYAN}{who}{_END}"
        below = "".join(f"\n    {line}" for line in str(context.get("exception") or "").split("\n") if line)
        patch = console.swatch(str(context.get("color") or ""), self._stream) if self._in_color else ""
        line = f"{at} {level} {who}{patch}{_message(record)}{below}"
        return console.wrapped(line, self._stream, indent=BELOW) if console.is_terminal(self._stream) else line


class _Json(logging.Formatter):
    """Renders one flat JSON object, `time` as in RFC 3339 and in UTC."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        fixed = {"time": at.replace("+00:00", "Z"), "level": record.levelname, "message": _message(record)}
        # First for the order, last so that no context of that name takes their place.
        return json.dumps(fixed | {"logger": record.name} | _context(record) | fixed)


def _message(record: logging.LogRecord) -> str:
    try:
        message = record.getMessage()
    except (TypeError, ValueError):  # a library's arguments do not fit its template
        message = str(record.msg)
    return one_line(redact(message))


def _context(record: logging.LogRecord) -> dict[Any, Any]:
    """Return what was given beside the message, and the exception as text, safe to show."""
    context: dict[Any, Any] = {key: value for key, value in vars(record).items() if key not in _STANDARD_FIELDS}
    bound = context.pop("extra", None)  # loguru's, which `_clean` has made safe
    context = {key: _clean_value(value) for key, value in context.items()}
    if isinstance(bound, dict):
        context |= bound
    if record.exc_info and record.exc_info[1]:
        context["exception"] = _traceback(*record.exc_info)
    return context


def _clean(record: Record) -> None:
    """Make a record of loguru safe before any sink, and loguru's report of a failing sink, can see it."""
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
