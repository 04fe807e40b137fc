"""Logging an account out of the running bot: its colour is put back, its tokens end, and it is forgotten."""

from __future__ import annotations

import asyncio
import contextlib
import logging

from colorchanger_bot.errors import StoreError
from colorchanger_bot.service.service import Service
from colorchanger_bot.store.store import Login

logger = logging.getLogger(__name__)

RESTORE_SECONDS = 3.0
REVOKE_SECONDS = 5.0


async def sign_out(service: Service, login: Login) -> bool:
    """Log an account out; return whether Twitch confirmed that its token ended.

    Raises:
        StoreError: the store cannot be written; the account stays.
    """
    painter = service.changer.get(login.user_id or "")
    if painter is not None and painter.settings.restore and not login.lost:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(RESTORE_SECONDS):
                await painter.restore()
    await service.store.forget_login(login.id)
    # The keeper may have renewed the token while the colour was put back.
    pair = service.keeper[login.id].pair if login.id in service.keeper else login.pair
    with contextlib.suppress(StoreError):  # else the watch finds it
        await service.keeper.load()
    confirmed = False
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(REVOKE_SECONDS):
            confirmed = await service.oauth(login.client_id).revoke(pair.access)
    logger.info("logged out%s", "" if confirmed else "; Twitch could not be told", extra={"account": login.login})
    return confirmed
