"""Platform: what chat commands need of Twitch and of the bot, beyond the account's own colour."""

from __future__ import annotations

from typing import Protocol

from colorchanger_bot.color import Color


class Platform(Protocol):
    """`HelixPlatform` is the one of our own bot, `TwitchioColors` that of other people's."""

    async def color_of(self, user_id: str, login: str) -> Color | None:
        """Return the colour of somebody else, asked as `user_id`; None for a user who never chose one.

        Raises:
            UnknownUser: nobody has that login.
            ColorChangerError: Twitch does not tell.
        """
        ...

    async def check_channel(self, user_id: str, login: str) -> None:
        """Look whether a channel exists, asked as `user_id`.

        Raises:
            UnknownUser: it does not.
            ColorChangerError: Twitch does not tell.
        """
        ...

    def channels(self, user_id: str) -> tuple[str, ...] | None:
        """Return the channels that the account reads; None where they are not ours to choose."""
        ...

    def counts(self, user_id: str, channel_id: str) -> bool:
        """Return whether what the account writes in this channel counts: another account may read it here as well."""
        ...

    async def set_channels(self, user_id: str, channels: tuple[str, ...]) -> None:
        """Let the account read these channels, from now on and after a restart."""
        ...
