"""The types of the keys: pydantic reads the value, and `Takes` says in words what to write.

Texts are accepted for everything, because variables are texts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NoReturn, get_args

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, PlainValidator
from pydantic_core import PydanticCustomError

from colorchanger_bot.color import STRATEGIES, Color
from colorchanger_bot.errors import UnknownColor
from colorchanger_bot.redaction import Secret
from colorchanger_bot.vault import is_key
from colorchanger_bot.words import did_you_mean, nearest, shown

WRONG, PLACEHOLDER = "wrong", "placeholder"
"""The types of the errors raised here; their context has the advice."""


@dataclass(frozen=True, slots=True)
class Takes:
    """What a key takes, as words that follow "write"; the metadata of an `Annotated` type."""

    words: str
    is_secret: bool = False
    """Its values are never shown."""


def refuse(advice: str = "") -> NoReturn:
    """Refuse a value, with advice; without advice, the message says what the key takes."""
    raise PydanticCustomError(WRONG, "{said}", {"said": advice or "this value does not belong here", "advice": advice})


def _refuse_placeholder(advice: str) -> NoReturn:
    raise PydanticCustomError(PLACEHOLDER, "{said}", {"said": f"this is a placeholder; {advice}", "advice": advice})


def text(value: object) -> str:
    """Return the value if it is a text."""
    return value if isinstance(value, str) else refuse()


# Switches and numbers


def _trimmed(value: object) -> object:
    return value.strip() if isinstance(value, str) else value


def no_switch(value: object) -> object:
    """Return the value unless it is true or false, which Python treats as 1 and 0."""
    return refuse() if isinstance(value, bool) else value


Switch = Annotated[bool, BeforeValidator(_trimmed), Takes("true or false")]
_Number = Annotated[float, Field(allow_inf_nan=False), BeforeValidator(no_switch)]
_Seconds = Annotated[float, Field(ge=0, le=3600, allow_inf_nan=False), BeforeValidator(no_switch)]
Seconds = Annotated[_Seconds, Takes("seconds from 0 to 3600, such as 2.5")]
ReaderCount = Annotated[int, Field(ge=1, le=3), BeforeValidator(no_switch), Takes("a whole number from 1 to 3")]
# The ranges of these depend on each other and on the strategy: `color.problems` knows them.
Contrast = Annotated[_Number, Takes("a number such as 3.0")]
Distance = Annotated[_Number, Takes("a number such as 0.15")]
MaybeDegrees = Annotated[_Number | None, Takes("degrees such as 30.0")]
MaybeCount = Annotated[
    Annotated[int, Field(ge=0, le=9999), BeforeValidator(no_switch)] | None, Takes("a whole number such as 12")
]

Members = Annotated[
    Annotated[int, Field(ge=1, le=100_000), BeforeValidator(no_switch)], Takes("a whole number from 1 to 100000")
]


# Lists


def items(value: object) -> list[Any]:
    """Return the items of a list, which may also be one text: `a, b` or JSON."""
    if isinstance(value, str):
        if not value.lstrip().startswith("["):
            return [item.strip() for item in value.split(",") if item.strip()]
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            refuse('this is not a list; write a, b or ["a", "b"]')
    return [*value] if isinstance(value, list | tuple) else refuse()  # pyright: ignore[reportUnknownVariableType]


def _each_once(values: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(dict.fromkeys(values))


_LIST = BeforeValidator(items)
SET = (_LIST, AfterValidator(_each_once))


def _both_ends(value: object) -> list[Any]:
    ends = [value] if isinstance(value, int | float) and not isinstance(value, bool) else items(value)
    return 2 * ends if len(ends) == 1 else ends


def _in_order(ends: tuple[float, float]) -> tuple[float, float]:
    low, high = ends
    return ends if low <= high else refuse(f"the first number is larger than the second; write [{high}, {low}]")


Delay = Annotated[
    tuple[_Seconds, _Seconds],
    BeforeValidator(_both_ends, json_schema_input_type=_Seconds | tuple[_Seconds, _Seconds]),
    AfterValidator(_in_order),
    Takes("seconds from 0 to 3600: one number, or two such as [1.0, 3.0]"),
]


# Choices


def _one_of(choices: Sequence[str], case: Callable[[str], str] = str.lower) -> tuple[BeforeValidator, Takes]:
    """Return a validator for one of a few names, in any case, and its `Takes`."""

    def read(value: object) -> str:
        name = case(text(value).strip())
        return name if name in choices else refuse(did_you_mean(nearest(name, choices, cutoff=0.7)))

    return BeforeValidator(read), Takes(" or ".join(map(shown, choices)))


_theme = Literal["both", "dark", "light", "any"]
Theme = Annotated[_theme, *_one_of(get_args(_theme))]
_hex = Literal["auto", "always", "never"]
UseOfHex = Annotated[_hex, *_one_of(get_args(_hex))]
_order = Literal["sequence", "shuffle"]
Order = Annotated[_order, *_one_of(get_args(_order))]
_period = Literal["day", "clock"]
Period = Annotated[_period, *_one_of(get_args(_period))]
_reply = Literal["own-channel", "always", "never"]
Reply = Annotated[_reply, *_one_of(get_args(_reply))]
_reading = Literal["shared", "own"]
Reading = Annotated[_reading, *_one_of(get_args(_reading))]
_level = Literal["DEBUG", "INFO", "WARNING", "ERROR"]
LogLevel = Annotated[_level, *_one_of(get_args(_level), str.upper)]
_format = Literal["pretty", "json"]
LogFormat = Annotated[_format, *_one_of(get_args(_format))]
_who = Literal["self", "owner", "broadcaster", "moderators"]
_Who = Annotated[_who, _one_of(get_args(_who))[0]]
_WHO = f'a list of {", ".join(get_args(_who))}, such as ["self", "owner"]'
Allowed = Annotated[tuple[_Who, ...], *SET, Takes(_WHO)]


# Colours


def _color(value: object) -> Color:
    if isinstance(value, Color):
        return value
    if not isinstance(value, str):
        refuse('write a colour in quotes, such as "blue_violet" or "#8a2be2"')
    try:
        return Color.parse(value)
    except UnknownColor as error:
        advice = did_you_mean(error.suggestion or "") or 'write a name or "#rrggbb"'
        refuse(f"not a known colour: {advice}")


def _color_or_none(value: object) -> Color | None:
    return None if value in (None, "") else _color(value)


def _strategy(value: object) -> str:
    name = text(value).strip().lower()
    if name not in STRATEGIES:
        refuse(did_you_mean(nearest(name, STRATEGIES)) or f"write one of {', '.join(STRATEGIES)}")
    return name


def _wire(color: Color | None) -> str | None:
    return color and color.wire


_Color = Annotated[Color, PlainValidator(_color, json_schema_input_type=str), PlainSerializer(_wire)]
Colors = Annotated[tuple[_Color, ...], _LIST, Takes('a list such as ["red", "#ff8800"]')]
MaybeColor = Annotated[
    Color | None,
    PlainValidator(_color_or_none, json_schema_input_type=str | None),
    PlainSerializer(_wire),
    Takes("a colour in quotes"),
]
StrategyName = Annotated[
    str,
    BeforeValidator(_strategy),
    Field(json_schema_extra={"enum": [*STRATEGIES]}),
    Takes('a name in quotes, such as "random"'),
]


# Names at Twitch

_NAME = re.compile(r"[a-z0-9_]{1,25}")
_LOGIN_PLACEHOLDER = re.compile(r"yourname|your_(twitch_)?(name|login|username)")


def _name(value: object) -> str:
    """The text of a name; in code, the id of an account or channel may be a number."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else text(value).strip()


def _login(value: object) -> str:
    name = _name(value).lower()
    if _LOGIN_PLACEHOLDER.fullmatch(name):
        _refuse_placeholder("put the name of your Twitch account there")
    if name and not _NAME.fullmatch(name):
        refuse("write a Twitch name: letters from a to z, digits and _, at most 25")
    return name


def _channel_or_none(value: object) -> str:
    return _login(_name(value).removeprefix("#"))


def _channel(value: object) -> str:
    return _channel_or_none(value) or refuse("write the name of a channel, or take it out of the list")


def _viewer(value: object) -> str:
    name = _login(_name(value).removeprefix("@"))
    return name or refuse("write the Twitch name of a viewer, or take it out of the list")


Login = Annotated[str, BeforeValidator(_login), Takes("a Twitch name in quotes")]
Channel = Annotated[str, BeforeValidator(_channel_or_none), Takes("the Twitch name of a channel in quotes")]
_Viewer = Annotated[str, BeforeValidator(_viewer)]
Logins = Annotated[tuple[_Viewer, ...], *SET, Takes('a list of Twitch names such as ["afriend", "another"]')]
_Channel = Annotated[str, BeforeValidator(_channel)]
Channels = Annotated[tuple[_Channel, ...], *SET, Takes('a list of channels such as ["yourname", "afriend"]')]


# Credentials

_PLACEHOLDER = re.compile(
    r"your(_.*|\w{0,12}here|token|clientid|clientsecret)?|.*_here|(insert|enter|paste|put|add)_.*|(change|replace)_?me"
    r"|x{3,}|\.{3,}|\*+|<.*>|\[.*\]|\{.*\}|\$.*|placeholder|example|todo|none|null"
    r"|(my_)?(access_|refresh_|oauth_)?token|(my_)?(client_)?(id|secret)"
)


def _credential(advice: str) -> Callable[[object], str]:
    """Return a validator for a token, id or secret; `advice` is given for the text of an example."""

    def read(value: object) -> str:
        credential = re.sub(r"^oauth:", "", text(value).strip(), flags=re.IGNORECASE)
        if _PLACEHOLDER.fullmatch(re.sub(r"[\s_-]+", "_", credential.lower())):
            _refuse_placeholder(advice)
        if not re.fullmatch(r"[!-~]*", credential) or (value and not credential):
            refuse("this has spaces or letters that Twitch does not use; copy it again")
        return credential

    return read


def _storage_keys(value: object) -> str:
    keys = [key.strip() for key in text(value).split(",") if key.strip()]
    if not all(map(is_key, keys)) or (value and not keys):
        refuse("this is not a key; make one with: colorchanger key new")
    return ",".join(keys)


def _secret(read: Callable[[object], str]) -> tuple[PlainValidator, PlainSerializer]:
    """Return a validator for a secret text and a serializer that shows it as `***`."""

    def hidden(value: object) -> Secret:
        return value if isinstance(value, Secret) else Secret(read(value))

    return PlainValidator(hidden, json_schema_input_type=str), PlainSerializer(str)


Token = Annotated[
    Secret,
    *_secret(_credential("put the real token there, or remove it and run: colorchanger login")),
    Takes("a token, as text", is_secret=True),
]
ClientSecret = Annotated[
    Secret,
    *_secret(_credential("put the secret of your Twitch application there, or remove it for a public one")),
    Takes("the client secret in quotes", is_secret=True),
]
ClientId = Annotated[
    str,
    BeforeValidator(_credential("put the client id of your Twitch application there")),
    Takes("the client id of your Twitch application in quotes"),
]
Password = Annotated[Secret, *_secret(text), Takes("a password in quotes", is_secret=True)]
StorageKeys = Annotated[Secret, *_secret(_storage_keys), Takes("a key of: colorchanger key new", is_secret=True)]


# Words and paths

BACKSLASH = 'a "\\" in double quotes begins a special character; write the path in single quotes, or double each "\\"'


def _module(value: object) -> str:
    if not all(part.isidentifier() for part in text(value).split(".")):
        refuse('write the dotted name of a Python module, such as "my_bot.cogs.greeter"')
    return text(value)


def _file_path(value: object) -> str:
    return refuse(BACKSLASH) if re.search(r"[\x00-\x1f]", text(value)) else text(value)


def _prefix(value: object) -> str:
    word = text(value)
    if not (re.fullmatch(r"\S{1,25}", word) and word.isprintable()):  # invisible characters in chat are passed over
        refuse("write one word of at most 25 visible characters, without spaces")
    return word


def _word(value: object) -> str:
    return _prefix(text(value).strip().lower())


Prefix = Annotated[str, BeforeValidator(_prefix), Takes('a sign or a word in quotes, such as "!"')]
_Word = Annotated[str, BeforeValidator(_word)]
Word = Annotated[_Word, Takes('a word in quotes, such as "color"')]
Words = Annotated[tuple[_Word, ...], *SET, Takes('a list of words such as ["colour"]')]
_Module = Annotated[str, BeforeValidator(_module)]
Modules = Annotated[tuple[_Module, ...], *SET, Takes('a list of Python modules such as ["my_bot.cogs.greeter"]')]
FilePath = Annotated[str, BeforeValidator(_file_path), Takes('the path of a file in quotes, or "" for none')]
