"""What viewers type about a community, and what a member's commands do."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from colorchanger_bot.changer import results
from colorchanger_bot.changer.changer import Changer
from colorchanger_bot.changer.commands import Author
from colorchanger_bot.changer.community import Phrase, phrase_in, run_for_member, run_phrase
from colorchanger_bot.changer.painter import Painter
from colorchanger_bot.changer.replies import chat_reply
from colorchanger_bot.changer.results import CommandResult
from colorchanger_bot.settings.load import ColorSettings
from tests.fakes import FakeColors, FakePlatform

VIEWER = Author("7", "viewer")


class FakeCommunity:
    """A community that records what it was asked."""

    channel = "streamer"

    def __init__(self) -> None:
        self.asked: list[str] = []

    def is_here(self, channel_id: str) -> bool:
        return True

    def is_member(self, user_id: str) -> bool:
        return False

    def speaker(self) -> str:
        return ""

    async def invite(self, viewer: Author) -> CommandResult | None:
        self.asked.append(f"invite {viewer.login}")
        return results.AlreadyJoined()

    async def leave(self, viewer: Author) -> CommandResult | None:
        self.asked.append(f"leave {viewer.login}")
        return results.Left()


@pytest.fixture
async def painter() -> AsyncIterator[Painter]:
    changer = Changer(FakeColors())
    yield await changer.manage("7", "viewer", ColorSettings())
    await changer.close()


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("me", "me"),
        (" ME ", "me"),
        ("forget me", "forget me"),
        ("Forget  Me", "forget me"),
        ("", None),
        ("me too", None),
        ("forget", None),
        ("forget me please", None),
        ("forgetme", None),
        ("like me", None),
    ],
)
def test_only_the_exact_phrases_count(text: str, phrase: Phrase | None) -> None:
    assert phrase_in(text) == phrase


async def test_without_an_answer_no_join_begins_but_leaving_works() -> None:
    community = FakeCommunity()
    assert await run_phrase(community, "me", VIEWER, is_answered=False) is None
    assert await run_phrase(community, "forget me", VIEWER, is_answered=False) == results.Left()
    assert await run_phrase(community, "me", VIEWER, is_answered=True) == results.AlreadyJoined()
    assert community.asked == ["leave viewer", "invite viewer"]


@pytest.mark.parametrize("text", ["join friend", "LEAVE streamer", "follow_live", " join"])
async def test_a_member_chooses_no_channels(text: str, painter: Painter) -> None:
    platform = FakePlatform()
    result = await run_for_member(painter, text, platform, "streamer")
    assert result == results.NotPossible("not here", ("streamer",))
    assert platform.reads == ("me",)


async def test_a_member_chooses_the_own_colours(painter: Painter) -> None:
    await run_for_member(painter, "rainbow", FakePlatform(), "streamer")
    assert painter.strategy.name == "rainbow"


def test_the_answer_to_a_viewer_has_the_link_and_is_no_call_itself() -> None:
    answer = chat_reply(
        results.Invited("https://www.twitch.tv/activate?device-code=ABCDEFGH", "ABCDEFGH", 1800), "!color"
    )
    assert answer == (
        "to get a new colour after each of your messages here, open "
        "https://www.twitch.tv/activate?device-code=ABCDEFGH and allow it (code ABCDEFGH, valid for 30 min)"
    )
