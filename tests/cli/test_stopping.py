"""Stop signals while a command is still loading."""

from __future__ import annotations

import subprocess
import sys


def test_the_signals_are_handled_before_anything_large_is_imported() -> None:
    asked = "import sys, colorchanger_bot.__main__, colorchanger_bot.cli.stopping; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", asked], check=True, capture_output=True, text=True).stdout.split()
    assert "colorchanger_bot.cli.stopping" in loaded
    assert not {"asyncio", "argparse", "socket", "logging"} & {*loaded}
