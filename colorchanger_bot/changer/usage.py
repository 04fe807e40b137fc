"""What can be written after `!color`, and what it does: the table of docs/commands.md."""

from __future__ import annotations

USAGE = (
    (
        "`status`, or no word at all",
        "shows whether it is on, the strategy or the held colour, and what went wrong last",
    ),
    ("`on`", "gives you a new colour after each message, and releases a held colour"),
    ("`off`", "stops; with `restore = true`, puts your old colour back"),
    (
        "`hex COLOR`, `set COLOR`, or just the colour",
        "shows that colour and holds it: `!color #f80`, `!color hot pink`",
    ),
    ("`next`", "changes the colour now, and releases a held colour"),
    ("`undo`", "goes back to the previous colour; while a colour is held, holds that one instead"),
    ("`keep`", "holds the current colour"),
    ("`random`", "any readable colour"),
    ("`rainbow [DEGREES] [reverse]`", "round the colour wheel, in even steps or in steps of that many degrees"),
    (
        "`presets`",
        "Twitch's own names: of the 15, those that are readable on your `theme` (7 on both, 12 on dark, 10 on light)",
    ),
    (
        "`palette COLORS`",
        "these colours in turn; up to 30, separated by spaces, or by commas if a name contains a space",
    ),
    ("`gradient COLORS`", "from one colour to the other, or through several, and back"),
    ("`shades COLOR`", "lighter, darker, stronger and duller shades of a colour"),
    ("`daily [clock]`", "one colour a day; with `clock`, the hue follows the time of day"),
    ("`standout`", "as different as possible from the last 30 people in that chat"),
    ("`delay SECONDS [SECONDS]`", "how long after a message the colour changes: exactly, or at random between the two"),
    ("`recheck`", "tries a colour that needs Turbo or Prime now, instead of waiting for a day"),
    ("`restore`", "puts back the colour you had before the first change"),
    ("`like USER`", "shows somebody else's colour and holds it"),
    ("`join CHANNEL`, `leave CHANNEL`", "reads another channel, or stops reading it; only in ColorChanger's own bot"),
    ("`help`", "lists the commands"),
)
"""The forms of each command, and what it does, in Markdown."""
