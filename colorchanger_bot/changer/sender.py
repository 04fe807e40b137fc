"""How a colour gets to Twitch: as it is, or as the nearest of the 15 names where the account may use no other."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any, Protocol

from colorchanger_bot.changer.shown_colors import ShownColors
from colorchanger_bot.clock import Clock
from colorchanger_bot.color import Color, fitting_names, nearest_name
from colorchanger_bot.errors import ColorRejected, OutcomeUnknown
from colorchanger_bot.settings.model import ColorSettings

HEX_AGAIN = timedelta(days=1)
"""After Twitch refused a hex colour, how long only names are sent."""


class ColorApi(Protocol):
    """What is needed of Twitch: how an account gets its colour."""

    async def put_color(self, user_id: str, color: Color) -> None:
        """Give the account this colour.

        Raises:
            ColorRejected, RateLimited, OutcomeUnknown, TwitchUnavailable, AuthError
            StoreError: an expired token could not be renewed, because the new one could not be saved.
        """
        ...

    async def get_color(self, user_id: str) -> Color | None:
        """Return the colour the account has; None if it never chose one.

        Raises:
            RateLimited, TwitchUnavailable, AuthError, StoreError
        """
        ...


class ColorSender:
    """Sends the colours of one account, and remembers whether it has Turbo or Prime."""

    __slots__ = ("_api", "_clock", "_log", "_shown", "_user_id", "no_hex_until")

    def __init__(
        self, user_id: str, api: ColorApi, shown: ShownColors, *, clock: Clock, log: logging.LoggerAdapter[Any]
    ) -> None:
        self._user_id = user_id
        self._api = api
        self._shown = shown
        self._clock = clock
        self._log = log
        self.no_hex_until: float | None = None
        """Unix seconds: until then the account is taken to have neither Turbo nor Prime."""

    @property
    def hex_refused(self) -> bool:
        """Whether Twitch refused a hex colour within the last day."""
        if self.no_hex_until is None:
            return False
        left = self.no_hex_until - self._clock.now().timestamp()
        # More than the whole time is left after the machine's clock was set back: then it has passed.
        return 0 < left <= HEX_AGAIN.total_seconds()

    def names_only(self, settings: ColorSettings) -> bool:
        """Say whether only names are sent now."""
        return settings.hex == "never" or (settings.hex == "auto" and self.hex_refused)

    async def send(self, color: Color, settings: ColorSettings, *, may_repeat: bool) -> Color:
        """Send a colour, or the nearest name; return what Twitch took.

        With `may_repeat` off, the name differs from the colour that is shown.

        Raises:
            ColorRejected, RateLimited, OutcomeUnknown, TwitchUnavailable, AuthError, StoreError
        """
        if self.names_only(settings):
            color = self.name_for(color, settings, may_repeat=may_repeat)
        try:
            await self._put(color)
        except ColorRejected:
            if color.is_named:
                raise
            color = self.name_for(color, settings, may_repeat=may_repeat)
            await self._put(color)
            # Twitch may reword its errors: a hex refused and a name accepted is the proof.
            if settings.hex == "auto":
                self._on_hex_refused(settings)
        return color

    async def _put(self, color: Color) -> None:
        self._shown.sending = color
        try:
            await self._api.put_color(self._user_id, color)
        except OutcomeUnknown:
            self._shown.unconfirmed = color
            raise
        finally:
            self._shown.sending = None

    def name_for(self, color: Color, settings: ColorSettings, *, may_repeat: bool) -> Color:
        """Return the name that stands in for a colour."""
        if color.is_named:
            return color
        avoid = () if may_repeat else self._shown.history[:1]
        return nearest_name(color, theme=settings.theme, min_contrast=settings.min_contrast, avoid=avoid)

    def _on_hex_refused(self, settings: ColorSettings) -> None:
        self.no_hex_until = (self._clock.now() + HEX_AGAIN).timestamp()
        more = '; theme = "dark" or "light" allows more' if settings.theme == "both" else ""
        self._log.info(
            'no Turbo or Prime: Twitch takes only its 15 colour names, of which %d suit theme = "%s"%s; '
            "trying a hex colour again in a day",
            len(fitting_names(settings.theme, settings.min_contrast)),
            settings.theme,
            more,
        )
