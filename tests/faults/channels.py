"""Channels that refuse the account, do not exist, or come and go; and logins that end."""

from __future__ import annotations

import asyncio
import logging
import time

from colorchanger_bot.eventsub.timing import Timing
from colorchanger_bot.sandbox import faults
from colorchanger_bot.store.store import TokenPair
from colorchanger_bot.twitch.helix import CHAT_NOTIFICATION
from tests.faults.stage import SCOPES, SOCKET, SUBSCRIBE, Stage, scenario

SOON = Timing(second_try=0.3, park=(1.0, 2.0), unused=0.8, compare=60)
"""Seconds instead of minutes and hours."""


@scenario("a channel that does not exist stops nothing, and is reported", promise=2, inside=True,
          settings={"accounts": [{"login": "me", "channels": ["nosuchchannel", "me"]}]})  # fmt: skip
async def missing(stage: Stage) -> float:
    seconds = await stage.recovers(2)
    missing = stage.ours.status("nosuchchannel")
    assert (missing.state, missing.reason) == ("parked", "there is no such channel")
    assert missing.retry_seconds
    return seconds


@scenario("a channel that is created later is joined", promise=4, seconds=5, inside=True, timing=SOON,
          settings={"accounts": [{"login": "me", "channels": ["later", "me"]}]})  # fmt: skip
async def later(stage: Stage) -> float:
    await stage.until(lambda: "no such channel" in stage.ours.status("later").reason)
    stage.twitch.add_user("later")
    return await stage.recovers(4, in_="later")


@scenario("a channel that changes its name is read on", promise=1, seconds=3, channels=("me", "friend"))
async def renamed(stage: Stage) -> float:
    stage.twitch.rename("friend", "buddy")
    await stage.twitch.eventsub.drop_all()
    await stage.twitch.wait_subscribed("me", "buddy")
    return await stage.recovers(1, in_="buddy")


@scenario("banned, then unbanned: the reason is shown, the other channel is still read", promise=4, seconds=8,
          inside=True, timing=SOON, channels=("me", "friend"))  # fmt: skip
async def banned(stage: Stage) -> float:
    await stage.twitch.ban("me", channel="friend")
    await stage.until(lambda: stage.ours.status("friend").reason.startswith("the account is banned"))
    await stage.recovers(1)
    await stage.until(lambda: "proper authorization" in stage.ours.status("friend").reason, 4)
    stage.twitch.unban("me", channel="friend")
    return await stage.recovers(4, in_="friend")


@scenario("a session whose only channel is parked is closed by us, not by Twitch, and comes back", promise=5, seconds=9,
          inside=True, timing=SOON, rules={"unused_after": 1.0})  # fmt: skip
async def parked(stage: Stage) -> float:
    await stage.twitch.ban("me", channel="me")
    sockets = stage.asked(SOCKET)
    await asyncio.sleep(4)
    tries = stage.asked(SOCKET) - sockets
    assert 1 <= tries <= 4
    stage.twitch.unban("me", channel="me")
    return await stage.recovers(5)


@scenario("a revocation of a kind that nobody knows: joined again", promise=2)
async def odd_revocation(stage: Stage) -> float:
    await stage.twitch.eventsub.revoke("because_of_the_weather", user=stage.twitch.user("me"))
    return await stage.recovers(2)


@scenario("a subscription of a past session is revoked: nothing changes", promise=1, inside=True)
async def old_revocation(stage: Stage) -> float:
    (old,) = stage.twitch.subscriptions
    await stage.twitch.eventsub.drop_all()
    await stage.twitch.wait_for(lambda: [each for each in stage.twitch.subscriptions if each.id != old.id])
    user_id = stage.twitch.user("me").id
    await stage.twitch.eventsub.send_raw(
        '{"metadata": {"message_id": "9", "message_type": "revocation"}, "payload": {"subscription": {'
        f'"id": "{old.id}", "status": "user_removed", "condition": {{"user_id": "{user_id}", '
        f'"broadcaster_user_id": "{user_id}"}}}}}}}}'
    )
    await stage.until(lambda: stage.ours.status("me").state == "joined")
    return await stage.recovers(1)


@scenario(
    "a login that ends: no socket and no retries; after a new login it comes back", promise=8, seconds=16, inside=True
)
async def logged_out(stage: Stage) -> float:
    await stage.twitch.revoke_login("me")
    await stage.until(lambda: stage.ours.account()["state"] == "needs login", 8)
    sockets = stage.asked(SOCKET)
    await asyncio.sleep(4)
    assert stage.asked(SOCKET) == sockets
    assert stage.twitch.eventsub.sessions == {}
    began = time.monotonic()
    pair = stage.twitch.issue_tokens("me", stage.client_id, SCOPES)
    store = stage.ours.service.store
    await store.put_login("me", stage.client_id, TokenPair(pair.access, pair.refresh), stage.twitch.user("me").id)
    return await stage.recovers(8, since=began)


@scenario("the state of a channel is logged once per change", seconds=8, inside=True, timing=SOON,
          channels=("me", "quiet"))  # fmt: skip
async def said_once(stage: Stage) -> float:
    said: list[str] = []
    await stage.until(lambda: {stage.ours.status(name).state for name in ("me", "quiet")} == {"joined"})

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.levelno >= logging.INFO and "#quiet" in record.getMessage():
                said.append(record.getMessage())

    listener, log = Listener(), logging.getLogger("colorchanger_bot.eventsub.membership")
    level = log.level
    log.addHandler(listener)
    log.setLevel(logging.INFO)
    try:
        quiet = stage.twitch.user("quiet").id
        fault = stage.twitch.faults.add(
            SUBSCRIBE,
            faults.status(500),
            times=3,
            where=lambda seen: seen.body["condition"]["broadcaster_user_id"] == quiet,
        )
        await stage.twitch.eventsub.drop_all()
        await stage.twitch.wait_for(lambda: fault.hits == 3, timeout=6)
        await stage.until(lambda: len(said) == 2, 6)
    finally:
        log.removeHandler(listener)
        log.setLevel(level)
    trouble, joined = said
    assert trouble.startswith("#quiet: not joined yet: Twitch is in trouble (500); next try in")
    assert joined == "#quiet: reading the chat"
    return 0


FOLLOW = {"accounts": [{"login": "me", "channels": ["me"], "follow_live": True}]}


@scenario("followed channels that are live come and go", promise=2, seconds=6, inside=True,
          settings=FOLLOW, timing=Timing(follow=0.5))  # fmt: skip
async def live(stage: Stage) -> float:
    for name in ("followed", "stranger"):
        stage.twitch.add_user(name)
        stage.twitch.go_live(name)
    stage.twitch.follow("me", "followed")
    seconds = await stage.recovers(2, in_="followed")
    assert set(stage.ours.account()["channels"]) == {"me", "followed"}
    stage.twitch.faults.add("GET /helix/streams/followed", faults.status(500), times=2)
    await asyncio.sleep(0.6)
    assert set(stage.ours.account()["channels"]) == {"me", "followed"}
    stage.twitch.go_live("followed", False)
    await stage.until(lambda: set(stage.ours.account()["channels"]) == {"me"}, 6)
    await stage.twitch.wait_for(lambda: len(stage.twitch.subscriptions) == 1)
    messages = stage.subject.messages
    await stage.say(in_="followed")
    await stage.say(in_="me")
    await stage.until(lambda: stage.subject.messages > messages)
    assert stage.subject.messages == messages + 1
    return seconds


@scenario("without the permission to see follows, the account's own channel is still read", promise=1,
          inside=True, settings=FOLLOW, timing=Timing(follow=0.3))  # fmt: skip
async def no_follows(stage: Stage) -> float:
    stage.twitch.faults.add(
        "GET /helix/streams/followed", faults.status(401, message="Missing scope: user:read:follows"), times=None
    )
    await stage.twitch.wait_for(lambda: stage.asked("GET /helix/streams/followed") > 2)
    seconds = await stage.recovers(1)
    assert stage.ours.session().reconnects == 0
    return seconds


@scenario("an announcement of one's own is read like a message, also after a reconnect", promise=2, inside=True)
async def announcement(stage: Stage) -> float:
    seconds = 0.0
    for number in range(2):
        await stage.twitch.wait_for(lambda: stage.twitch.subscriptions_to(CHAT_NOTIFICATION))
        before, began = stage.changes(), time.monotonic()
        await stage.twitch.announce("me", in_="me", text="listen, everybody")
        await stage.twitch.wait_for(lambda before=before: stage.changes() > before)
        seconds = time.monotonic() - began
        if number == 0:
            await stage.twitch.eventsub.drop_all()
            await stage.twitch.wait_for(lambda: not stage.twitch.subscriptions_to(CHAT_NOTIFICATION))
    return seconds
