"""The floor: the job in Python with aiohttp and orjson and nothing else.

No retries, no refresh, no reconnect, no readable colours. What another bot needs on top is the price of those.
"""

from __future__ import annotations

import asyncio
import random
from typing import Any

import aiohttp
import orjson

from tests.bench.contestants import Reader, Task


async def run(task: Task, reader: Reader, session: aiohttp.ClientSession) -> None:
    headers = {"Authorization": f"Bearer {reader.access}", "Client-Id": task.client_id}
    color_url = f"{task.api_url}/chat/color"

    async def paint() -> None:
        query = {"user_id": reader.user_id, "color": f"#{random.randrange(1 << 24):06x}"}
        async with session.put(color_url, params=query, headers=headers) as answer:
            await answer.read()

    async def join(session_id: str) -> None:
        for _, channel_id in reader.channels:  # up to 20 in 10 s, as Twitch allows
            wanted: dict[str, Any] = {
                "type": "channel.chat.message",
                "version": "1",
                "condition": {"broadcaster_user_id": channel_id, "user_id": reader.user_id},
                "transport": {"method": "websocket", "session_id": session_id},
            }
            url = f"{task.api_url}/eventsub/subscriptions"
            async with session.post(url, json=wanted, headers=headers) as answer:
                await answer.read()

    tasks: set[asyncio.Task[None]] = set()
    async with session.ws_connect(task.eventsub_url) as socket:
        async for message in socket:
            data = orjson.loads(message.data)
            kind = data["metadata"]["message_type"]
            if kind == "notification":
                if data["payload"]["event"]["chatter_user_id"] == reader.user_id:
                    tasks.add(asyncio.create_task(paint()))
            elif kind == "session_welcome":
                tasks.add(asyncio.create_task(join(data["payload"]["session"]["id"])))
            tasks = {task for task in tasks if not task.done()} if len(tasks) > 100 else tasks


async def main() -> None:
    task = Task.given()
    # As many connections as it takes: a session's hundred would all be sockets.
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        await asyncio.gather(*(run(task, reader, session) for reader in task.readers))


if __name__ == "__main__":
    asyncio.run(main())
