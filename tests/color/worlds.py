"""How the tests run a strategy: one message after another, with the history that follows."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random

from colorchanger_bot.color import Color, Moment, Plan, Strategy, build

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAY = timedelta(days=1)

COLORS = tuple(map(Color.parse, ("#8F3AFF", "gold", "teal", "hot_pink", "#123456", "tomato")))
CHATTERS = tuple(map(Color.parse, ("red", "blue", "green", "hot_pink", "#00FFFF", "#654321", "golden_rod")))


def plan(strategy: str, **keys: object) -> Plan:
    """A plan that every strategy can be built from."""
    return Plan(strategy=strategy, colors=COLORS, base=COLORS[0])._replace(**keys)


def colors(
    plan: Plan,
    n: int,
    *,
    presets_only: bool = False,
    seed: int = 1,
    pace: timedelta = DAY,
    seen: Sequence[Color] = CHATTERS,
    strategy: Strategy | None = None,
    history: Sequence[Color] = (),
) -> list[Color]:
    """The colours of `n` moments, `pace` apart, without those that changed nothing."""
    strategy = strategy or build(plan)
    rng = Random(seed)
    recent = list(history)
    found: list[Color] = []
    for count in range(n):
        color = strategy.next(Moment(recent, rng, NOON + count * pace, seen, presets_only))
        if color is not None:
            found.append(color)
            recent = [color, *recent[:9]]
    return found


def steps(found: Sequence[Color]) -> Iterator[float]:
    """The distances between neighbours."""
    return (one.distance(other) for one, other in pairwise(found))
