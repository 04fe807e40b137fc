"""A start that failed, said in the browser: after a double click there is no terminal to say it in."""

from __future__ import annotations

import asyncio
import html
import os
import sys
import tempfile

from colorchanger_bot.console import is_terminal
from colorchanger_bot.desktop.browser import has_screen, open_page

_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>ColorChanger could not start</title>
<style>:root {{ color-scheme: dark light }}
body {{ font: 1.1rem/1.6 system-ui; max-width: 36rem; margin: 4rem auto; padding: 0 1rem }}
p {{ white-space: pre-line; overflow-wrap: anywhere }}</style>
<h1>ColorChanger could not start</h1>
<p>{text}</p>
<p>Once that is mended, start it again.</p>
</html>
"""


def show_problem(text: str) -> None:
    """Open a page with what went wrong, if there is a screen and no terminal that stays open."""
    stays = is_terminal(sys.stderr) and not getattr(sys, "frozen", False)
    if stays or not has_screen(os.environ):
        return
    try:
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", prefix="colorchanger-", suffix=".html", delete=False
        ) as page:
            page.write(_PAGE.format(text=html.escape(text)))
    except OSError:  # no room even for that
        return
    asyncio.run(open_page(f"file://{page.name}" if os.name == "posix" else page.name))
