"""Paths that need quoting somewhere, and folders with such names."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from hypothesis import strategies as st

AWKWARD = [
    "plain",
    "with space",
    "100% %h %n",
    "$HOME ${HOME} $$",
    'O\'Brien "x"',
    r"back\slash\\ end ",
    "grün 名 🎨",
    "a=b;c &d",
]
PATHS = st.text(st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="/"), min_size=1, max_size=20).map(
    lambda name: f"/{name}"
)


def program_in(folder: Path) -> Path:
    """Make a folder with a program and a settings file in it; return the program."""
    folder.mkdir(parents=True)
    (folder / "my config.toml").touch()
    return Path(shutil.copy(shutil.which("true") or sys.executable, folder / "python 3"))
