"""What an owner says in chat after `!color`: read forgivingly, done, and answered in one line."""

from __future__ import annotations

from typing import Protocol

from colorchanger_bot.changer.actions import ACTIONS, WORDS, WORLDLY, World, hold, in_words, status
from colorchanger_bot.changer.painter import Painter
from colorchanger_bot.color import Color
from colorchanger_bot.errors import ColorChangerError, ConfigError, UnknownColor
from colorchanger_bot.settings.kinds import did_you_mean, nearest

SHOWN_CHARACTERS = 40
MOST_CHARACTERS = 500
"""Of one chat message (Twitch API, "Send Chat Message")."""


class Speaker(Protocol):
    """How an account answers in chat."""

    async def reply(self, user_id: str, channel_id: str, text: str, *, reply_to: str) -> str | None:
        """Answer the message `reply_to` as `user_id`; return the new message's id, None if Twitch dropped it.

        Raises:
            ColorChangerError: it could not be sent.
        """
        ...


async def obey(painter: Painter, text: str, world: World) -> str:
    """Do what `text` (all that follows the command's name) asks for the account; return the answer, one line.

    What cannot be understood changes nothing, and the answer says how to say it.
    """
    verb, _, rest = text.strip().partition(" ")
    if not verb:
        return status(painter)
    word = verb.lower()
    try:
        if word in ACTIONS:
            return await ACTIONS[word](painter, rest.strip())
        if word in WORLDLY:
            return await WORLDLY[word](painter, rest.strip(), world)
        return await hold(painter, Color.parse(text))  # `!color hot pink` says all there is to say
    except UnknownColor as error:
        return in_words(error) if word in WORDS else _unknown(verb, error)
    except ConfigError as error:
        return in_words(error)
    except ColorChangerError as error:
        return str(error)


def chat_line(text: str) -> str:
    """Return the text as chat shows it, so that it can be recognised there: one line, single spaces, not too long."""
    return " ".join(text.split())[:MOST_CHARACTERS].rstrip()


def _unknown(verb: str, error: UnknownColor) -> str:
    """Answer a word that is neither a command nor a colour with what it is closest to."""
    close = nearest(verb.lower()[:SHOWN_CHARACTERS], WORDS, cutoff=0.7)
    if error.suggestion and not close:
        return str(error)
    shown = "".join(character for character in verb[:SHOWN_CHARACTERS] if character.isprintable())
    hint = did_you_mean(close) if close else f"I know: {', '.join(WORDS)}, or a colour"
    return f'I do not know "{shown}": {hint}'
