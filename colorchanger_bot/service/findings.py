"""Finding: one thing that the doctor looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from colorchanger_bot.service.standing import Action

Level = Literal["fine", "note", "waiting", "wrong"]
"""`waiting`: not known yet, or expected to pass by itself."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    about: str
    level: Level
    text: str
    advice: str = ""
    """What a person at a terminal can do, in words."""
    action: Action = Action.NONE
    """The same as data."""

    def line(self) -> str:
        """Return it in words."""
        helps = f"; {self.advice}" if self.advice else ""
        return f"{self.level:<7}  {self.about}: {self.text}{helps}"

    def to_json(self) -> dict[str, Any]:
        """Return a dict of JSON values."""
        return {
            "about": self.about,
            "level": self.level,
            "text": self.text,
            "cure": self.advice,
            "action": self.action.value,
        }
