"""Another program with the same application and account."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import aiohttp

from tests.faults.stage import SCOPES, Stage


@asynccontextmanager
async def reading(stage: Stage, login: str) -> AsyncGenerator[str]:
    """Let it read the account's own channel; yield the id of its subscription."""
    twitch, user_id = stage.twitch, stage.twitch.user(login).id
    token = twitch.issue_tokens(login, stage.client_id, SCOPES).access
    async with aiohttp.ClientSession() as session, session.ws_connect(twitch.eventsub_url) as ws:
        welcome = await ws.receive_json(timeout=5)
        body = {
            "type": "channel.chat.message",
            "version": "1",
            "condition": {"broadcaster_user_id": user_id, "user_id": user_id},
            "transport": {"method": "websocket", "session_id": welcome["payload"]["session"]["id"]},
        }
        headers = {"Authorization": f"Bearer {token}", "Client-Id": stage.client_id}
        async with session.post(f"{twitch.api_url}/eventsub/subscriptions", json=body, headers=headers) as answer:
            made = await answer.json()
        yield made["data"][0]["id"]
