"""What is a call of the command, who may use it, and where it is answered."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from colorchanger_bot.changer.commands import Author, may_command, parse_command, wants_reply
from colorchanger_bot.settings.load import CommandSettings, Settings

NAMES = ("color", "colour")
INVISIBLE = (
    "\u034f\u200b\u200d\u2060\u2800\u3164\ufe0f\ufeff\u00ad\u061c\u180e"
    "\U000e0000\U000e0001\U000e0020\U000e007f\U000e0100"
)

invisible = st.text(st.sampled_from(INVISIBLE), max_size=3)
words = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=8)
rests = st.lists(words, max_size=4).map(" ".join)
prefixes = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="@"), min_size=1, max_size=12)
letters = st.characters(categories=["Ll", "Nd"], max_codepoint=0x2FF)
names = st.text(letters, min_size=1, max_size=12).filter(lambda name: name.upper().casefold() == name.casefold())


def parse(text: str) -> str | None:
    return parse_command(text, ["!"], NAMES)


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("!color", ""),
        ("!COLOUR Off", "Off"),
        ("!color  hex   #ff8800 ", "hex   #ff8800"),
        ("!color\U000e0000", ""),
        ("!color off \U000e0000", "off"),
        ("!color\u034f rainbow 15\u034f", "rainbow 15"),
        ("\u200b!color delay 1 3\ufe0f", "delay 1 3"),
        ("!color\u00a0off", "off"),
        ("@You !color off", "off"),
        ("@You  !color", ""),
        ("@You, !color off", "off"),
        ("@@You !color", ""),
        ("!color palette red\nblue\ngreen", "palette red\nblue\ngreen"),
    ],
)
def test_a_call_and_what_follows_it(text: str, rest: str) -> None:
    assert parse(text) == rest


@pytest.mark.parametrize(
    "text",
    ["", "!", "color", "!colors", "!color:", "! color", "?color", "say !color", "@You", "@You hello", "@!color",
     "@A @B !color", "\U000e0000"],
)  # fmt: skip
def test_no_call(text: str) -> None:
    assert parse(text) is None


@given(prefixes, names, rests)
def test_every_prefix_and_name_is_a_call_in_any_case(prefix: str, name: str, rest: str) -> None:
    assert parse_command(f"{prefix}{name.upper()} {rest}", [prefix], [name]) == rest
    assert parse_command(f"@Some_One {prefix}{name} {rest}", [prefix], [name]) == rest


@given(prefixes, names, rests, st.data())
def test_invisible_characters_change_nothing(prefix: str, name: str, rest: str, data: st.DataObject) -> None:
    typed = "".join(data.draw(invisible) + character for character in f"{prefix}{name} {rest}") + data.draw(invisible)
    assert parse_command(typed, [prefix], [name]) == rest


@given(st.lists(prefixes, min_size=1, max_size=4), names, rests)
def test_one_of_several_prefixes_is_enough(several: list[str], name: str, rest: str) -> None:
    for prefix in several:
        assert parse_command(f"{prefix}{name} {rest}", several, [name]) is not None


def test_the_longest_prefix_wins() -> None:
    assert parse_command("hey color color off", ["", "hey color "], ["color", "hey"]) == "off"
    assert parse_command("!!color off", ["!", "!!"], ["color", "!color"]) == "off"


def test_a_prefix_may_contain_spaces_and_mentions() -> None:
    assert parse_command("@MyBot color off", ["@MyBot "], ["color"]) == "off"
    assert parse_command("hey bot color off", ["hey bot "], ["color"]) == "off"


@given(st.text(max_size=60), st.lists(st.text(max_size=4), max_size=3))
def test_whatever_is_written_a_call_names_the_command(text: str, several: list[str]) -> None:
    rest = parse_command(text, several, NAMES)
    if rest is not None:
        assert re.search("colou?r", text.casefold()) or not text.isascii()
        assert rest == rest.strip()


def commands(**keys: object) -> CommandSettings:
    return Settings.of({"commands": keys}).commands


ME = Author("1", "me")
BOSS = Author("7", "boss")


@pytest.mark.parametrize(
    ("author", "allow", "may"),
    [
        (ME, ["self"], True),
        (ME, ["owner"], False),
        (ME._replace(is_broadcaster=True), ["broadcaster"], True),
        (Author("2", "me"), ["self"], False),
        (BOSS, ["owner"], True),
        (BOSS, ["self"], False),
        (BOSS._replace(is_broadcaster=True, is_moderator=True), ["self"], False),
        (Author("3", "friend"), ["self", "owner"], False),
        (Author("3", "friend", is_broadcaster=True), ["self", "broadcaster"], True),
        (Author("3", "friend", is_broadcaster=True), ["moderators"], False),
        (Author("4", "mod", is_moderator=True), ["moderators"], True),
        (Author("4", "mod", is_moderator=True), ["broadcaster"], False),
    ],
)
def test_who_may_command_is_as_the_settings_say(author: Author, allow: list[str], may: bool) -> None:
    assert may_command(author, commands(allow=allow, owner="boss"), account_id="1") == may


def test_the_owner_is_known_by_the_user_id_once_it_is_known() -> None:
    settings = commands(allow=["owner"], owner="boss")
    assert may_command(Author("7", "renamed"), settings, account_id="1", owner_id="7")
    assert not may_command(Author("8", "boss"), settings, account_id="1", owner_id="7")


def test_an_account_without_an_id_or_an_owner_is_nobody() -> None:
    assert not may_command(Author("", ""), commands(allow=["self"]), account_id="")


@pytest.mark.parametrize(
    ("reply", "channel_id", "wanted"),
    [
        ("own-channel", "1", True),
        ("own-channel", "2", False),
        ("always", "2", True),
        ("never", "1", False),
    ],
)
def test_where_a_command_is_answered(reply: str, channel_id: str, wanted: bool) -> None:
    assert wants_reply(commands(reply=reply), account_id="1", channel_id=channel_id) == wanted
