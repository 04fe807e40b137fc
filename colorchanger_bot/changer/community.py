"""What viewers type about a community: `!color me` to join, `!color forget me` to leave, and what members may not."""

from __future__ import annotations

from typing import Literal, Protocol

from colorchanger_bot.changer import results
from colorchanger_bot.changer.commands import Author, first_word, run_command
from colorchanger_bot.changer.painter import Painter
from colorchanger_bot.changer.platform import Platform
from colorchanger_bot.changer.results import CommandResult

Phrase = Literal["me", "forget me"]
NOT_FOR_MEMBERS = frozenset({"join", "leave", "follow_live"})
"""A member's colours change in the community's channel and nowhere else."""


class ChatCommunity(Protocol):
    """What chat needs of the community of the bot."""

    @property
    def channel(self) -> str:
        """The channel of the community, by its login."""
        ...

    def is_here(self, channel_id: str) -> bool:
        """Return whether this is the channel of the community."""
        ...

    def is_member(self, user_id: str) -> bool:
        """Return whether this viewer is a member whose messages count."""
        ...

    def speaker(self) -> str:
        """Return the user id of the account that answers in the channel; empty if none can."""
        ...

    async def invite(self, viewer: Author) -> CommandResult | None:
        """Begin a join for a viewer who asked in chat; None for one who may not join."""
        ...

    async def leave(self, viewer: Author) -> CommandResult | None:
        """Forget a viewer who asked for it in chat; None for one who is no member."""
        ...


def phrase_in(text: str) -> Phrase | None:
    """Return the phrase that follows the command's name, if it is one about the community."""
    match text.lower().split():
        case ["me"]:
            return "me"
        case ["forget", "me"]:
            return "forget me"
        case _:
            return None


async def run_phrase(
    community: ChatCommunity, phrase: Phrase, viewer: Author, *, is_answered: bool
) -> CommandResult | None:
    """Let a viewer join or leave; None: nothing was done, and nothing is answered.

    Without an answer nobody would see the code, so no join begins then.
    """
    if phrase == "forget me":
        return await community.leave(viewer)
    return await community.invite(viewer) if is_answered else None


async def run_for_member(painter: Painter, text: str, platform: Platform, channel: str) -> CommandResult:
    """Do what a member's command asks for, unless it is about channels: a member has this one only."""
    if first_word(text.strip())[0].lower() in NOT_FOR_MEMBERS:
        return results.NotPossible("not here", (channel,))
    return await run_command(painter, text, platform)
