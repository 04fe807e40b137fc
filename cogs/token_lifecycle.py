"""TokenLifecycle: new tokens are logged, and in somebody else's bot saved at once.

TwitchIO saves its tokens on a clean close only: after a crash it would use a refresh token a second time, and Twitch
ends the login for that. A bot that was started with `save_tokens=False`, or that loads its tokens in a way of its own,
gets no file; one that has its own `save_tokens` is asked to save.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

import twitchio
from twitchio.ext import commands

from colorchanger_bot.bot.host import own_name
from colorchanger_bot.wiring import attachment_of, cog_loaded, cog_unloaded, login_of

logger = logging.getLogger(__name__)

FILE = ".tio.tokens.json"
"""Where TwitchIO keeps its tokens, in the working directory (`Client.save_tokens`)."""
TAKEOVER_SECONDS = 10.0
"""How long TwitchIO may take to check the token of a new login."""
NAME = "colorchanger_bot.TokenLifecycle"
"""The bot may have a component called TokenLifecycle."""


class TokenLifecycle(commands.Component, name=NAME):
    """Listens to TwitchIO's token events."""

    def __init__(self, bot: commands.Bot) -> None:
        self.bot = bot
        self._refreshed: dict[str, str] = {}
        """The last token by user id: TwitchIO tells of it once for each request that waited for it."""

    async def component_load(self) -> None:
        """Save what TwitchIO refreshed while it loaded its tokens, before anybody could listen."""
        if self._is_twitchios("save_tokens"):
            await self.save()
        cog_loaded(self.bot, NAME)

    async def component_teardown(self) -> None:
        await cog_unloaded(self.bot, NAME)

    @commands.Component.listener()
    async def event_token_refreshed(self, payload: twitchio.TokenRefreshedPayload) -> None:
        if not attachment_of(self.bot).is_own_bot:  # which tells of each refresh once, and never with the token
            if self._refreshed.get(payload.user_id) == payload.token:
                return
            self._refreshed[payload.user_id] = payload.token
        login = login_of(self.bot, payload.user_id)
        logger.info("the login of %s was refreshed", login, extra={"account": login})
        await self.save()

    @commands.Component.listener()
    async def event_oauth_authorized(self, payload: twitchio.authentication.UserTokenPayload) -> None:
        user_id = await self._owner_of(payload.access_token)
        if user_id is not None:
            login = payload.user_login or login_of(self.bot, user_id)
            logger.info("%s has logged in", login, extra={"account": login})
            await self.save()

    async def save(self) -> None:
        """Save the tokens where the bot itself does: in its own way, or in TwitchIO's file."""
        if not self.bot.tokens:  # none yet, or a bot that is closed and has forgotten them
            return
        if not getattr(self.bot, "_save_tokens", True):  # where TwitchIO keeps `save_tokens` of `start` and `login`
            return
        if not self._is_twitchios("save_tokens"):
            saving: object = self.bot.save_tokens()
            if inspect.isawaitable(saving):  # a bot may have made it a plain function
                await saving
        elif self._is_twitchios("load_tokens"):  # else they are kept in some other place, which we do not know
            await self._save_all()

    async def _save_all(self) -> None:
        """Save as TwitchIO does, but never less than there was, and whole at any moment."""
        try:
            with _draft() as new:
                await self.bot.save_tokens(str(new))  # writes nothing if the bot was told not to load from a file
                _replace(Path(FILE), new)
        except (OSError, ValueError) as error:
            logger.error("the tokens could not be saved: %s", error, extra={"account": own_name(self.bot)})

    async def _owner_of(self, token: str) -> str | None:
        """Wait until the bot uses a token, and return whose it is.

        TwitchIO tells of a login first and checks the token afterwards; no event tells that it has.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(TAKEOVER_SECONDS):
                while True:
                    for user_id, known in self.bot.tokens.items():
                        if known["token"] == token:
                            return user_id
                    await asyncio.sleep(0.05)
        return None

    def _is_twitchios(self, method: str) -> bool:
        """Whether the bot left a method of TwitchIO's client as it is."""
        return getattr(getattr(self.bot, method), "__func__", None) is getattr(twitchio.Client, method)


@contextmanager
def _draft() -> Generator[Path]:
    """Make an empty file beside TwitchIO's, which nobody else may read."""
    new = Path(f"{FILE}.{os.getpid()}.new")
    new.touch(mode=0o600)
    try:
        yield new
    finally:
        new.unlink(missing_ok=True)


def _replace(file: Path, new: Path) -> None:
    """Put `new` in the place of `file`, together with what only `file` has: a login that is not loaded now."""
    text = new.read_text("utf-8")
    if not text:
        return
    before = file.read_text("utf-8") if file.exists() else "{}"
    merged = json.dumps({**json.loads(before), **json.loads(text)})
    if merged == before:
        return
    with new.open("w", encoding="utf-8") as stream:
        stream.write(merged)
        stream.flush()
        os.fsync(stream.fileno())
    if file.exists():
        shutil.copymode(file, new)
    try:
        new.replace(file.resolve())
    except OSError:  # on another disk, mounted by itself, or open in another program on Windows
        file.write_text(merged, encoding="utf-8")


async def setup(bot: commands.Bot) -> None:
    await bot.add_component(TokenLifecycle(bot))
