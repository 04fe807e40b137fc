"""Builds the package; everything else is in pyproject.toml.

With `COLORCHANGER_CLIENT_ID` in the environment, the built package has this Client ID, and its users need not register
an application of their own.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

BUILT_IN = Path("colorchanger_bot", "settings", "built_in.py")
CLIENT_ID = os.environ.get("COLORCHANGER_CLIENT_ID", "").strip()


class BuildWithClientId(build_py):
    """Writes the Client ID into the copy of `built_in.py` that is packed; the source stays as it is."""

    def run(self) -> None:
        super().run()
        if self.editable_mode:
            return
        if CLIENT_ID and not re.fullmatch(r"[A-Za-z0-9_-]{1,100}", CLIENT_ID):
            raise SystemExit("COLORCHANGER_CLIENT_ID is not a Client ID: it has letters and digits only")
        # Also without one: a file of an earlier build would stay, because it is newer than the source.
        text = BUILT_IN.read_text(encoding="utf-8").replace('CLIENT_ID = ""', f'CLIENT_ID = "{CLIENT_ID}"')
        Path(self.build_lib, BUILT_IN).write_text(text, encoding="utf-8")


setup(cmdclass={"build_py": BuildWithClientId})
