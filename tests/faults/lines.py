"""Faults of the socket: it closes, goes silent, cannot be opened, moves, or carries nonsense."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from colorchanger_bot.sandbox import faults
from tests.faults.stage import SOCKET, Stage, add, scenario

NOWHERE = "ws://127.0.0.1:9/"
"""The discard port, where nobody listens."""


def closed_with(code: int) -> Callable[[Stage], Awaitable[float]]:
    async def play(stage: Stage) -> float:
        await stage.twitch.eventsub.close_all(code)
        return await stage.recovers(1)

    return play


for code in (1000, 1001, 1006, 1008, 1011, 1012, *range(4000, 4008)):
    if code != 1006:
        add(f"closed with {code}", closed_with(code), promise=1)


@scenario("dropped without a word", promise=1)
async def dropped(stage: Stage) -> float:
    await stage.twitch.eventsub.drop_all()
    return await stage.recovers(1)


@scenario("silent, with Twitch's shortest keepalive of 10 s", promise=15, seconds=16)
async def silent(stage: Stage) -> float:
    await stage.twitch.eventsub.freeze()
    return await stage.recovers(15)


@scenario("new sockets refused for 30 s", promise=15, seconds=45)
async def refused(stage: Stage) -> float:
    await stage.twitch.eventsub.refuse()
    await stage.twitch.eventsub.drop_all()
    await asyncio.sleep(30)
    await stage.twitch.eventsub.refuse(False)
    return await stage.recovers(15)


@scenario("nobody listens at Twitch for 10 s", promise=15, seconds=25)
async def nobody(stage: Stage) -> float:
    await stage.twitch.close()
    await asyncio.sleep(10)
    await stage.twitch.start()
    return await stage.recovers(15)


@scenario("a welcome that never comes", promise=7, seconds=7)
async def no_welcome(stage: Stage) -> float:
    stage.twitch.faults.add(SOCKET, faults.mute(30))
    await stage.twitch.eventsub.drop_all()
    return await stage.recovers(7)


@scenario("a handshake that never ends", promise=7, seconds=7)
async def no_handshake(stage: Stage) -> float:
    stage.twitch.faults.add(SOCKET, faults.hang(30))
    await stage.twitch.eventsub.drop_all()
    return await stage.recovers(7)


@scenario("ten drops in five seconds", promise=5, seconds=12)
async def flapping(stage: Stage) -> float:
    for _ in range(10):
        await stage.twitch.eventsub.drop_all()
        await asyncio.sleep(0.5)
    return await stage.recovers(5)


@scenario("ten drops in five seconds, dead sessions count for a minute", promise=70, seconds=75, rules={"linger": 60})
async def lingering(stage: Stage) -> float:
    for _ in range(10):
        await stage.twitch.eventsub.drop_all()
        await asyncio.sleep(0.5)
    return await stage.recovers(70)


# Moving to another socket


def moved(**options: float | bool) -> Callable[[Stage], Awaitable[float]]:
    async def play(stage: Stage) -> float:
        async def move() -> None:
            await asyncio.sleep(0.3)
            await stage.twitch.eventsub.reconnect_all(grace=5, **options)  # pyright: ignore[reportArgumentType]

        await stage.hears_all(move)
        return 0

    return play


for milliseconds in (0, 300, 2000):
    add(
        f"moved, with a handshake of {milliseconds} ms: no message lost, none twice",
        moved(handshake_delay=milliseconds / 1000),
        seconds=5,
    )
add("moved to a session with another number: no message lost", moved(new_session_id=True), seconds=5)


@scenario("moved twice in a row: no message lost", seconds=5)
async def moved_twice(stage: Stage) -> float:
    async def move() -> None:
        await asyncio.sleep(0.3)
        await stage.twitch.eventsub.reconnect_all(handshake_delay=0.4)
        await asyncio.sleep(0.1)
        await stage.twitch.eventsub.reconnect_all()

    await stage.hears_all(move)
    return 0


@scenario("moved twice, one move after the other: no message lost", seconds=5)
async def moved_again(stage: Stage) -> float:
    async def move() -> None:
        for _ in range(2):
            await asyncio.sleep(0.5)
            await stage.twitch.eventsub.reconnect_all(handshake_delay=0.1)

    await stage.hears_all(move)
    return 0


def sent_to(url: str | None) -> Callable[[Stage], Awaitable[float]]:
    async def play(stage: Stage) -> float:
        await stage.twitch.eventsub.reconnect_all(url=url, grace=0.5)
        await asyncio.sleep(0.6)
        return await stage.recovers(5)

    return play


add("moved to where nobody listens", sent_to(NOWHERE), promise=5, seconds=6)
add("moved to something that is no address", sent_to("a better place"), promise=5, seconds=6)


@scenario("moved to a place that never answers", promise=5, seconds=8)
async def sent_to_silence(stage: Stage) -> float:
    stage.twitch.faults.add(SOCKET, faults.mute(30), where=lambda seen: "challenge" in seen.query)
    await stage.twitch.eventsub.reconnect_all(grace=0.5)
    await asyncio.sleep(0.6)
    return await stage.recovers(5)


@scenario("moved to where nobody listens, the old socket still good: no message lost", seconds=5)
async def sent_nowhere(stage: Stage) -> float:
    await stage.hears_all(lambda: stage.twitch.eventsub.reconnect_all(url=NOWHERE, grace=20))
    return 0


@scenario("closed while the next socket shakes hands", promise=1, seconds=5)
async def closed_while_moving(stage: Stage) -> float:
    await stage.twitch.eventsub.reconnect_all(handshake_delay=1.5)
    await asyncio.sleep(0.2)
    await stage.twitch.eventsub.close_all(4004)
    return await stage.recovers(1)


# Frames

NONSENSE = {
    "not JSON": "<html>",
    "a list": "[]",
    "a number": "7",
    "no metadata": "{}",
    "metadata that is a text": '{"metadata": "x", "payload": {}}',
    "an unknown message type": '{"metadata": {"message_id": "1", "message_type": "session_party"}, "payload": {}}',
    "a notification without an event": (
        '{"metadata": {"message_id": "2", "message_type": "notification"}, "payload": {}}'
    ),
    "an event without fields": (
        '{"metadata": {"message_id": "3", "message_type": "notification"}, "payload": {"event": {}}}'
    ),
    "a revocation without a subscription": (
        '{"metadata": {"message_id": "4", "message_type": "revocation"}, "payload": {}}'
    ),
    "a reconnect without an address": (
        '{"metadata": {"message_id": "5", "message_type": "session_reconnect"}, "payload": {"session": {}}}'
    ),
}


def told(data: str | bytes) -> Callable[[Stage], Awaitable[float]]:
    async def play(stage: Stage) -> float:
        (before,) = stage.twitch.subscriptions
        await stage.twitch.eventsub.send_raw(data)
        seconds = await stage.recovers(1)
        assert [each.id for each in stage.twitch.subscriptions] == [before.id]
        return seconds

    return play


for what, text in NONSENSE.items():
    add(f"nonsense: {what}", told(text), promise=1)
add("nonsense: a binary frame", told(b"\x00\xff"), promise=1)


@scenario("nonsense: an own message with hardly a field", promise=1, inside=True)
async def hollow(stage: Stage) -> float:
    user_id = stage.twitch.user("me").id
    await stage.twitch.eventsub.send_raw(
        '{"metadata": {"message_id": "6", "message_type": "notification"}, "payload": {"event": {'
        f'"chatter_user_id": "{user_id}", "broadcaster_user_id": "{user_id}", "message_id": "7"}}}}}}'
    )
    seconds = await stage.recovers(1)
    assert stage.ours.session().reconnects == 0
    return seconds


@scenario("the same message twice", seconds=3)
async def twice(stage: Stage) -> float:
    await stage.say()
    await stage.twitch.wait_for(lambda: stage.changes() == 1)
    for _ in range(3):
        await stage.twitch.eventsub.resend_last()
    await asyncio.sleep(0.5)
    assert (stage.subject.messages, stage.changes()) == (1, 1)
    return 0


@scenario("thirty accounts dropped together come back, each with one socket", promise=3, seconds=20, inside=True,
          logins=tuple(f"account{number}" for number in range(30)))  # fmt: skip
async def many(stage: Stage) -> float:
    sockets, joins = stage.asked(SOCKET), stage.joins()
    began = time.monotonic()
    await stage.twitch.eventsub.drop_all()
    await stage.twitch.wait_for(lambda: len(stage.twitch.subscriptions) == 30, timeout=6)
    seconds = time.monotonic() - began
    await asyncio.sleep(1)
    assert stage.asked(SOCKET) - sockets == 30
    assert stage.joins() - joins == 30
    return seconds
