"""Looking channels up: their ids, and their names after a rename."""

from __future__ import annotations

from collections.abc import Iterable

from colorchanger_bot.eventsub.channel import Channel
from colorchanger_bot.twitch.helix import Helix, User

NO_SUCH_CHANNEL = "there is no such channel"
CHANNEL_GONE = "the channel is suspended or deleted"
ACCOUNT_GONE = "Twitch has suspended or deleted this account"


async def look_up(helix: Helix, channels: Iterable[Channel], user_id: str) -> dict[Channel, User | str]:
    """Return each channel's user at Twitch, or why it cannot be read.

    A channel whose id is known is found by it, whatever it is called today. If nobody has that id any more, the name
    counts again: somebody else may have taken it. Only the account itself is never looked for by name.

    Raises:
        ColorChangerError: Twitch gave no answer.
    """
    channels = list(channels)
    ids = {channel.id for channel in channels if channel.id is not None}
    # Twitch lists no account that is suspended. Asking for one's own tells a suspended reader from a deleted channel.
    known = {user.id: user for user in await helix.users(ids=sorted(ids | {user_id}))} if ids else {}
    reader_gone = bool(ids) and user_id not in known
    names = {channel.login for channel in channels if channel.id not in known and channel.id != user_id}
    named = {user.login: user for user in await helix.users(sorted(names))} if names and not reader_gone else {}
    # A name in digits that nobody has may be an id.
    digits = sorted(name for name in names if name.isdecimal() and name not in named) if not reader_gone else []
    named |= {user.id: user for user in await helix.users(ids=digits)} if digits else {}
    found: dict[Channel, User | str] = {}
    for channel in channels:
        if reader_gone:
            found[channel] = ACCOUNT_GONE
        elif channel.id in known:
            found[channel] = known[channel.id]
        else:
            missing = NO_SUCH_CHANNEL if channel.id is None else CHANNEL_GONE
            found[channel] = named.get(channel.login) or missing
    return found
