"""ColorChanger: a new Twitch chat colour after each of your own messages.

Names are loaded on first use: importing the package imports neither twitchio nor aiohttp.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from colorchanger_bot.color import Color, Moment, Strategy
    from colorchanger_bot.errors import ColorChangerError
    from colorchanger_bot.settings.settings import Settings

    __version__: str

__all__ = ["Color", "ColorChangerError", "Moment", "Settings", "Strategy", "__version__"]

_HOME = {
    "Color": "color",
    "ColorChangerError": "errors",
    "Moment": "color",
    "Settings": "settings.settings",
    "Strategy": "color",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("colorchanger-bot")
    if name in _HOME:
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
