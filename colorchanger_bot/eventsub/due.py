"""What is due next: a channel to look up, or a subscription to ask for."""

from __future__ import annotations

from typing import NamedTuple

from colorchanger_bot.eventsub.channel import Channel, Subscription
from colorchanger_bot.eventsub.channel_list import ChannelList
from colorchanger_bot.eventsub.join_pace import JoinPace

SPARE_JOINS = 8
"""Joins that notifications leave to messages, which matter more."""


class Due(NamedTuple):
    """The next thing to do for a channel: subscribe, or look it up if `subscription` is None."""

    at: float
    """On the monotonic clock."""
    channel: Channel
    subscription: Subscription | None


def next_due(channels: ChannelList, pace: JoinPace, now: float, *, looking_up: bool) -> Due | None:
    """Return what is due first: messages before notifications, and only one look-up at a time."""
    for_lookup = now + pace.seconds_held()
    for_messages = now + pace.seconds_to_next()
    for_notifications = now + pace.seconds_to_next(spare=SPARE_JOINS)
    # One at a time: if Twitch does not answer about notifications, messages still come.
    may_notify = not any(channel.notifications.request for channel in channels)
    found: list[Due] = []
    for channel in channels:
        messages, notifications = channel.subscriptions
        if channel.state == "joined":
            if may_notify and not notifications.confirmed:
                found.append(Due(max(notifications.next_try, for_notifications), channel, notifications))
        elif messages.request is None:
            lookup_due = channel.lookup_due
            if lookup_due is None:
                found.append(Due(max(messages.next_try, for_messages), channel, messages))
            elif not looking_up:
                found.append(Due(max(lookup_due, for_lookup), channel, None))
    return min(found, key=lambda due: (due.at, due.subscription is due.channel.notifications), default=None)
