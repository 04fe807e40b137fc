"""While our cogs are loaded, a refused refresh ends no login of a host that still works or may work again."""

from __future__ import annotations

from typing import Any

import pytest
import twitchio

from colorchanger_bot.bot.host import INNER_CLIENT
from colorchanger_bot.color import Color
from colorchanger_bot.errors import NeedsLogin
from colorchanger_bot.sandbox import LocalTwitch, faults
from colorchanger_bot.wiring import attach, attachment_of
from tests.conftest import SCOPES
from tests.hosts import COGS, Host, Hosts, page, quick

LONG_AGO = "2026-01-01T00:00:00"
REFRESH = "POST /oauth2/token"
VALIDATE = "GET /oauth2/validate"
PUT = "PUT /helix/chat/color"
REFUSED = faults.status(400, message="Invalid refresh token")


async def guest_of(hosts: Hosts, twitch: LocalTwitch, *, public: bool = True) -> Host:
    """A host whose token TwitchIO is about to renew."""
    bot = await hosts.start(public=public)
    attach(bot, settings=quick())
    await bot.load_module(COGS)
    pair = twitch.issue_tokens("me", bot.http.client_id, SCOPES, expires_in=600)
    hosts.secrets |= {pair.access, pair.refresh}
    token_of(bot).update(token=pair.access, refresh=pair.refresh)
    return bot


def token_of(bot: Host) -> Any:
    return bot.tokens[bot.channel.id]


async def validate(bot: Host) -> None:
    """Do what TwitchIO does each hour."""
    for kept in bot.tokens.values():
        kept["last_validated"] = LONG_AGO
    await bot.http._revalidate_all()  # pyright: ignore[reportPrivateUsage]


async def ask(bot: Host) -> None:
    await bot.fetch_users(ids=[bot.channel.id], token_for=bot.channel.id)


async def put(bot: Host, color: str = "#123456") -> None:
    speaker: Any = attachment_of(bot).speaker
    await speaker.put_color(bot.channel.id, Color.parse(color))


def without_waiting(bot: Host) -> None:
    """Let a refused refresh be tried again at once."""
    guest, speaker = attachment_of(bot).guest, attachment_of(bot).speaker
    assert guest is not None
    guest.refresh.refusals.retry_seconds = 0.0
    speaker.retry_seconds = 0.0  # pyright: ignore[reportAttributeAccessIssue]


def refreshes(twitch: LocalTwitch) -> int:
    return sum(seen.line == REFRESH for seen in twitch.requests)


def said(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    found = [record for record in caplog.records if record.name.endswith("bot.refusals")]
    return [(record.levelname, record.getMessage()) for record in found]


@pytest.mark.parametrize("public", [True, False], ids=["public", "confidential"])
async def test_a_token_that_works_stays_in_use_when_a_refresh_ahead_of_need_is_refused(
    public: bool, hosts: Hosts, twitch: LocalTwitch, caplog: pytest.LogCaptureFixture
) -> None:
    bot = await guest_of(hosts, twitch, public=public)
    before, asked = dict(token_of(bot)), refreshes(twitch)
    twitch.refuse_refreshes()
    for _ in range(3):
        await validate(bot)
    assert (token_of(bot)["token"], token_of(bot)["refresh"]) == (before["token"], before["refresh"])
    await ask(bot)
    await put(bot)
    assert twitch.user("me").color == "#123456"
    assert refreshes(twitch) == asked + 1  # tried again, but not soon
    assert said(caplog) == [
        (
            "WARNING",
            "Twitch refuses to renew the login of me (Invalid refresh token); its token still works and stays in "
            "use, and the renewal is tried again",
        )
    ]


async def test_it_is_renewed_once_twitch_does_so_again(hosts: Hosts, twitch: LocalTwitch) -> None:
    bot = await guest_of(hosts, twitch)
    without_waiting(bot)
    before = dict(token_of(bot))
    refused = twitch.faults.add(REFRESH, REFUSED)
    await validate(bot)
    await validate(bot)
    assert (refused.hits, token_of(bot)["token"] != before["token"], twitch.spent_twice) == (1, True, [])
    await ask(bot)


async def test_one_account_in_trouble_keeps_no_other_from_being_renewed(hosts: Hosts, twitch: LocalTwitch) -> None:
    bot = await guest_of(hosts, twitch)
    user = twitch.add_user("other")
    pair = twitch.issue_tokens("other", bot.http.client_id, SCOPES)
    await bot.add_token(pair.access, pair.refresh)
    soon = twitch.issue_tokens("other", bot.http.client_id, SCOPES, expires_in=600)
    hosts.secrets |= {pair.access, pair.refresh, soon.access, soon.refresh}
    bot.tokens[user.id].update(token=soon.access, refresh=soon.refresh)
    twitch.faults.add(REFRESH, REFUSED)  # of the first one
    await validate(bot)
    assert bot.tokens.keys() == {bot.channel.id, user.id}
    assert bot.tokens[user.id]["token"] != soon.access


async def test_a_dead_login_of_the_bots_account_is_said_once_with_the_address_and_heals(
    hosts: Hosts, twitch: LocalTwitch, caplog: pytest.LogCaptureFixture
) -> None:
    bot = await guest_of(hosts, twitch, public=False)
    asked = refreshes(twitch)
    twitch.expire("me")
    twitch.refuse_refreshes()
    for _ in range(3):
        await validate(bot)
        with pytest.raises(twitchio.HTTPException):
            await ask(bot)
        with pytest.raises(NeedsLogin):
            await put(bot)
    assert refreshes(twitch) == asked + 1
    ((level, text),) = said(caplog)
    assert level == "ERROR"
    assert text.startswith("the login of me has ended: its token is invalid, and Twitch refuses to renew it (Invalid ")
    assert "open http://localhost:4343/oauth?scopes=" in text
    assert "user:manage:chat_color" in text
    twitch.refuse_refreshes(False)
    without_waiting(bot)
    await put(bot)
    assert twitch.user("me").color == "#123456"


async def test_a_dead_login_of_somebody_else_is_left_to_twitchio(hosts: Hosts, twitch: LocalTwitch) -> None:
    """Such as a streamer who disconnected the bot: a host may look into `bot.tokens` for that."""
    bot = await guest_of(hosts, twitch)
    user = twitch.add_user("other")
    pair = twitch.issue_tokens("other", bot.http.client_id, SCOPES)
    hosts.secrets |= {pair.access, pair.refresh}
    await bot.add_token(pair.access, pair.refresh)
    await twitch.revoke_login("other")
    await validate(bot)
    assert user.id not in bot.tokens


async def test_a_login_that_the_host_removes_meanwhile_stays_removed(hosts: Hosts, twitch: LocalTwitch) -> None:
    bot = await guest_of(hosts, twitch)

    async def remove(_request: Any, _handler: Any) -> Any:
        await bot.remove_token(bot.channel.id)
        return await REFUSED(_request, _handler)

    twitch.faults.add(REFRESH, remove)
    await validate(bot)
    assert bot.channel.id not in bot.tokens


@pytest.mark.parametrize(
    "answer",
    [REFUSED, faults.status(401, message="Invalid refresh token"), faults.status(500), page(403), page(200)],
    ids=["refused", "401", "500", "page 403", "page 200"],
)
async def test_a_token_that_works_can_be_added_though_it_is_not_renewed(
    answer: faults.Action, hosts: Hosts, twitch: LocalTwitch
) -> None:
    bot = await guest_of(hosts, twitch)
    pair = token_of(bot)["token"], token_of(bot)["refresh"]
    await bot.remove_token(bot.channel.id)
    twitch.faults.add(REFRESH, answer)
    added = await bot.add_token(*pair)
    assert added.user_id == bot.channel.id
    assert (token_of(bot)["token"], token_of(bot)["refresh"]) == pair
    await put(bot)


async def test_a_dead_token_cannot_be_added(hosts: Hosts, twitch: LocalTwitch) -> None:
    bot = await guest_of(hosts, twitch)
    pair = token_of(bot)["token"], token_of(bot)["refresh"]
    await bot.remove_token(bot.channel.id)
    await twitch.revoke_login("me")
    with pytest.raises(twitchio.InvalidTokenException):
        await bot.add_token(*pair)
    assert bot.channel.id not in bot.tokens


async def test_a_new_login_counts_at_once(hosts: Hosts, twitch: LocalTwitch) -> None:
    bot = await guest_of(hosts, twitch)
    await twitch.revoke_login("me")
    with pytest.raises(NeedsLogin):
        await put(bot)
    pair = twitch.issue_tokens("me", bot.http.client_id, SCOPES)
    hosts.secrets |= {pair.access, pair.refresh}
    await bot.add_token(pair.access, pair.refresh)
    await put(bot)


async def test_whether_the_token_works_may_be_unknown(
    hosts: Hosts, twitch: LocalTwitch, caplog: pytest.LogCaptureFixture
) -> None:
    bot = await guest_of(hosts, twitch)
    twitch.faults.add(REFRESH, REFUSED)
    twitch.faults.add(VALIDATE, faults.status(500))
    inner: Any = getattr(bot.http, INNER_CLIENT)
    with pytest.raises(twitchio.HTTPException):
        await inner.refresh_token(token_of(bot)["refresh"])
    ((level, text),) = said(caplog)
    assert (level, "whether its token still works is not known" in text) == ("WARNING", True)


async def test_colours_come_back_when_a_refused_renewal_of_the_host_works_later(
    hosts: Hosts, twitch: LocalTwitch
) -> None:
    """A confidential application keeps its refresh token, so that alone does not tell that the login works again."""
    bot = await guest_of(hosts, twitch, public=False)
    twitch.expire("me")
    twitch.faults.add(REFRESH, REFUSED)
    with pytest.raises(NeedsLogin):
        await put(bot)
    guest = attachment_of(bot).guest
    assert guest is not None
    guest.refresh.refusals.retry_seconds = 0.0
    await ask(bot)
    await put(bot)
    assert twitch.user("me").color == "#123456"


async def test_unloading_leaves_twitchio_as_it_was(hosts: Hosts, twitch: LocalTwitch) -> None:
    bot = await guest_of(hosts, twitch)
    await bot.unload_module(COGS)
    twitch.refuse_refreshes()
    await validate(bot)
    assert bot.channel.id not in bot.tokens
