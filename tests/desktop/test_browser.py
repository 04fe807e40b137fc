"""Whether there is a screen for a browser."""

from __future__ import annotations

import pytest

from colorchanger_bot.desktop.browser import has_screen


@pytest.mark.parametrize(
    ("environ", "platform", "expected"),
    [
        ({}, "linux", False),
        ({"DISPLAY": ":0"}, "linux", True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "linux", True),
        ({"DISPLAY": "localhost:10.0", "SSH_CONNECTION": "192.0.2.1 5 192.0.2.2 22"}, "linux", False),
        ({"BROWSER": "code --open", "SSH_CONNECTION": "192.0.2.1 5 192.0.2.2 22"}, "linux", True),
        ({}, "win32", True),
        ({}, "darwin", True),
        ({"SSH_CONNECTION": "192.0.2.1 5 192.0.2.2 22"}, "darwin", False),
    ],
)
def test_a_screen_is_where_the_person_sits(environ: dict[str, str], platform: str, expected: bool) -> None:
    assert has_screen(environ, platform) == expected
