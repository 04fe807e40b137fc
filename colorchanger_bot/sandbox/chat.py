"""Chat: what people say reaches everyone who reads the channel, as a message or as a notice."""

from __future__ import annotations

import re
import uuid
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .eventsub import EventSub
from .limits import Limits
from .notices import notice_fields
from .rate_limits import SlidingWindow
from .sessions import NOTIFICATION
from .state import State, User

_REMEMBERED = 5_000  # messages that can be replied to
_MENTION = re.compile(r"(@\w+)")


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that was sent, and the first message of its thread."""

    id: str
    chatter: User
    text: str
    thread: Sent | None = None


class Chat:
    """Delivers messages and notices through EventSub."""

    def __init__(self, state: State, eventsub: EventSub, limits: Limits, now: Callable[[], float]) -> None:
        self._state = state
        self._eventsub = eventsub
        self._limits = limits
        self.listeners: list[Callable[[User, User, str], None]] = []
        """Called with each line: who said it, where, and what."""
        self._sent: OrderedDict[str, Sent] = OrderedDict()
        self._in_channel: dict[tuple[str, str], SlidingWindow] = defaultdict(
            lambda: SlidingWindow(1, limits.chat_interval, now)
        )
        self._anywhere: dict[str, SlidingWindow] = defaultdict(
            lambda: SlidingWindow(limits.chat_messages, limits.chat_window, now)
        )
        self._last: dict[tuple[str, str], tuple[str, float]] = {}
        self._now = now

    async def say(self, chatter: User, channel: User, text: str, reply_to: str | None = None) -> str:
        """Someone writes in a channel; returns the message id.

        Raises: KeyError when there is no such message to reply to.
        """
        parent = self._sent[reply_to] if reply_to else None
        if parent:
            text = f"@{parent.chatter.display_name} {text}"
        sent = Sent(str(uuid.uuid4()), chatter, text, parent and (parent.thread or parent))
        self._count(sent, channel)
        event = self._event(sent, channel)
        await self._eventsub.publish(channel, event | {"reply": _reply(parent)} if parent else event)
        return sent.id

    async def send_notice(
        self, chatter: User, channel: User, text: str, notice: str, details: dict[str, object] | None = None
    ) -> str:
        """Someone writes with an announcement, a resub or another notice; returns the message id.

        Raises: ValueError for an unknown type of notice or an unknown detail.
        """
        fields = notice_fields(notice, chatter.display_name, details or {})
        sent = Sent(str(uuid.uuid4()), chatter, text)
        self._count(sent, channel)
        await self._eventsub.publish(channel, self._common(sent, channel) | fields, NOTIFICATION)
        return sent.id

    async def say_shared(self, chatter: User, channel: User, mirrors: Sequence[User], text: str) -> list[str]:
        """Someone writes in a shared chat; returns the message ids, that of `channel` first."""
        original = Sent(str(uuid.uuid4()), chatter, text)
        source = {
            "source_broadcaster_user_id": channel.id,
            "source_broadcaster_user_login": channel.login,
            "source_broadcaster_user_name": channel.display_name,
            "source_message_id": original.id,
            "source_badges": _badges(chatter, channel),
        }
        copies = [Sent(str(uuid.uuid4()), chatter, text) for _ in mirrors]
        for sent, place in zip((original, *copies), (channel, *mirrors), strict=True):
            self._remember(sent)
            event = self._event(sent, place) | {"is_source_only": False}
            await self._eventsub.publish(place, event if sent is original else event | source)
        return [original.id, *(copy.id for copy in copies)]

    async def send(self, chatter: User, channel: User, text: str, reply_to: str | None = None) -> dict[str, object]:
        """A message through the API, which Twitch drops when it comes too soon or repeats the last one."""
        if reply_to is not None and reply_to not in self._sent:
            return _dropped("invalid_reply_parent", "The message that you reply to does not exist.")
        if self._too_many(chatter, channel):
            return _dropped("msg_ratelimit", "Your message was not sent because you are sending messages too quickly.")
        if not chatter.privileged_in(channel) and self._repeats(chatter, channel, text):
            return _dropped("msg_duplicate", "Your message is identical to the one you sent less than 30 seconds ago.")
        return {"message_id": await self.say(chatter, channel, text, reply_to), "is_sent": True, "drop_reason": None}

    def _too_many(self, chatter: User, channel: User) -> bool:
        """What a person types counts too, in all channels together; the limit is that of the channel."""
        if chatter.privileged_in(channel):
            return self._anywhere[chatter.id].full(self._limits.chat_messages_privileged)
        return self._in_channel[chatter.id, channel.id].full() or self._anywhere[chatter.id].full()

    def _repeats(self, chatter: User, channel: User, text: str) -> bool:
        last, at = self._last.get((chatter.id, channel.id), ("", 0.0))
        return text == last and self._now() - at < self._limits.chat_duplicate

    def _count(self, sent: Sent, channel: User) -> None:
        key = sent.chatter.id, channel.id
        self._remember(sent)
        self._in_channel[key].note()
        self._anywhere[sent.chatter.id].note()
        self._last[key] = sent.text, self._now()
        for listener in self.listeners:
            listener(sent.chatter, channel, sent.text)

    def _remember(self, sent: Sent) -> None:
        self._sent[sent.id] = sent
        if len(self._sent) > _REMEMBERED:
            self._sent.popitem(last=False)

    def _common(self, sent: Sent, channel: User) -> dict[str, object]:
        """What messages and notices have in common."""
        return {
            **_user(channel, "broadcaster_"),
            "source_broadcaster_user_id": None,
            "source_broadcaster_user_login": None,
            "source_broadcaster_user_name": None,
            **_user(sent.chatter, "chatter_"),
            "message_id": sent.id,
            "source_message_id": None,
            "is_source_only": None,
            "message": {"text": sent.text, "fragments": self._fragments(sent.text)},
            "color": sent.chatter.color,
            "badges": _badges(sent.chatter, channel),
            "source_badges": None,
        }

    def _event(self, sent: Sent, channel: User) -> dict[str, object]:
        return self._common(sent, channel) | {
            "message_type": "text",
            "cheer": None,
            "reply": None,
            "channel_points_custom_reward_id": None,
            "channel_points_animation_id": None,
        }

    def _fragments(self, text: str) -> list[dict[str, object]]:
        """The text in pieces: a mention of a user is a piece of its own."""
        pieces: list[tuple[str, User | None]] = []
        for part in filter(None, _MENTION.split(text)):
            mentioned = self._state.find(login=part[1:]) if part.startswith("@") else None
            plain = not mentioned and pieces and not pieces[-1][1]
            pieces.append((pieces.pop()[0] + part if plain else part, mentioned))
        return [_fragment(part, mentioned) for part, mentioned in pieces]


def _fragment(text: str, mentioned: User | None) -> dict[str, object]:
    return {
        "type": "mention" if mentioned else "text",
        "text": text,
        "cheermote": None,
        "emote": None,
        "mention": _user(mentioned) if mentioned else None,
    }


def _user(user: User, prefix: str = "") -> dict[str, object]:
    names = {"user_id": user.id, "user_login": user.login, "user_name": user.display_name}
    return {f"{prefix}{key}": value for key, value in names.items()}


def _badges(chatter: User, channel: User) -> list[dict[str, str]]:
    if chatter is channel:
        return [{"set_id": "broadcaster", "id": "1", "info": ""}]
    if chatter.privileged_in(channel):
        return [{"set_id": "moderator", "id": "1", "info": ""}]
    return []


def _reply(parent: Sent) -> dict[str, object]:
    thread = parent.thread or parent
    return {
        "parent_message_id": parent.id,
        "parent_message_body": parent.text,
        **_user(parent.chatter, "parent_"),
        "thread_message_id": thread.id,
        **_user(thread.chatter, "thread_"),
    }


def _dropped(code: str, message: str) -> dict[str, object]:
    return {"message_id": "", "is_sent": False, "drop_reason": {"code": code, "message": message}}
