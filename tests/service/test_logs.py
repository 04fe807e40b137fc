"""The log: its two formats, what goes into it, and that no secret and no forged line appears in it."""

from __future__ import annotations

import io
import json
import logging
import os
import re
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from loguru import logger

from colorchanger_bot.errors import ConfigError
from colorchanger_bot.redaction import Secrets, forget_secret, keep_secret, one_line, redact
from colorchanger_bot.service import logs
from colorchanger_bot.settings.load import LogSettings

TOKEN = "abcdefghijklmnopqrstuvwxyz0123"
library = logging.getLogger("some_library")


@pytest.fixture(autouse=True)
def leave_no_traces() -> Iterator[None]:
    """Restore the process-wide state of both logging systems."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    logger.remove()
    logger.configure(patcher=lambda record: None)
    root.handlers, root.level = handlers, level
    for name in ("aiohttp", "asyncio", "psycopg", "sqlalchemy", "twitchio"):
        logging.getLogger(name).setLevel(logging.NOTSET)


class Terminal(io.StringIO):
    """A stream that claims to be a terminal."""

    def isatty(self) -> bool:
        return True


def _log(format: str = "pretty", *, debug: bool = False, **settings: Any) -> io.StringIO:
    stream = io.StringIO()
    logs.setup(LogSettings.of({"format": format, **settings}), stream=stream, debug=debug)
    return stream


# The two forms


def test_pretty_is_time_level_and_message() -> None:
    out = _log()
    logger.info("hello")
    assert re.fullmatch(r"\d\d:\d\d:\d\d INFO     hello\n", out.getvalue())


def test_pretty_begins_with_the_account_and_the_channel() -> None:
    out = _log()
    logger.bind(account="bob", channel="#afriend").info("one")
    library.warning("two", extra={"account": "bob"})
    lines = out.getvalue().splitlines()
    assert [line[9:] for line in lines] == ["INFO     bob #afriend: one", "WARNING  bob: two"]


def test_pretty_is_in_colour_on_a_terminal_only() -> None:
    stream = Terminal()
    logs.setup(LogSettings(), stream=stream)
    logger.warning("hello")
    plain = _log()
    logger.warning("hello")
    assert "\x1b[" not in plain.getvalue()
    # Some CI machines and Windows consoles decide for themselves.
    assert re.sub(r"\x1b\[\d+m", "", stream.getvalue())[9:] == plain.getvalue()[9:]


def test_pretty_shows_an_exception_indented_below() -> None:
    out = _log()
    try:
        raise ValueError("first\x1b[1A\n12:00:00 INFO     forged")
    except ValueError:
        logger.exception("it failed")
    first, *below = out.getvalue().splitlines()
    assert first.endswith("ERROR    it failed")
    assert below[0] == "    Traceback (most recent call last):"
    assert below[-2:] == ["    ValueError: first\\x1b[1A", "    12:00:00 INFO     forged"]
    assert all(line.startswith("    ") for line in below)


def test_json_is_one_flat_object_per_line() -> None:
    out = _log("json")
    logger.bind(account="bob", channel="afriend", tries=3, ratio=0.5, bad=float("nan"), what={"a": 1}).info(
        "hello\nyou"
    )
    (line,) = out.getvalue().splitlines()
    found = json.loads(line)
    at = datetime.fromisoformat(found.pop("time"))
    assert at.utcoffset() == timedelta(0)
    assert abs(datetime.now(UTC) - at) < timedelta(minutes=1)
    assert found == {
        "level": "INFO",
        "message": "hello\\nyou",
        "logger": __name__,
        "account": "bob",
        "channel": "afriend",
        "tries": 3,
        "ratio": 0.5,
        "bad": "nan",
        "what": "{'a': 1}",
    }


def test_json_has_the_exception_as_text_and_no_context_takes_a_fixed_place() -> None:
    out = _log("json")
    try:
        raise ValueError("why")
    except ValueError as error:
        logger.bind(message="mine", time="now", level=1).opt(exception=error).error("it failed")
    found = json.loads(out.getvalue())
    assert found["exception"].startswith("Traceback (most recent call last):")
    assert found["exception"].endswith("ValueError: why")
    assert (found["message"], found["level"]) == ("it failed", "ERROR")
    assert found["time"].endswith("Z")


@pytest.mark.parametrize(("level", "expected"), [("DEBUG", 4), ("INFO", 3), ("WARNING", 2), ("ERROR", 1)])
def test_the_level_applies_to_both_systems(level: str, expected: int) -> None:
    out = _log(level=level)
    for log in (logger.debug, logger.info, logger.warning, logger.error):
        log("from loguru")
    for log in (library.debug, library.info, library.warning, library.error):
        log("from logging")
    assert len(out.getvalue().splitlines()) == 2 * expected


def test_debug_wins_over_the_level() -> None:
    out = _log(debug=True, level="ERROR")
    logger.debug("seen")
    assert "seen" in out.getvalue()


def test_a_second_setup_replaces_the_first() -> None:
    first, second = _log(), _log()
    logger.info("one")
    library.warning("two")
    assert first.getvalue() == ""
    assert len(second.getvalue().splitlines()) == 2


def test_the_default_stream_is_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    logs.setup(LogSettings())
    logger.info("hello")
    captured = capsys.readouterr()
    assert (captured.out, captured.err[9:]) == ("", "INFO     hello\n")


# The file


def test_the_file_gets_the_same_lines(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "color {time}.log"
    out = _log("json", file=str(path))
    logger.info("größer 🎨")
    logger.remove()
    assert path.read_text("utf-8") == out.getvalue()


def test_only_the_owner_can_read_the_file(tmp_path: Path) -> None:
    path = tmp_path / "color.log"
    _log(file=str(path))
    logger.info("hello")
    expected = 0o600 if os.name == "posix" else 0o666  # Windows has only "writable"; its profile folder is private
    assert path.stat().st_mode & 0o777 == expected


def test_the_file_is_rotated_and_five_old_files_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "color.log"
    path.touch()
    for number in range(7):
        with path.open("ab") as file:
            file.truncate(logs.FILE_BYTES)
        _log(file=str(path))
        logger.info("number {}", number)
        logger.remove()
    assert {each.name for each in tmp_path.iterdir()} == {"color.log", *(f"color.log.{old}" for old in range(1, 6))}
    assert path.read_text("utf-8")[9:] == "INFO     number 6\n"


def test_an_unwritable_log_file_is_a_settings_problem(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        _log(file=str(tmp_path))
    (problem,) = caught.value.problems
    assert problem.startswith("log.file = ")
    assert problem.endswith('; write another path, or "" for no file')


# Standard logging


def test_format_strings_of_libraries_are_expanded_once() -> None:
    out = _log()
    library.warning("%s and {}", "{0.__class__} %s")
    (*_, sink) = logging.getLogger().handlers  # alone: pytest's own handlers refuse such a record
    sink.handle(logging.LogRecord("some_library", logging.WARNING, "", 0, "%s %s", ("too few",), None))
    library.log(logging.WARNING + 5, "odd level")
    lines = [line[9:] for line in out.getvalue().splitlines()]
    assert lines == ["WARNING  {0.__class__} %s and {}", "WARNING  %s %s", "Level 35 odd level"]


def test_json_names_the_logger_of_a_library() -> None:
    out = _log("json")
    library.warning("hello", extra={"channel": "afriend"})
    found = json.loads(out.getvalue())
    assert (found["logger"], found["channel"]) == ("some_library", "afriend")


def test_exceptions_of_libraries_are_logged_with_their_text() -> None:
    out = _log()
    try:
        raise KeyError("what")
    except KeyError:
        library.exception("it failed")
    assert out.getvalue().endswith("    KeyError: 'what'\n")


def test_twitchio_does_not_advertise_an_unused_extra() -> None:
    out = _log(debug=True)
    logging.getLogger("twitchio.client").warning("If you require the StarletteAdapter please install the required ...")
    logging.getLogger("twitchio.client").warning("something else")
    assert [line[9:] for line in out.getvalue().splitlines()] == ["WARNING  something else"]


@pytest.mark.parametrize("name", ["sqlalchemy.engine", "psycopg", "aiohttp.access", "asyncio"])
def test_routine_messages_of_libraries_are_not_logged_even_for_debugging(name: str) -> None:
    out = _log(debug=True)
    logging.getLogger(name).info("INSERT INTO logins VALUES (?)")
    logging.getLogger(name).warning("trouble")
    assert len(out.getvalue().splitlines()) == 1


# No secret appears


def test_both_systems_write_to_one_log_in_the_order_in_which_they_are_called(tmp_path: Path) -> None:
    path = tmp_path / "color.log"
    out = _log(file=str(path))
    logger.bind(account="bob").info("one")
    library.warning("two", extra={"account": "bob"})
    logger.info("three")
    logger.remove()
    library.warning("after the end")
    assert [line[18:] for line in out.getvalue().splitlines()] == ["bob: one", "bob: two", "three"]
    assert path.read_text("utf-8") == out.getvalue()


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: OAuth {}",
        "Authorization: Bearer {}",
        "{{'Authorization': 'Bearer {}', 'Client-Id': 'abc'}}",
        "<CIMultiDict('authorization': 'OAuth {}')>",
        "((b'Authorization', b'Bearer {}'),)",
        "('Authorization', 'Bearer {}')",
        "used OAuth {} for it",
        "PASS oauth:{}",
        "https://id/oauth2/token?access_token={}&x=1",
        "POST refresh_token={}&grant_type=refresh_token",
        "client_secret={}, client_id=abc",
        "device_code={}",
        '{{"access_token": "{}", "expires_in": 1}}',
        '{{\\"refresh_token\\":\\"{}\\"}}',
        "{{'refresh_token': '{}'}}",
        "TokenPair(access_token='{}', refresh_token=\"{}\")",
        "[('client_secret', '{}')]",
        "TWITCH_ACCESS_TOKEN_1={}",
        "COLORCHANGER_APP__CLIENT_SECRET: {}",
        "accessToken={}",
        "the token {} is bad",
        "token: {}",
        "postgresql://me:{}@host/db",
    ],
)
def test_a_value_in_the_place_of_a_secret_is_hidden(text: str) -> None:
    for secret in (TOKEN, "Ab1.-_~x9Zq8"):
        if secret == TOKEN or "token {}" not in text.replace("token: {}", "token {}"):
            found = redact(text.format(secret, secret))
            assert secret not in found
            assert "***" in found


@pytest.mark.parametrize(
    "text",
    [
        "the OAuth application is unknown",
        "bearer of bad news",
        "token expired, refreshing",
        "access token refused (401)",
        "bob #afriend: changed to blue_violet after 1.2 s",
        "https://api.twitch.tv/helix/chat/color?user_id=1&color=%23FF8800",
        "12:34:56 user@example.org",
        f"message id {TOKEN}",
    ],
)
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert redact(text) == text


def test_a_kept_secret_is_hidden_in_every_spelling_until_it_is_forgotten() -> None:
    secret = "pä ss\"w'ord\\"
    keep_secret(secret)
    try:
        for text in (secret, repr(secret), json.dumps(secret), "p%C3%A4%20ss%22w%27ord%5C"):
            assert "ord" not in redact(f"it is {text}!")
    finally:
        forget_secret(secret)
    assert redact(secret) == secret


def test_a_known_secret_within_the_words_before_another_one_does_not_reveal_it() -> None:
    keep_secret("access_to")
    try:
        assert "abcdefghijklmnop" not in redact("access_token=abcdefghijklmnop")
    finally:
        forget_secret("access_to")


def test_a_value_too_short_to_be_a_secret_is_not_hidden() -> None:
    secrets = Secrets()
    for value in ("", "a", "abc", "****"):
        secrets.keep(value)
    assert secrets.hide("abc a ****") == "abc a ****"


def test_a_secret_that_appears_when_another_is_hidden_is_hidden_too() -> None:
    secrets = Secrets()
    for value in ("x***", "hello"):
        secrets.keep(value)
    assert secrets.hide("xhello") == "***"


@given(values=st.lists(st.text(min_size=4), min_size=1, max_size=4), text=st.text(), around=st.text(alphabet="*a"))
def test_no_kept_secret_is_left_in_any_text(values: list[str], text: str, around: str) -> None:
    assume(all(set(value) != {"*"} for value in values))
    secrets = Secrets()
    for value in values:
        secrets.keep(value)
        text = f"{around}{text}{value}{around}"
    hidden = secrets.hide(text)
    assert not [value for value in values if value in hidden]


@given(text=st.text() | st.text(alphabet="\n\r\x1b[31m\x85\u2028\u202e\x00\x7f\ud800a"))
def test_one_line_is_one_line_without_control_characters(text: str) -> None:
    line = one_line(text)
    assert len(line.splitlines()) <= 1
    assert not re.search("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]", line)
    line.encode("utf-8")


def _ways_to_log(secret: str) -> list[Callable[[], object]]:
    """Every way in which text can reach the log."""

    def raises(error: BaseException, cause: BaseException | None = None) -> None:
        try:
            raise error from cause
        except BaseException:
            logger.exception("failed")
            library.exception("failed")

    class Holder:
        def __repr__(self) -> str:
            return f"<Holder {secret}>"

    return [
        lambda: logger.info(f"{secret}" if "{" not in secret else "skipped"),
        lambda: logger.info("the {} was {what}", secret, what={"deep": [secret]}),
        lambda: logger.bind(account=secret, channel=secret, more=(secret,)).info("context"),
        lambda: logger.opt(raw=True).info("{}\n", secret),
        lambda: library.warning(secret),
        lambda: library.warning("%s %r", secret, {"k": secret}, extra={"account": secret, "holder": Holder()}),
        lambda: raises(ValueError(secret)),
        lambda: raises(KeyError(secret)),
        lambda: raises(RuntimeError("outer"), ValueError(f"inner {secret}")),
        lambda: raises(ExceptionGroup(secret, [OSError(5, secret)])),
    ]


@hypothesis_settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    secret=st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters="*"), min_size=8, max_size=40)
    | st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=30, max_size=30)
)
def test_a_secret_that_is_logged_anywhere_is_in_no_output(secret: str, tmp_path: Path) -> None:
    path = tmp_path / "color.log"
    keep_secret(secret)
    try:
        for form in ("pretty", "json"):
            path.unlink(missing_ok=True)
            out = _log(form, file=str(path))
            for log in _ways_to_log(secret):
                log()
            logger.remove()
            for text in (out.getvalue(), path.read_text("utf-8")):
                assert "***" in text
                assert secret not in text
                assert json.dumps(secret)[1:-1] not in text
    finally:
        forget_secret(secret)


@hypothesis_settings(max_examples=50, deadline=None)
@given(text=st.text(alphabet="{}<>\\%\n\r\x1b[31m\x85\u2028\u202e\ud800abc"))
def test_text_from_chat_cannot_forge_a_line_or_a_template(text: str) -> None:
    for form in ("pretty", "json"):
        out = _log(form)
        logger.info("{} said {}", "somebody", text)
        library.warning("somebody said %s", text)
        logger.bind(account=text, channel=text).info("context")
        lines = out.getvalue().split("\n")
        assert len(lines) == 4
        assert not re.search("[\x00-\x1f\x7f-\x9f\u2028-\u202e]", "".join(lines))


def test_a_failing_log_file_is_reported_once_and_without_a_secret(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "color.log"
    for number in (4, 5):
        (tmp_path / f"color.log.{number}").mkdir()  # blocks the rotation
    path.write_bytes(b"x" * logs.FILE_BYTES)
    _log(file=str(path))
    for _ in range(2):
        try:
            raise ValueError(f"access_token={TOKEN}")
        except ValueError:
            logger.bind(account=f"Bearer {TOKEN}").exception(f"oauth:{TOKEN}")
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"log.file: {path} cannot be written (")


def test_other_peoples_sinks_get_records_without_secrets() -> None:
    _log()
    seen: list[str] = []
    logger.add(lambda message: seen.append(f"{message}{message.record}"))
    try:
        raise ValueError(f"access_token={TOKEN}")
    except ValueError:
        logger.bind(account=f"Bearer {TOKEN}").exception(f"oauth:{TOKEN}")
    assert len(seen) == 1
    assert TOKEN not in seen[0]


def test_tracebacks_do_not_show_values_of_variables() -> None:
    out = _log(debug=True)
    held = "".join(["do", "not", "show"])
    try:
        int(held, base=len(held) // 100)
        raise ValueError(sys.byteorder)
    except ValueError:
        logger.exception("failed")
    assert "held" in out.getvalue()
    assert out.getvalue().count("donotshow") == 1
