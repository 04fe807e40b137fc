"""Gathers what the parts of the running bot know of each account."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import starmap

from colorchanger_bot.auth.keeper import TokenKeeper
from colorchanger_bot.bot.bot import ColorChangerBot
from colorchanger_bot.changer.changer import Changer
from colorchanger_bot.changer.painter import Painter
from colorchanger_bot.errors import LOG_IN
from colorchanger_bot.eventsub.channel import ChannelStatus
from colorchanger_bot.service.standing import ChannelStanding, Report, needs_login, own_accounts
from colorchanger_bot.store.store import Login


class Reporter:
    """Reports on the accounts of a running service."""

    def __init__(self, keeper: TokenKeeper, bots: Mapping[str, ColorChangerBot], changer: Changer) -> None:
        self.delays: dict[int, str] = {}
        """Why an account has not started yet, by the id of its login."""
        self._keeper = keeper
        self._bots = bots
        self._changer = changer

    def reports(self) -> dict[str, Report]:
        """Return what is known of all accounts, by login; members of the community are not among them."""
        return {each.login: each for each in self.each()}

    def each(self) -> Iterator[Report]:
        """Yield the same one by one; accounts may be logged out meanwhile."""
        for login in own_accounts(self._keeper):
            if login.id in self._keeper:
                yield self.report(self._keeper[login.id])

    def report(self, login: Login) -> Report:
        """Return what is known of one account."""
        bot = self._bots.get(login.client_id)
        readers = bot.readers if bot is not None and login.id in bot.accounts else None
        user_id = login.user_id or ""
        painter = self._changer.get(user_id)
        problem, ends = self._login_problem(login)
        return Report(
            login.login,
            login_problem=problem,
            login_ends=ends,
            chat_problem=readers.trouble(user_id) if readers else "",
            color_problem=painter.trouble if painter else "",
            channels=tuple(starmap(_channel, readers.status(user_id).items())) if readers else (),
            color=str(painter.current) if painter and painter.current else None,
            enabled=painter.settings.enabled if painter else None,
            names_only=painter.hex_refused if painter else None,
            strategy=painter.strategy.name if painter else None,
            held=_held(painter) if painter else None,
            replies_left_out=painter.replies_left_out if painter else 0,
            messages=painter.messages if painter else 0,
            changes=painter.changes if painter else 0,
        )

    def _login_problem(self, login: Login) -> tuple[str, str]:
        """Return why the login cannot be used now, and why it is only used until its end."""
        if needs_login(login):
            return "", ""
        # The keeper says with it where only a new login helps, which is data here.
        why, needs_person, _ = self._keeper.trouble(login.id).partition(f"; {LOG_IN}")
        delay = self.delays.get(login.id, "")
        return (delay, why) if needs_person else (why or delay, "")


def _channel(login: str, status: ChannelStatus) -> ChannelStanding:
    return ChannelStanding(login, status.state, status.reason, status.retry_seconds)


def _held(painter: Painter) -> str | None:
    if painter.held is not None:
        return painter.held.wire
    return str(painter.settings.base or painter.current) if painter.strategy.name == "hold" else None
