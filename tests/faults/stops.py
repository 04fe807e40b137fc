"""A clean stop in any state: `Stage.running` measures it, and `test_scenarios` checks that no task is left."""

from __future__ import annotations

import asyncio

from colorchanger_bot.sandbox import faults
from tests.faults.stage import PUT_COLOR, SOCKET, SUBSCRIBE, Stage, scenario


@scenario("stopped while connecting", inside=True)
async def connecting(stage: Stage) -> float:
    stage.twitch.faults.add(SOCKET, faults.hang(20))
    sockets = stage.asked(SOCKET)
    await stage.twitch.eventsub.drop_all()
    await stage.twitch.wait_for(lambda: stage.asked(SOCKET) > sockets)
    return 0


@scenario("stopped while waiting for the welcome", inside=True)
async def unwelcome(stage: Stage) -> float:
    stage.twitch.faults.add(SOCKET, faults.mute(20))
    sockets = stage.asked(SOCKET)
    await stage.twitch.eventsub.drop_all()
    await stage.twitch.wait_for(lambda: stage.asked(SOCKET) > sockets)
    await asyncio.sleep(0.1)
    return 0


@scenario("stopped while joining hangs", inside=True)
async def joining(stage: Stage) -> float:
    fault = stage.twitch.faults.add(SUBSCRIBE, faults.hang(20))
    await stage.twitch.eventsub.drop_all()
    await stage.twitch.wait_for(lambda: fault.hits)
    return 0


@scenario("stopped while a change hangs", inside=True, settings={"color": {"restore": True}})
async def changing(stage: Stage) -> float:
    fault = stage.twitch.faults.add(PUT_COLOR, faults.hang(20), times=None)
    await stage.say()
    await stage.twitch.wait_for(lambda: fault.hits)
    return 0


@scenario("stopped while a refresh hangs", inside=True)
async def refreshing(stage: Stage) -> float:
    fault = stage.twitch.faults.add("POST /oauth2/token", faults.hang(20), times=None)
    stage.twitch.expire("me")
    await stage.say()
    await stage.twitch.wait_for(lambda: fault.hits)
    return 0


@scenario("stopped while every channel is parked", inside=True)
async def parked(stage: Stage) -> float:
    await stage.twitch.ban("me", channel="me")
    await stage.until(lambda: stage.ours.status("me").state == "parked")
    return 0


@scenario("stopped while a login is needed", inside=True)
async def logged_out(stage: Stage) -> float:
    await stage.twitch.revoke_login("me")
    await stage.until(lambda: stage.ours.account()["state"] == "needs login", 8)
    return 0


@scenario("stopped while the socket is silent", inside=True)
async def silent(stage: Stage) -> float:
    await stage.twitch.eventsub.freeze()
    return 0


@scenario("stopped while moving", inside=True)
async def moving(stage: Stage) -> float:
    await stage.twitch.eventsub.reconnect_all(handshake_delay=20)
    await asyncio.sleep(0.2)
    return 0


@scenario("stopped while Twitch is down", inside=True, seconds=5)
async def away(stage: Stage) -> float:
    await stage.twitch.close()
    await asyncio.sleep(1)
    return 0
