"""What a visitor of /join is told: a plain sentence for each state, and the way on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from colorchanger_bot.service.community import Member
from colorchanger_bot.service.joins import JoinProgress, PendingJoin
from colorchanger_bot.words import duration

State = Literal["new", "waiting", "joined", "lost", "left", "ended"]
WAITING: State = "waiting"
JOIN, AGAIN, OTHER = "Join with Twitch", "Try again", "Join as somebody else"


@dataclass(frozen=True, slots=True)
class Visit:
    """What the page shows."""

    state: State
    """`lost`: a member who has to join again; `ended`: a login that came to nothing."""
    title: str
    text: str
    button: str = ""
    """What to do next with one press; empty: wait, or leave."""
    login: str = ""
    code: str = ""
    url: str = ""
    picture: dict[str, Any] | None = None
    """The QR code of the address."""

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {name: getattr(self, name) for name in self.__slots__}


_MEMBER = {
    "on": "You are in, {login}: write something in {channel}'s chat, and your name gets a new colour.",
    "off": "You are in, {login}, but your colours are switched off. Write {command} on in {channel}'s chat.",
    "starting": "You are in, {login}: your colours start in a moment.",
    "not read": "You are in, {login}, but nobody reads {channel}'s chat right now. Your colours change again later.",
    "in trouble": "You are in, {login}, but Twitch did not take the last colour. Your next message tries again.",
    "blocked": "{channel} has switched your colours off, {login}. You can leave.",
    "needs login": "Twitch no longer allows us to change your colour, {login}. Join again, or leave.",
}
NEW = Visit("new", "Join", "You get a code to confirm on Twitch. Your password is never typed here.", JOIN)
LEFT = Visit("left", "You have left", "Everything about you is deleted here.", "Join again")


def waiting(login: PendingJoin, picture: dict[str, Any] | None, now: float, *, to_leave: bool) -> Visit:
    """Return what is shown until the code is entered; `now` in unix seconds."""
    left = max(60.0, login.expires_at - now)
    step = 300.0 if left >= 600 else 60.0  # a screen reader says each new text: not one every minute
    title, text = "Join", "Open Twitch and allow it there."
    if to_leave:
        title, text = "Leave", "Confirm on Twitch that it is you; then everything about you is deleted here."
    text = f"{text} The code works for {duration((left + 30) // step * step)}; this page notices by itself."
    return Visit(WAITING, title, text, code=login.user_code, url=login.verification_uri, picture=picture)


def as_member(member: Member, channel: str, command: str) -> Visit:
    """Return what a member sees; `command` is the one of chat, such as `!color`."""
    text = _MEMBER.get(member.state, _MEMBER["on"]).format(login=member.login, channel=channel, command=command)
    if member.state == "needs login":
        return Visit("lost", "Join again", text, "Join again", member.login)
    return Visit("joined", "You are a member", text, login=member.login)


def when_ended(progress: JoinProgress) -> Visit:
    """Return what is shown when a login has come to its end, and nobody is known as a member through it."""
    if progress.state == "left":
        return LEFT
    if progress.state == "joined":  # stored, and not taken up by the bot yet
        return Visit("joined", "You are a member", progress.text, login=progress.login)
    titles = {"blocked": "Not possible", "not allowed": "Not possible", "full": "Full", "already here": "Already here"}
    button = {"blocked": OTHER, "not allowed": OTHER, "already here": OTHER}.get(progress.state, AGAIN)
    return Visit("ended", titles.get(progress.state, "It did not work"), progress.text, button)
