"""What a run prints first and last: which accounts it manages and how, and what it did."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from colorchanger_bot.changer.changer import Changer
from colorchanger_bot.changer.painter import Painter
from colorchanger_bot.service.standing import Action, Standing
from colorchanger_bot.service.wording import state_text
from colorchanger_bot.settings.load import Settings
from colorchanger_bot.words import counted, seconds_range


def plan(accounts: Sequence[Standing], settings: Settings, store: str, notes: Iterable[str] = ()) -> str:
    """Return what is about to happen, for the first lines of a run; `store` is where the logins are."""
    lines = [f"{counted(len(accounts), 'account')}, store {store}"]
    lines += [f"  {each.login}: {_planned(each, settings)}" for each in accounts]
    return "\n".join([*lines, *notes])


def summary(changer: Changer, is_member: Callable[[str], bool] = lambda user_id: False) -> str:
    """Return what was done, for the last lines of a run: by account, and by all members of the community together."""
    members = [each for each in changer if is_member(each.user_id)]
    done = [_done(each.login, [each]) for each in changer if not is_member(each.user_id)]
    if members:
        done.append(_done(counted(len(members), "member"), members))
    return "\n".join(["done", *done])


def _done(who: str, painters: Sequence[Painter]) -> str:
    seen, changed = sum(each.messages for each in painters), sum(each.changes for each in painters)
    return f"  {who}: {counted(seen, 'message')} seen, {counted(changed, 'colour')} changed"


def _planned(standing: Standing, settings: Settings) -> str:
    """How an account will be managed, without what it waits for at the start."""
    if standing.action not in (Action.NONE, Action.WAIT) or standing.state == "waiting":
        return state_text(standing, settings.commands)
    if standing.held:
        return f"held at {standing.held}; it changes again with {settings.commands.prefix}{settings.commands.name} next"
    when = f"{seconds_range(*standing.delay)} after" if any(standing.delay) else "right after"
    channels = ", ".join(f"#{channel.login}" for channel in standing.channels)
    return f"{standing.strategy}, {when} a message in {channels}"
