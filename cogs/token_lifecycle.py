"""TokenLifecycle: what happens to the logins reaches the log, and in somebody else's bot at once the disk.

TwitchIO saves its tokens on a clean close only: after a crash it would spend a used-up refresh token, and Twitch ends
the login for that. Where tokens are kept elsewhere, as in our own bot, nothing is saved here.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import twitchio
from twitchio.ext import commands

logger = logging.getLogger(__name__)

FILE = ".tio.tokens.json"
"""Where TwitchIO keeps its tokens, in the working directory (`Client.save_tokens`)."""
TAKEOVER_SECONDS = 10.0


class TokenLifecycle(commands.Component):
    """Listens to TwitchIO's token events."""

    def __init__(self, bot: commands.Bot) -> None:
        self.bot = bot

    async def component_load(self) -> None:
        """Save what TwitchIO refreshed while it loaded its tokens, before anybody could listen."""
        if self._as_twitchio("save_tokens"):
            await self.save()

    @commands.Component.listener()
    async def event_token_refreshed(self, payload: twitchio.TokenRefreshedPayload) -> None:
        await self.save()
        logger.info("the login of user %s was refreshed", payload.user_id)

    @commands.Component.listener()
    async def event_oauth_authorized(self, payload: twitchio.authentication.UserTokenPayload) -> None:
        if await self._taken_over(payload.access_token):
            await self.save()
            logger.info("%s has logged in", payload.user_login or "a user")

    async def save(self) -> None:
        """Save the tokens where the bot itself does: in its own way, or in TwitchIO's file."""
        if not self.bot.tokens:  # none yet, or a bot that is closed and has forgotten them
            return
        if not self._as_twitchio("save_tokens"):
            await self.bot.save_tokens()
        elif self._as_twitchio("load_tokens"):  # else they are kept in some other place, which we do not know
            await self._save_all()

    async def _save_all(self) -> None:
        """Save as TwitchIO does, but never less than there was, and whole at any moment."""
        try:
            with _draft() as new:
                await self.bot.save_tokens(str(new))  # writes nothing if the bot was told not to load from a file
                _replace(Path(FILE), new)
        except (OSError, ValueError) as error:
            logger.error("the tokens could not be saved: %s", error)

    async def _taken_over(self, token: str) -> bool:
        """Wait until the bot works with a token: TwitchIO tells of a login first and checks the token afterwards."""
        try:
            async with asyncio.timeout(TAKEOVER_SECONDS):
                # No event tells that it happened.
                while all(known["token"] != token for known in self.bot.tokens.values()):  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
        except TimeoutError:
            return False
        return True

    def _as_twitchio(self, method: str) -> bool:
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
    """Let `new` take the place of `file`, together with what only `file` has: a login that is not loaded now."""
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
