"""What a visitor of /join sees of his own case: one plain sentence for each state, and the way on."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from colorchanger_bot.service.community import Member
from colorchanger_bot.service.joins import JoinProgress, PendingJoin
from colorchanger_bot.web.qr import qr_code
from colorchanger_bot.words import duration

State = Literal["new", "waiting", "joined", "left", "ended"]
WAITING: State = "waiting"
STEP_SECONDS = 300.0
JOIN, AGAIN, OTHER = "Join with Twitch", "Try again", "Join as somebody else"


@dataclass(frozen=True, slots=True)
class Visit:
    """What the page shows."""

    state: State
    """`ended`: it came to nothing."""
    title: str
    text: str
    button: str = ""
    """What to do next with one press; empty: wait, or leave."""
    login: str = ""
    code: str = ""
    url: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values, with the QR code of its address."""
        return asdict(self) | {"picture": qr_code(self.url) if self.url else None}


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


def waiting(login: PendingJoin, now: float, *, to_leave: bool) -> Visit:
    """Return what is shown until the code is entered; `now` in unix seconds."""
    # In steps: a screen reader says each new text.
    left = duration(max(60.0, (login.expires_at - now) // STEP_SECONDS * STEP_SECONDS))
    purpose = "so that nobody else can do this for you" if to_leave else "and allow it there"
    return Visit(
        WAITING,
        "Leave" if to_leave else "Join",
        f"Open Twitch, {purpose}. The code works for {left}; this page notices by itself.",
        code=login.user_code,
        url=login.verification_uri,
    )


def as_member(member: Member, channel: str, command: str) -> Visit:
    """Return what a member sees; `command` is the one of chat, such as `!color`."""
    title, text, button = "You are a member", _MEMBER.get(member.state, _MEMBER["on"]), ""
    if member.state == "needs login":
        title, button = "Join again", "Join again"
    text = text.format(login=member.login, channel=channel, command=command)
    return Visit("joined", title, text, button, member.login)


def when_ended(progress: JoinProgress) -> Visit:
    """Return what is shown when a login has come to its end without a new member."""
    if progress.state == "left":
        return LEFT
    titles = {"blocked": "Not possible", "not allowed": "Not possible", "full": "Full", "already here": "Already here"}
    button = {"blocked": OTHER, "not allowed": OTHER, "already here": OTHER}.get(progress.state, AGAIN)
    return Visit("ended", titles.get(progress.state, "It did not work"), progress.text, button)
