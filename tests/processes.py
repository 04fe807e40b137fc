"""Running the command line as a real process."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

Environment = dict[str, str]
EXIT_SECONDS = 30.0


async def start(*arguments: str, environment: Environment, cwd: Path | None = None) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "colorchanger_bot",
        *arguments,
        env=environment,
        cwd=cwd or environment["HOME"],
        stdout=PIPE,
        stderr=PIPE,
    )


async def end(process: Process) -> tuple[int, str, str]:
    """Wait until it exits; return the exit code, the output and the errors."""
    async with asyncio.timeout(EXIT_SECONDS):
        output, errors = await process.communicate()
    return int(process.returncode or 0), output.decode(), errors.decode()


async def call(*arguments: str, environment: Environment) -> tuple[int, str, str]:
    return await end(await start(*arguments, environment=environment))


def running(environment: Environment) -> AbstractAsyncContextManager[Process]:
    return started("run", environment=environment)


@asynccontextmanager
async def started(*arguments: str, environment: Environment) -> AsyncGenerator[Process]:
    process = await start(*arguments, environment=environment)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()
