"""Chat: what people say becomes a channel.chat.message for everyone who reads the channel."""

from __future__ import annotations

import re
import uuid
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .eventsub import EventSub
from .limits import Limits
from .rate_limits import SlidingWindow
from .state import State, User

_REMEMBERED = 5_000  # messages that can be replied to
_MENTION = re.compile(r"(@\w+)")


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that was sent, and the one that its thread began with."""

    id: str
    chatter: User
    text: str
    thread: Sent | None = None


class Chat:
    """Delivers messages through EventSub."""

    def __init__(self, state: State, eventsub: EventSub, limits: Limits, now: Callable[[], float]) -> None:
        self._state = state
        self._eventsub = eventsub
        self.listeners: list[Callable[[User, User, str], None]] = []
        """Told of each line: who said it, where, and what."""
        self._sent: OrderedDict[str, Sent] = OrderedDict()
        self._in_channel: dict[tuple[str, str], SlidingWindow] = defaultdict(
            lambda: SlidingWindow(1, limits.chat_interval, now)
        )
        self._anywhere: dict[str, SlidingWindow] = defaultdict(
            lambda: SlidingWindow(limits.chat_messages, limits.chat_window, now)
        )

    async def say(self, chatter: User, channel: User, text: str, reply_to: str | None = None) -> str:
        """Someone writes in a channel; returns the message id.

        Raises: KeyError when there is no such message to reply to.
        """
        parent = self._sent[reply_to] if reply_to else None
        if parent:
            text = f"@{parent.chatter.display_name} {text}"
        sent = Sent(str(uuid.uuid4()), chatter, text, parent and (parent.thread or parent))
        self._remember(sent)
        self._in_channel[chatter.id, channel.id].note()
        self._anywhere[chatter.id].note()
        for listener in self.listeners:
            listener(chatter, channel, text)
        event = self._event(sent, channel)
        await self._eventsub.publish(channel, event | {"reply": _reply(parent)} if parent else event)
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
        """A message through the API, which is dropped when it comes too soon after the last, typed or sent."""
        if reply_to is not None and reply_to not in self._sent:
            return _dropped("invalid_reply_parent", "The message that you reply to does not exist.")
        too_soon = not chatter.privileged_in(channel) and self._in_channel[chatter.id, channel.id].full()
        if too_soon or self._anywhere[chatter.id].full():
            return _dropped("msg_ratelimit", "Your message was not sent because you are sending messages too quickly.")
        return {"message_id": await self.say(chatter, channel, text, reply_to), "is_sent": True, "drop_reason": None}

    def _remember(self, sent: Sent) -> None:
        self._sent[sent.id] = sent
        if len(self._sent) > _REMEMBERED:
            self._sent.popitem(last=False)

    def _event(self, sent: Sent, channel: User) -> dict[str, object]:
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
