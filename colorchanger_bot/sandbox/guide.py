"""`colorchanger sandbox`: the local Twitch alone, for people who write bots, with all they need to point one at it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from .local_twitch import LocalTwitch

CLIENT_ID = "colorchanger-sandbox"
CLIENT_SECRET = "not-a-secret-on-a-local-twitch"  # noqa: S105 - it says so itself
SCOPES = ("user:read:chat", "user:write:chat", "user:bot", "user:manage:chat_color", "channel:bot", "user:read:follows")
PEOPLE = (("bot", "#9146FF", True), ("streamer", "#FF4500", False), ("viewer", "#1E90FF", False))
"""Login, colour, and whether the account has Turbo."""

_TEXT = """\
A local Twitch runs on {id_url}. Point a TwitchIO 3 bot at it with these three lines, before it starts:

    twitchio.http.Route.BASE = "{api_url}/"
    twitchio.http.Route.ID_BASE = "{id_url}/"
    twitchio.eventsub.websockets.WSS = "{eventsub_url}"

The application:

    client_id = "{client_id}"
    client_secret = "{client_secret}"

The accounts, each with a channel of its name; `await bot.add_token(token, refresh)` logs one in:

{accounts}
Let somebody say something in a channel:

    curl -d '{{"as": "viewer", "in": "bot", "text": "hello"}}' -H 'Content-Type: application/json' {id_url}/sandbox/say

See what is there, colours and subscriptions: {id_url}/sandbox/state
Approve a log-in by device code: {id_url}/activate

Or point ColorChanger itself at it:

    export COLORCHANGER_TWITCH__API_URL={api_url} COLORCHANGER_TWITCH__ID_URL={id_url}
    export COLORCHANGER_TWITCH__EVENTSUB_URL={eventsub_url}
    export COLORCHANGER_APP__CLIENT_ID={client_id} COLORCHANGER_APP__CLIENT_SECRET={client_secret}

It ends with Ctrl-C and forgets everything."""


async def serve(port: int, show: Callable[[str], None], stop: asyncio.Event) -> None:
    """Run a local Twitch until `stop` is set; `show` gets the text that explains how to use it.

    Raises:
        OSError: the port is taken.
    """
    async with LocalTwitch(port=port) as twitch:
        twitch.add_app(CLIENT_ID, CLIENT_SECRET)
        for login, color, turbo in PEOPLE:
            twitch.add_user(login, color, turbo=turbo)
        show(explain(twitch))
        await stop.wait()


def explain(twitch: LocalTwitch) -> str:
    """Return how to use this local Twitch; issues a pair of tokens for each account."""
    accounts = ""
    for login, _, turbo in PEOPLE:
        pair = twitch.issue_tokens(login, CLIENT_ID, SCOPES)
        note = ", with Turbo" if turbo else ""
        accounts += f"    {login} (id {twitch.user(login).id}{note})\n"
        accounts += f'        token = "{pair.access}"\n        refresh = "{pair.refresh}"\n'
    return _TEXT.format(
        id_url=twitch.id_url,
        api_url=twitch.api_url,
        eventsub_url=twitch.eventsub_url,
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
        accounts=accounts,
    )
