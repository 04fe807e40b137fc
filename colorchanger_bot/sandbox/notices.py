"""Notices in chat, such as announcements, resubs and watch streaks: what a channel.chat.notification says of them."""

from __future__ import annotations

_TYPES = (
    "sub",
    "resub",
    "sub_gift",
    "community_sub_gift",
    "gift_paid_upgrade",
    "prime_paid_upgrade",
    "pay_it_forward",
    "raid",
    "unraid",
    "announcement",
    "bits_badge_tier",
    "charity_donation",
    "modiversary",
    "watch_streak",
)
_SHARED = tuple(f"shared_chat_{name}" for name in (*_TYPES[:8], "announcement", "modiversary"))

# The notices that carry what a person typed: their fields, with example values (EventSub reference, "Channel Chat
# Notification Event"), and the line that Twitch writes above the message.
_DETAILS: dict[str, dict[str, object]] = {
    "announcement": {"color": "PRIMARY"},
    "bits_badge_tier": {"tier": 1000},
    "modiversary": {"months": 12},
    "resub": {
        "cumulative_months": 7,
        "duration_months": 0,
        "streak_months": 3,
        "sub_tier": "1000",
        "is_prime": False,
        "is_gift": False,
        "gifter_is_anonymous": None,
        "gifter_user_id": None,
        "gifter_user_name": None,
        "gifter_user_login": None,
    },
    "sub": {"sub_tier": "1000", "is_prime": False, "duration_months": 1},
    "watch_streak": {"streak_count": 3, "channel_points_awarded": 350},
}
_SYSTEM_MESSAGES = {
    "announcement": "",
    "bits_badge_tier": "{name} just earned a new {tier} Bits badge!",
    "modiversary": "{name} has been a moderator here for {months} months!",
    "resub": "{name} subscribed at Tier 1. They've subscribed for {cumulative_months} months!",
    "sub": "{name} subscribed at Tier 1.",
    "watch_streak": "{name} watched {streak_count} consecutive streams this month and sparked a watch streak!",
}
NOTICES = tuple(_DETAILS)
"""The types of notice that can be made here."""


def notice_fields(notice: str, name: str, changes: dict[str, object]) -> dict[str, object]:
    """The fields of the event that tell what kind of notice it is; `changes` replace example values.

    Raises: ValueError for an unknown type of notice or an unknown detail.
    """
    if notice not in _DETAILS:
        raise ValueError(f"{notice!r} is not a notice that can be made here; these are: {', '.join(NOTICES)}")
    if unknown := sorted(changes.keys() - _DETAILS[notice].keys()):
        raise ValueError(f"the notice {notice!r} has no {unknown[0]!r}; it has: {', '.join(_DETAILS[notice])}")
    details = _DETAILS[notice] | changes
    return {
        "chatter_is_anonymous": False,
        "system_message": _SYSTEM_MESSAGES[notice].format(name=name, **details),
        "notice_type": notice,
        **dict.fromkeys((*_TYPES, *_SHARED)),
        notice: details,
    }
