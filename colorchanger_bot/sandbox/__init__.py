"""A local Twitch: id, Helix and EventSub in one process, as strict as the real one, with faults on demand.

async with LocalTwitch() as twitch:
    app = twitch.add_app()
    twitch.add_user("alice", "#FF0000", turbo=True)
    pair = twitch.issue_tokens("alice", app.client_id)
    ...  # point a bot at twitch.api_url, twitch.id_url and twitch.eventsub_url
    await twitch.wait_subscribed("alice", "alice")
    await twitch.say("alice", in_="alice", text="hello")
    await twitch.wait_for(lambda: twitch.color_changes)
"""

from __future__ import annotations

from . import faults
from .faults import SeenRequest
from .limits import Limits
from .local_twitch import DEFAULT_SCOPES, Enabled, LocalTwitch
from .notices import NOTICES
from .script import CROWD, Line, Script, chatter
from .sockets import Freeze
from .state import NAMED_COLORS, ColorChange, User
from .tokens import App, Pair

__all__ = [
    "CROWD",
    "DEFAULT_SCOPES",
    "NAMED_COLORS",
    "NOTICES",
    "App",
    "ColorChange",
    "Enabled",
    "Freeze",
    "Limits",
    "Line",
    "LocalTwitch",
    "Pair",
    "Script",
    "SeenRequest",
    "User",
    "chatter",
    "faults",
]
