"""Chat colours: what they are, which can be read, and which comes next. Pure."""

from colorchanger_bot.color.plan import Moment, Plan, State, Strategy
from colorchanger_bot.color.readable import (
    DARK,
    LIGHT,
    Ground,
    Theme,
    fitting_names,
    highest_contrast,
    make_readable,
    nearest_name,
    unreadable_on,
)
from colorchanger_bot.color.strategies import STRATEGIES, build, problems, uses
from colorchanger_bot.color.value import PRESETS, Color

__all__ = [
    "DARK",
    "LIGHT",
    "PRESETS",
    "STRATEGIES",
    "Color",
    "Ground",
    "Moment",
    "Plan",
    "State",
    "Strategy",
    "Theme",
    "build",
    "fitting_names",
    "highest_contrast",
    "make_readable",
    "nearest_name",
    "problems",
    "unreadable_on",
    "uses",
]
