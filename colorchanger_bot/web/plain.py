"""Sentences of the terminal and the log in the words of the page, where nobody needs to know what a token is."""

from __future__ import annotations

import re

from colorchanger_bot.errors import LOG_IN
from colorchanger_bot.redaction import redact

_WORDS = [
    (rf"; {re.escape(LOG_IN)}( \w+)?", ""),  # the page has a button for it
    (
        r".*client_id is empty: register an application at .*",
        "ColorChanger is not registered at Twitch yet: open /setup",
    ),
    (r"came without a refresh token and cannot", "cannot"),
    (r", and it came without a refresh token", " and cannot be renewed"),
    (r", and there is none to renew it with", " and cannot be renewed"),
    (r"an application's token, which stands for no account", "a login of an application, not of an account"),
    (r"\b[a-z]+(?::[a-z_]+)+ \((to [^)]*)\)", r"the permission \1"),
    (r"\b(?:access |refresh )?token(s?)\b", r"login\1"),
    (r"\bscope(s?)\b", r"permission\1"),
    (r"\bOAuth ?", ""),
]
_PATTERNS = [(re.compile(pattern, re.IGNORECASE), words) for pattern, words in _WORDS]


def plain(text: str) -> str:
    """Return a sentence without secrets, and without the words of the protocol."""
    text = redact(text)  # first, for it looks for these words
    for pattern, words in _PATTERNS:
        text = pattern.sub(words, text)
    return text
