"""The strategies by name, and what is wrong with a plan.

Strategies that draw at random are in `draws`, those that follow a path in `walks`.
"""

from collections.abc import Mapping
from typing import Final, get_args

from colorchanger_bot.color.draws import Presets, Random, Shades, Standout
from colorchanger_bot.color.plan import Plan, Planned, Strategy
from colorchanger_bot.color.readable import Theme, highest_contrast
from colorchanger_bot.color.walks import Daily, Gradient, Hold, Palette, Rainbow
from colorchanger_bot.errors import ConfigError

STRATEGIES: Final[Mapping[str, type[Planned]]] = {
    kind.name: kind for kind in (Random, Rainbow, Palette, Gradient, Shades, Presets, Daily, Standout, Hold)
}

_ON: Final = {
    "both": "on both themes",
    "dark": "on the dark theme",
    "light": "on the light theme",
    "any": "on any background",
}
# Above this, some colours have no other that is far enough and readable on both themes.
_LARGEST_STEP = 0.3
# Finer gradients look the same, and would fill the memory.
_MOST_STEPS = 1000


def build(plan: Plan) -> Strategy:
    """Build the strategy of a plan, for one account.

    Raises:
        ConfigError: there is no such strategy, or its colours are missing.
    """
    missing = _missing(plan)
    if missing:
        raise ConfigError(missing)
    return STRATEGIES[plan.strategy](plan)


def uses(strategy: str) -> frozenset[str]:
    """The keys of a plan that only this strategy reads; all read theme, min_contrast and min_step.

    Raises:
        KeyError: there is no such strategy.
    """
    return STRATEGIES[strategy].uses


def problems(plan: Plan) -> list[str]:
    """Everything that is wrong with a plan, a sentence each that begins with the key."""
    return _missing(plan) + _out_of_range(plan)


def _missing(plan: Plan) -> list[str]:
    """Why the strategy cannot be built."""
    if plan.strategy not in STRATEGIES:
        return [f'strategy: "{plan.strategy[:40]}" is unknown; choose one of {", ".join(STRATEGIES)}']
    fewest = {"palette": 1, "gradient": 2}.get(plan.strategy, 0)
    if len(plan.colors) < fewest:
        return [f"colors: {plan.strategy} needs at least {fewest}, and has {len(plan.colors)}"]
    if plan.strategy == "shades" and plan.base is None:
        return ["base: shades needs a base colour"]
    return []


def _out_of_range(plan: Plan) -> list[str]:
    """Which values make no sense, or are out of reach for every colour."""
    if plan.theme not in get_args(Theme):
        return [f"theme: {plan.theme} is not one of {', '.join(get_args(Theme))}"]
    highest = highest_contrast(plan.theme)
    fewest = max(2, len(plan.colors)) if plan.strategy == "gradient" else 2
    checks = {
        f"min_contrast: {plan.min_contrast:g} is not from 1 to {highest:g}, the highest contrast possible"
        f" {_ON[plan.theme]}": 1 <= plan.min_contrast <= highest,
        f"min_step: {plan.min_step:g} is not from 0 to {_LARGEST_STEP:g}": 0 <= plan.min_step <= _LARGEST_STEP,
        f"step: {plan.step} is not more than 0 and less than 360 degrees": plan.step is None or 0 < plan.step < 360,
        f"start: {plan.start} is not from 0 to 360 degrees": plan.start is None or 0 <= plan.start <= 360,
        f"steps: {plan.steps} is not from {fewest} (one for each colour) to {_MOST_STEPS}": plan.steps is None
        or fewest <= plan.steps <= _MOST_STEPS,
    }
    return [sentence for sentence, fine in checks.items() if not fine]
