"""Where only names are allowed, the nearest one is sent; the one that is shown already only if it was asked for."""

from __future__ import annotations

import logging

import pytest

from colorchanger_bot.changer.sender import ColorSender
from colorchanger_bot.changer.shown_colors import ShownColors
from colorchanger_bot.color import Color
from colorchanger_bot.errors import ColorRejected, OutcomeUnknown
from colorchanger_bot.settings.load import ColorSettings
from tests.fakes import FakeClock, FakeColors

NEAR_CHOCOLATE, CHOCOLATE = Color.parse("#D2691F"), Color.parse("chocolate")


@pytest.fixture
def shown() -> ShownColors:
    return ShownColors()


@pytest.fixture
def api() -> FakeColors:
    return FakeColors(turbo=False)


@pytest.fixture
def sender(api: FakeColors, shown: ShownColors) -> ColorSender:
    log = logging.LoggerAdapter(logging.getLogger(__name__), {})
    return ColorSender("1", api, shown, clock=FakeClock(), log=log)


@pytest.mark.parametrize("hex_", ["auto", "never", "always"])
@pytest.mark.parametrize("may_repeat", [True, False])
async def test_the_name_that_is_shown_is_sent_again_only_where_it_may_be(
    may_repeat: bool, hex_: str, sender: ColorSender, shown: ShownColors, api: FakeColors
) -> None:
    shown.on_change(CHOCOLATE, 0.0)
    settings = ColorSettings.of({"hex": hex_})
    sent = await sender.send(NEAR_CHOCOLATE, settings, may_repeat=may_repeat)
    assert sent == api.shown == api.sent[-1]
    assert (sent == CHOCOLATE) is may_repeat
    assert [color.is_named for color in api.sent] == ([True] if hex_ == "never" else [False, True])
    assert (sender.hex_refused, api.users) == (hex_ == "auto", {"1"})


async def test_without_turbo_the_log_says_how_many_names_suit_the_theme(
    sender: ColorSender, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    for theme, more in (("both", True), ("dark", False)):
        caplog.clear()
        sender.no_hex_until = None
        await sender.send(NEAR_CHOCOLATE, ColorSettings.of({"theme": theme}), may_repeat=True)
        assert f'suit theme = "{theme}"' in caplog.text
        assert ("allows more" in caplog.text) is more


async def test_a_name_that_twitch_refuses_is_tried_no_other_way(sender: ColorSender, api: FakeColors) -> None:
    api.answers.append(ColorRejected("no"))
    with pytest.raises(ColorRejected):
        await sender.send(CHOCOLATE, ColorSettings(), may_repeat=True)
    assert (api.sent, sender.hex_refused) == ([CHOCOLATE], False)


async def test_a_request_without_an_answer_leaves_its_colour_unconfirmed(
    sender: ColorSender, shown: ShownColors, api: FakeColors
) -> None:
    api.answers.append(OutcomeUnknown("no answer"))
    with pytest.raises(OutcomeUnknown):
        await sender.send(CHOCOLATE, ColorSettings(), may_repeat=True)
    assert (shown.sending, shown.unconfirmed) == (None, CHOCOLATE)
