"""The chat command: what is a call of it, who may use it, where it is answered, and how it is run."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import NamedTuple, Protocol

from colorchanger_bot.changer import results
from colorchanger_bot.changer.actions import ACTIONS, hold
from colorchanger_bot.changer.painter import Painter
from colorchanger_bot.changer.platform import Platform
from colorchanger_bot.color import Color
from colorchanger_bot.errors import ColorChangerError, ConfigError, UnknownColor
from colorchanger_bot.settings.model import CommandSettings
from colorchanger_bot.words import nearest

SHOWN_CHARACTERS = 40

_HIDDEN = {"Cf", "Cc", "Cs"}
_MENTION = re.compile(r"^@\S+\s+")
# Chat clients append invisible characters so that Twitch does not drop a repeated message. These are invisible too,
# though their Unicode category does not say so: joiners, fillers, variation selectors, tags, and Braille's blank.
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u2800\u3164\ufe00-\ufe0f\uffa0\ufff0-\ufff8\U000e0000-\U000e0fff]"
)


class Speaker(Protocol):
    """How an account replies in chat."""

    async def reply(self, user_id: str, channel_id: str, text: str, *, reply_to: str) -> str | None:
        """Reply to the message `reply_to` as `user_id`; return the new message's id, None if Twitch dropped it.

        Raises:
            ColorChangerError: it could not be sent.
        """
        ...


class Author(NamedTuple):
    """Who wrote a message, and what they are in that channel."""

    user_id: str
    login: str
    is_broadcaster: bool = False
    is_moderator: bool = False


def parse_command(text: str, prefixes: Iterable[str], names: Iterable[str]) -> str | None:
    """Return what follows the command's name, "" for the bare command; None for a text that is no call of it.

    Invisible characters are ignored. In a reply, the mention at the beginning is passed over.
    """
    text = _visible(text).strip()
    wanted = {name.casefold() for name in names}
    starts = sorted(map(_visible, prefixes), key=len, reverse=True)
    for line in (text, _MENTION.sub("", text, count=1)):
        for start in starts:
            word, rest = first_word(line.removeprefix(start)) if line.startswith(start) else ("", "")
            if word.casefold() in wanted:
                return rest
    return None


def may_command(author: Author, settings: CommandSettings, *, account_id: str, owner_id: str | None = None) -> bool:
    """Say whether somebody may command the account.

    `owner_id` is the owner's user id, empty if there is no such person. Only as long as it is None, which means not
    known yet, the name decides.
    """
    by_name = bool(settings.owner) and author.login.casefold() == settings.owner.casefold()
    roles = {
        "self": bool(account_id) and author.user_id == account_id,
        "owner": by_name if owner_id is None else bool(owner_id) and author.user_id == owner_id,
        "broadcaster": author.is_broadcaster,
        "moderators": author.is_moderator,
    }
    return any(roles[role] for role in settings.allow)


def wants_reply(settings: CommandSettings, *, account_id: str, channel_id: str) -> bool:
    """Say whether a command in that channel is answered in chat."""
    return settings.reply == "always" or (settings.reply == "own-channel" and channel_id == account_id)


async def run_command(painter: Painter, text: str, platform: Platform) -> results.CommandResult:
    """Do what `text` (all that follows the command's name) asks for the account.

    What cannot be understood changes nothing, and the result says why.
    """
    verb, rest = first_word(text.strip())
    command = verb.lower() or "status"
    try:
        if command in ACTIONS:
            return await ACTIONS[command](painter, rest, platform)
        return await hold(painter, Color.parse(text))  # `!color hot pink`
    except UnknownColor as error:
        close = "" if command in ACTIONS else nearest(command[:SHOWN_CHARACTERS], ACTIONS, cutoff=0.7)
        if command in ACTIONS or error.is_hex or (error.suggestion and not close):
            return results.NoColor(error.text, error.suggestion or "", error.is_hex)
        return results.UnknownWord(verb[:SHOWN_CHARACTERS], close)
    except ConfigError:  # a number out of range
        return results.Misunderstood(command)
    except ColorChangerError as error:
        return results.Failed(str(error))


def first_word(text: str) -> tuple[str, str]:
    """Return the word that a text begins with, and what follows it; no word for a text that begins with a space."""
    found = re.match(r"(\S*)\s*(.*)", text, re.DOTALL)
    return (found[1], found[2]) if found else ("", "")


def _visible(text: str) -> str:
    """The text without format, control and other invisible characters."""
    if text.isascii() and text.isprintable():
        return text
    shown = (mark for mark in _INVISIBLE.sub("", text) if mark.isspace() or unicodedata.category(mark) not in _HIDDEN)
    return "".join(shown)
