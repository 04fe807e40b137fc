"""Watches the settings file and puts each change into effect.

A file is looked at once nobody has written to it for a moment, because editors and copies write in several steps. A
broken one changes nothing and is reported once.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import stat
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

from colorchanger_bot.clock import Clock
from colorchanger_bot.errors import ConfigError
from colorchanger_bot.redaction import keep_secret
from colorchanger_bot.settings.file import MOST_BYTES
from colorchanger_bot.settings.load import Settings, candidates, load

logger = logging.getLogger(__name__)

QUIET_SECONDS = 0.25
"""A file is read when it has stayed the same for this long."""
LOOK_SECONDS = 3.0
"""How often to look without a notice: network and container file systems give none."""
DEBOUNCE_MS = 200
MOST_LINKS = 20

Content = tuple[Path, bytes | None] | None


class SettingsFile:
    """The settings file of a running process."""

    def __init__(
        self, named: Path | None, *, clock: Clock, adapt: Callable[[Settings], Settings] = lambda settings: settings
    ) -> None:
        """Args:
        named: the file that the command line names; None: the usual places.
        clock: what to wait by.
        adapt: changes settings as the command did when it started.
        """
        self.problems: tuple[str, ...] = ()
        """What is wrong with the file now; the settings from before stay in force."""
        self._named = named
        self._places = candidates(named)
        self._clock = clock
        self._adapt = adapt
        self._known = self._content()

    async def run(self, use: Callable[[Settings], Awaitable[None]]) -> None:
        """Call `use` with the settings after each change of the file; runs until cancelled."""
        complaint = ""
        while True:
            if self._known is None:  # the environment says it all, and a file that appears is found soon enough
                await self._clock.sleep(LOOK_SECONDS)
                await self.look(use)
                continue
            try:
                await self._watch(use)
            except (OSError, RuntimeError) as error:  # no folder yet, or the system's limit of watches
                if str(error) != complaint:
                    complaint = str(error)
                    logger.info("no notice of a changed settings file (%s); looking every %g s", error, LOOK_SECONDS)
                await self._clock.sleep(LOOK_SECONDS)
                await self.look(use)

    async def _watch(self, use: Callable[[Settings], Awaitable[None]]) -> None:
        """Watch until a link leads elsewhere or a folder appears or goes.

        Raises:
            OSError, RuntimeError: the folders cannot be watched.
        """
        import watchfiles  # takes 2 MiB, which a bot without a file can do without

        await self.look(use)  # of what changed before this begins, there is no notice
        folders, names = self._watched()
        if not folders:
            raise FileNotFoundError("its folder does not exist")
        # Its type names an event of trio, which is not installed.
        changes = watchfiles.awatch(  # pyright: ignore[reportUnknownMemberType]
            *folders,
            watch_filter=lambda _, path: os.path.basename(path) in names,
            debounce=DEBOUNCE_MS,
            rust_timeout=int(LOOK_SECONDS * 1000),
            yield_on_timeout=True,
            recursive=False,
            ignore_permission_denied=True,
        )
        async with contextlib.aclosing(changes):
            async for _ in changes:
                await self.look(use)
                if self._watched() != (folders, names):
                    return

    def _watched(self) -> tuple[frozenset[Path], frozenset[str]]:
        """The folders to watch, and the names in them that matter."""
        paths = [*self._paths()]
        return frozenset(each.parent for each in paths if each.parent.is_dir()), frozenset(each.name for each in paths)

    async def look(self, use: Callable[[Settings], Awaitable[None]]) -> None:
        """Look whether the file has changed; if so, call `use` with the settings, or report what is wrong."""
        found = await self._settled()
        if found == self._known:
            return
        self._known, before = found, self._known
        try:
            if found is None and before is not None:
                raise ConfigError([f"{before[0]}: is gone; its settings stay in force until it is back or you restart"])
            if found is not None and found[1] is None:
                raise ConfigError([f"{found[0]}: is not a file; put a text file in its place"])
            settings = load(self._named)
            for secret in settings.secrets():
                keep_secret(secret)
            await use(self._adapt(settings))
        except ConfigError as error:
            self._report(tuple(error.problems))
            return
        self._report(())
        logger.info("the changed settings of %s are in force", settings.source or "the environment")

    def _report(self, problems: tuple[str, ...]) -> None:
        known, self.problems = self.problems, problems
        if problems == known:
            return
        for line in problems:
            logger.error("%s", line)
        if problems:
            logger.error("the settings from before stay in force")
        else:
            logger.info("the settings file is fine again")

    async def _settled(self) -> Content:
        """Return the content once it stays the same."""
        found = self._content()
        while True:
            await self._clock.sleep(QUIET_SECONDS)
            before, found = found, self._content()
            if found == before:
                return found

    def _content(self) -> Content:
        """Return the file that counts, with its content, which is None for what is no file; None if there is none."""
        for path in self._places:
            try:
                mode = path.stat().st_mode
                if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):  # to open a pipe would wait for who writes to it
                    return path, None
                with path.open("rb") as file:
                    return path, file.read(MOST_BYTES + 1)
            except FileNotFoundError:
                continue
            except (OSError, ValueError) as error:
                if isinstance(error, OSError) and error.errno == errno.ELOOP:  # to `load`, it does not exist
                    return path, None
                return path, str(error).encode()
        return None

    def _paths(self) -> Iterator[Path]:
        """Yield each place of the file, and every link on the way to it: Kubernetes replaces one in the middle."""
        for place in self._places:
            seen: set[Path] = set()
            steps = [Path(os.path.abspath(place))]
            while steps and len(seen) < MOST_LINKS:
                path = steps.pop()
                if path in seen:
                    continue
                seen.add(path)
                yield path
                for link in (path, *path.parents):
                    if link.is_symlink():
                        target = Path(os.path.normpath(link.parent / link.readlink()))
                        steps += [link, target / path.relative_to(link)]
                        break
