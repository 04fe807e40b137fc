"""Hides secrets as `***`, and keeps text from outside on one line.

This is the last line of defence. Nobody logs a token on purpose, but an exception, a URL or the repr of somebody else's
object may contain one.
"""

from __future__ import annotations

import json
import re
from urllib.parse import quote

MARK = "***"
SHORTEST = len(MARK) + 1
"""Shorter values are not secret. It is longer than the mark, so every replacement makes the text shorter."""

_QUOTED = r"""(?:b?"(?:[^"\\]|\\.)*"|b?'(?:[^'\\]|\\.)*')"""
_BARE = r"""(?:\\?["'])?[^\s"'&,;)}\]\\]+"""
# What may stand between a name and its value: `=`, `: `, `": "`, `\": \"` (JSON in JSON), `', '` (a pair in a repr).
_BETWEEN = r"""(?:\\?["']?\s*[:=]\s*|\\?["']\s*,\s*(?=b?\\?["']))"""
_PATTERNS = [
    # Authorization: OAuth abc, 'Authorization': 'Bearer abc'
    (rf"""(authorization{_BETWEEN})(?:{_QUOTED}|(?:(?:oauth|bearer|basic)\s+)?{_BARE})""", rf"\1{MARK}"),
    # access_token=abc, "refreshToken": "abc", TWITCH_ACCESS_TOKEN_1=abc
    (
        r"((?:access_?token|refresh_?token|id_?token|client_?secret|device_?code|password)(?:_\d{1,3})?"
        rf"{_BETWEEN})(?:{_QUOTED}|{_BARE})",
        rf"\1{MARK}",
    ),
    (r"(oauth:)[^\s\"'&,;)}\]\\]+", rf"\1{MARK}"),
    # Bearer abc123: ordinary words may follow these two ("OAuth application"), tokens have digits or are long.
    (r"(\b(?:oauth|bearer)\s+)(?=\S*\d|\S{20})[\w.~+/=-]{8,}", rf"\1{MARK}"),
    # Twitch's own form, thirty letters and digits, behind a word that announces it.
    (r"(\b(?:tokens?|oauth|bearer|secret|code)\W{1,4})[a-z0-9]{30}\b", rf"\1{MARK}"),
    # postgresql://user:password@host
    (r"(\w://[^\s/:@]*:)[^\s/@]+(?=@)", rf"\1{MARK}"),
]
_ANNOUNCED = [(re.compile(pattern, re.IGNORECASE), replacement) for pattern, replacement in _PATTERNS]
# Every pattern needs one of these; most lines of a log have none, and then the patterns are not tried.
_ANNOUNCEMENT = re.compile("authorization|token|secret|code|password|oauth|bearer|://", re.IGNORECASE)
# C0 and C1 controls (newlines, ANSI escapes), Unicode's own line ends, the marks that turn the reading direction, and
# halves of surrogate pairs, which no encoding can write.
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


class Secret:
    """A text that only `reveal` shows."""

    __slots__ = ("_text",)

    def __init__(self, text: str = "") -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text."""
        return self._text

    def __str__(self) -> str:
        return MARK if self._text else ""

    def __repr__(self) -> str:
        return f"Secret({str(self)!r})"

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)


class Secrets:
    """The secrets in use now, which it hides in any text."""

    def __init__(self) -> None:
        self._by_length: dict[int, set[str]] = {}

    def keep(self, value: str) -> None:
        """Hide this value from now on, also as URL, JSON and repr; values under 4 characters are not secret."""
        if len(value) >= SHORTEST and set(value) != {"*"}:
            for spelling in _spellings(value):
                self._by_length.setdefault(len(spelling), set()).add(spelling)

    def forget(self, value: str) -> None:
        """Stop hiding this value: it was replaced or revoked."""
        for spelling in _spellings(value):
            kept = self._by_length.get(len(spelling), set[str]())
            kept.discard(spelling)
            if not kept:
                self._by_length.pop(len(spelling), None)

    def hide(self, text: str) -> str:
        """Return the text with every secret replaced by the mark."""
        # A replacement can form another occurrence, hence the loop. It ends: the mark is shorter than any secret.
        # Slices are looked up in sets, so a thousand accounts cost no more than one.
        while (found := self._find(text)) is not None:
            text = text.replace(found, MARK)
        return text

    def _find(self, text: str) -> str | None:
        """The longest secret in the text."""
        for length in sorted(self._by_length, reverse=True):
            kept = self._by_length[length]
            for start in range(len(text) - length + 1):
                if text[start : start + length] in kept:
                    return text[start : start + length]
        return None


def _spellings(value: str) -> set[str]:
    url = quote(value, safe="", errors="replace")
    return {value, url, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], repr(value)[1:-1]}


# One for the process: a token that one part renews must not leak through the log of another.
_live = Secrets()
keep_secret = _live.keep
forget_secret = _live.forget


def redact(text: str) -> str:
    """Return the text without secrets: known ones are found by value, others by the words before them."""
    # The words first: a known secret may be a part of them.
    if _ANNOUNCEMENT.search(text):
        for pattern, replacement in _ANNOUNCED:
            text = pattern.sub(replacement, text)
    return _live.hide(text)


def one_line(text: str) -> str:
    r"""Return the text with control characters spelled out (`\n`, `\x1b`), so that it cannot forge a line."""
    return _CONTROLS.sub(lambda found: ascii(found[0])[1:-1], text)
