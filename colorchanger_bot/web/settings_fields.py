"""The fields of the settings page: what each key is called there, how it is edited, and what it says now."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, get_args

from colorchanger_bot.color import STRATEGIES, uses
from colorchanger_bot.redaction import MARK
from colorchanger_bot.settings.keys import entries
from colorchanger_bot.settings.model import Section
from colorchanger_bot.settings.raw import PAGE


class Group(NamedTuple):
    """A part of the page: the keys in it, by what they are called."""

    title: str
    labels: Mapping[str, str]


COLORS = Group(
    "Colours",
    {
        "color.enabled": "Change my colour",
        "color.strategy": "Strategy",
        "color.colors": "Colours",
        "color.base": "Colour",
        "color.step": "Degrees per change",
        "color.reverse": "Go backwards",
        "color.start": "First hue in degrees",
        "color.order": "Order",
        "color.steps": "Steps from one colour to the next",
        "color.period": "A new colour",
        "color.delay": "Delay in seconds",
        "color.cooldown": "Seconds between two changes",
        "color.theme": "Readable on",
        "color.min_contrast": "Minimum contrast",
        "color.min_step": "Minimum difference",
        "color.hex": "Colours without a name",
        "color.restore": "Put my old colour back at the end",
    },
)
CHANNELS = Group("Channels", {"channels": "Channels", "follow_live": "Follow the channels that are live"})
COMMANDS = Group(
    "Chat command",
    {
        "commands.enabled": "Use the chat command",
        "commands.prefix": "Prefix",
        "commands.name": "Name",
        "commands.aliases": "More names",
        "commands.allow": "Who may use it",
        "commands.owner": "Owner",
        "commands.reply": "Where it answers",
    },
)
PROGRAM = Group("This program", {"web.password": "Password of this page", "log.level": "Log level"})
HELP: Mapping[str, str] = {
    "color.enabled": "When off, messages are still counted, but the colour stays as it is.",
    "color.strategy": "How the next colour is chosen.",
    "color.colors": "Names or #rrggbb, separated by commas.",
    "color.base": "A name or #rrggbb.",
    "color.step": "Up to 360; empty for the usual step.",
    "color.reverse": "Round the colour wheel the other way.",
    "color.start": "From 0 to 360 (OKLCH); empty to begin anywhere.",
    "color.order": "In sequence, or shuffled: each colour comes once before any comes again.",
    "color.steps": "How many colours from one end to the other; empty for the usual number.",
    "color.period": "One colour a day, or one that changes through the day.",
    "color.delay": "From your message to the new colour: one number, or a range such as 1, 3.",
    "color.cooldown": "The minimum, up to 3600; 0 for none.",
    "color.theme": "The theme of Twitch on which generated colours are easy to read; any: not checked.",
    "color.min_contrast": "From 1 to 21; on both themes at once, 4.2 is the maximum.",
    "color.min_step": "From the last colour, 0 to 0.3; 0.02 is just noticeable.",
    "color.hex": "They need Turbo or Prime; auto tries them and falls back to names.",
    "color.restore": "On !color off, and when the program stops.",
    "channels": "Where its messages count, separated by commas; empty for its own channel.",
    "follow_live": "At most 90. Log the account in again after you turn it on: it needs one more permission.",
    "commands.enabled": "When off, what is typed in chat changes no settings.",
    "commands.name": "What follows the prefix: with ! and color, the command is !color.",
    "commands.aliases": "Other names for the command, separated by commas.",
    "commands.allow": "The owner, the broadcaster and moderators command the first account.",
    "commands.owner": "The Twitch name of the owner, if the owner may use the command.",
    "commands.reply": "In your own channel only, in every channel, or never. Answers are always in the log.",
    "web.password": "Other browsers have to enter it. Leave this empty to keep the password as it is.",
    "log.level": "How much the log tells: DEBUG everything, ERROR only what failed.",
}
"""What is said about a key where the words of the file do not fit a form."""
CHOICES: Mapping[str, tuple[str, ...]] = {"color.strategy": tuple(STRATEGIES)}
CHECKS: Mapping[str, Mapping[str, str]] = {
    "commands.allow": {
        "self": "each account for itself",
        "owner": "the owner",
        "broadcaster": "the broadcaster",
        "moderators": "moderators",
    }
}
"""The keys that take several of a few values, with what these are called."""


def used_by_strategy() -> dict[str, list[str]]:
    """Return the keys of colours that each strategy has of its own."""
    return {name: sorted(uses(name)) for name in STRATEGIES}


def fields(group: Group, section: Mapping[str, Section], prefix: str, origins: Mapping[str, str]) -> Iterator[Any]:
    """Yield the fields of a group as JSON values.

    Args:
        group: the group.
        section: the settings in force, by the table.
        prefix: what comes before the keys, such as `accounts.USER_ID.`.
        origins: where each value comes from, by key.
    """
    for name, label in group.labels.items():
        table, _, key = name.rpartition(".")
        settings = section[table or "account"]
        entry = entries(type(settings))[key]
        value = settings.model_dump(mode="json")[key]
        is_secret = entry.takes is not None and entry.takes.is_secret
        origin = origins[f"{prefix}{name}"]
        yield {
            "key": f"{prefix}{name}",
            "name": name,
            "label": label,
            "help": HELP.get(name) or _plain(entry.field.description or ""),
            "kind": _kind(name, entry.field.annotation, is_secret=is_secret),
            "choices": [*CHOICES.get(name, _literals(entry.field.annotation))],
            "checks": CHECKS.get(name, {}),
            "value": None if is_secret else value,
            "isSet": value == MARK if is_secret else True,
            "origin": "" if origin in ("default", PAGE) else origin.removeprefix("set in "),
            "changed": origin == PAGE,
        }


def _kind(name: str, annotation: Any, *, is_secret: bool) -> str:
    if is_secret:
        return "password"
    if annotation is bool:
        return "switch"
    if name in CHECKS:
        return "checks"
    return "choice" if name in CHOICES or _literals(annotation) else "text"


def _literals(annotation: Any) -> tuple[str, ...]:
    choices = get_args(annotation)
    return choices if choices and all(isinstance(each, str) for each in choices) else ()


def _plain(description: str) -> str:
    """The description without the marks of Markdown."""
    return re.sub(r"\[([^\]]*)\]\([^)]*\)|[`<>]", lambda found: found[1] or "", description)
