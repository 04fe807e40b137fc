"""`colorchanger sandbox`: the local Twitch alone, and how to point a bot at it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from .local_twitch import LocalTwitch
from .notices import NOTICES

CLIENT_ID = "colorchanger-sandbox"
PUBLIC_CLIENT_ID = "colorchanger-sandbox-public"
"""Of an application without a secret, as people register for ColorChanger."""
CLIENT_SECRET = "not-a-secret-on-a-local-twitch"  # noqa: S105 - it says so itself
SCOPES = (
    "user:read:chat",
    "user:write:chat",
    "user:bot",
    "user:manage:chat_color",
    "channel:bot",
    "user:read:follows",
    "moderator:manage:announcements",
)
PEOPLE = (("bot", "#9146FF", True), ("streamer", "#FF4500", False), ("viewer", "#1E90FF", False))
"""Login, colour, and whether the account has Turbo."""

_TEXT = """\
A local Twitch runs on {id_url}. To point a TwitchIO 3 bot at it, run these three lines before the bot starts:

    twitchio.http.Route.BASE = "{api_url}/"
    twitchio.http.Route.ID_BASE = "{id_url}/"
    twitchio.eventsub.websockets.WSS = "{eventsub_url}"

The application:

    client_id = "{client_id}"
    client_secret = "{client_secret}"

Three accounts, each with a channel of the same name. Log one in with `await bot.add_token(token, refresh)`:

{accounts}
Send a chat message as anyone, in any of these channels:

    curl -d '{{"as": "viewer", "in": "bot", "text": "hello"}}' -H 'Content-Type: application/json' {id_url}/sandbox/say

With "notice": "announcement" it is an announcement; these work too: {notices}.
Make the next two colour changes fail (other faults: docs/sandbox.md):

    curl -d '{{"match": "PUT /helix/chat/color", "fault": "status", "code": 503, "times": 2}}' \\
        -H 'Content-Type: application/json' {id_url}/sandbox/faults

See users, colours and subscriptions: {id_url}/sandbox/state
Approve or decline a login by device code: {id_url}/activate

To point ColorChanger itself at it:

    export COLORCHANGER_TWITCH__API_URL={api_url} COLORCHANGER_TWITCH__ID_URL={id_url}
    export COLORCHANGER_TWITCH__EVENTSUB_URL={eventsub_url}
    export COLORCHANGER_APP__CLIENT_ID={client_id} COLORCHANGER_APP__CLIENT_SECRET={client_secret}

Without the last line, "colorchanger" asks for a Client ID on its page, as on a new machine; this one is public:

    {public_client_id}

Press Ctrl-C to stop. Nothing is saved."""


async def serve(port: int, show: Callable[[str], None], stop: asyncio.Event) -> None:
    """Run a local Twitch until `stop` is set; `show` gets the text that explains how to use it.

    Raises:
        OSError: the port is taken.
    """
    async with LocalTwitch(port=port) as twitch:
        twitch.add_app(CLIENT_ID, CLIENT_SECRET)
        twitch.add_app(PUBLIC_CLIENT_ID)
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
        public_client_id=PUBLIC_CLIENT_ID,
        accounts=accounts,
        notices=", ".join(notice for notice in NOTICES if notice != "announcement"),
    )
