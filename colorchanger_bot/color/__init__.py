"""Chat colours: what they are, which can be read, and which comes next. Pure, and fast to import.

Names are loaded when they are first asked for: who only parses a colour does not wait for the strategies.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from colorchanger_bot.color.plan import Moment, Plan, Strategy
    from colorchanger_bot.color.readable import (
        DARK,
        LIGHT,
        Theme,
        fitting_names,
        highest_contrast,
        make_readable,
        nearest_name,
    )
    from colorchanger_bot.color.state import State
    from colorchanger_bot.color.strategies import STRATEGIES, build, problems, uses
    from colorchanger_bot.color.value import PRESETS, Color

__all__ = [
    "DARK",
    "LIGHT",
    "PRESETS",
    "STRATEGIES",
    "Color",
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
    "uses",
]

_NAMES = {
    "plan": ("Moment", "Plan", "Strategy"),
    "readable": ("DARK", "LIGHT", "Theme", "fitting_names", "highest_contrast", "make_readable", "nearest_name"),
    "state": ("State",),
    "strategies": ("STRATEGIES", "build", "problems", "uses"),
    "value": ("PRESETS", "Color"),
}
_HOME = {name: module for module, names in _NAMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
