"""The kinds of values that settings take: how each is read, and what is said when it cannot be.

Lists may also be one text, `a, b` or JSON, because environment variables are texts.
"""

from __future__ import annotations

import difflib
import ipaddress
import json
import re
from collections.abc import Callable
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, PlainValidator, SecretStr
from pydantic_core import PydanticCustomError

from colorchanger_bot.color import STRATEGIES, Color
from colorchanger_bot.complaints import PlaceholderError
from colorchanger_bot.errors import UnknownColor
from colorchanger_bot.redaction import MARK
from colorchanger_bot.sources import is_list
from colorchanger_bot.vault import is_key

_NAME = re.compile(r"[a-z0-9_]{1,25}")
_PLACEHOLDER = re.compile(
    r"your(_.*|\w{0,12}here|token|clientid|clientsecret)?|.*_here|(insert|enter|paste|put|add)_.*|(change|replace)_?me"
    r"|x{3,}|\.{3,}|\*+|<.*>|\[.*\]|\{.*\}|\$.*|placeholder|example|todo|none|null"
    r"|(my_)?(access_|refresh_|oauth_)?token|(my_)?(client_)?(id|secret)"
)
_LOGIN_PLACEHOLDERS = {
    "yourname",
    "your_name",
    "your_login",
    "your_username",
    "your_twitch_username",
    "your_twitch_login",
}


def _lower(value: object) -> object:
    return value.strip().lower() if isinstance(value, str) else value


def _upper(value: object) -> object:
    return value.strip().upper() if isinstance(value, str) else value


def _items(value: object) -> object:
    if not isinstance(value, str):
        return value
    if not value.lstrip().startswith("["):
        return [item.strip() for item in value.split(",") if item.strip()]
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        raise ValueError('this is no list; write a, b or ["a", "b"]') from None


def _no_truth(value: object) -> object:
    if isinstance(value, bool):  # which Python takes for 0 and 1
        raise PydanticCustomError("no_number", "no number")
    return value


def _pair(value: object) -> object:
    items = _items(value)
    if isinstance(items, int | float) and not isinstance(items, bool):
        return [items, items]
    return items * 2 if is_list(items) and len(items) == 1 else items


def _ascending(value: tuple[float, float]) -> tuple[float, float]:
    low, high = value
    if low > high:
        raise ValueError(f"the first number is larger than the second; write [{high}, {low}]")
    return value


def _login(value: str) -> str:
    name = value.strip().lower()
    if name in _LOGIN_PLACEHOLDERS:
        raise PlaceholderError("put the name of your Twitch account there")
    if name and not _NAME.fullmatch(name):
        raise ValueError("write a Twitch name: letters from a to z, digits and _, at most 25")
    return name


def _channel(value: str) -> str:
    if name := _login(value.strip().removeprefix("#")):
        return name
    raise ValueError("write the name of a channel, or take it out of the list")


def _color(value: object) -> Color:
    if isinstance(value, Color):
        return value
    if not isinstance(value, str):
        raise ValueError('write a colour in quotes, such as "blue_violet" or "#8a2be2"')
    try:
        return Color.parse(value)
    except UnknownColor as error:
        cure = f"did you mean {error.suggestion}?" if error.suggestion else 'write a name or "#rrggbb"'
        raise ValueError(f"this is no colour I know: {cure}") from None


def _color_or_none(value: object) -> Color | None:
    return None if value in (None, "") else _color(value)


def _strategy(value: str) -> str:
    if value not in STRATEGIES:
        close = difflib.get_close_matches(value, STRATEGIES, 1)
        raise ValueError(f"did you mean {close[0]}?" if close else f"write one of {', '.join(STRATEGIES)}")
    return value


def _credential(cure: str) -> Callable[[object], object]:
    """Return the check of a token, id or secret; `cure` is for whoever left the text of an example there."""

    def check(value: object) -> object:
        if not isinstance(value, str):
            return value
        text = re.sub(r"^oauth:", "", value.strip(), flags=re.IGNORECASE)
        if _PLACEHOLDER.fullmatch(re.sub(r"[\s_-]+", "_", text.lower())):
            raise PlaceholderError(cure)
        if not re.fullmatch(r"[!-~]*", text):
            raise ValueError("this has spaces or letters that Twitch does not use; copy it again")
        return text

    return check


def _storage_keys(value: object) -> object:
    if not isinstance(value, str):
        return value
    keys = [key.strip() for key in value.split(",") if key.strip()]
    if not all(map(is_key, keys)):
        raise ValueError("this is no key; make one with: colorchanger key new")
    return ",".join(keys)


def _address(*schemes: str) -> AfterValidator:
    def check(value: str) -> str:
        try:
            parts = urlsplit(value)
            usable = parts.scheme in schemes and parts.hostname and "@" not in parts.netloc and parts.port != 0
        except ValueError:  # a port that is no number
            usable = False
        if not usable or re.search(r"[^!-~]", value):
            raise ValueError(f"write an address that begins with {schemes[0]}:// or {schemes[1]}://")
        return value.rstrip("/")

    return AfterValidator(check)


def _host(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_.:-]+", value):
        raise ValueError("write the address or name of a machine, without http:// and port")
    return value.lower()


def is_loopback(host: str) -> bool:
    """Say whether only this machine can reach what listens on `host`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _database(value: str) -> str:
    if value and "://" not in value:
        raise ValueError(
            'write an address such as sqlite:///colors.sqlite3 or postgresql+asyncpg://..., or "" for the usual place'
        )
    return value


def _module(value: str) -> str:
    if not all(part.isidentifier() for part in value.split(".")):
        raise ValueError('write the dotted name of a Python module, such as "my_bot.cogs.greeter"')
    return value


def _file_path(value: str) -> str:
    if "\0" in value:
        raise ValueError("write the path of a file")
    return value


def _word(value: str) -> str:
    if not re.fullmatch(r"\S{1,25}", value):
        raise ValueError("write one word, without spaces, of at most 25 characters")
    return value


def _without_password(url: str) -> str:
    secret = password(url)
    return url.replace(f":{secret}@", f":{MARK}@") if secret else url


def password(url: str) -> str:
    """Return the password in the address of a database; empty if there is none."""
    found = re.search(r"://[^\s/:@]*:([^\s/]+)@", url)
    return found[1] if found else ""


def _takes(what: str, **options: Any) -> Any:
    """Return what a key takes, in words that follow "write"."""
    return Field(description=what, **options)


Lower, Upper = BeforeValidator(_lower), BeforeValidator(_upper)
_listed, _once_each = BeforeValidator(_items), AfterValidator(lambda items: tuple(dict.fromkeys(items)))
_number = Annotated[float, BeforeValidator(_no_truth), Field(allow_inf_nan=False)]
_whole = Annotated[int, BeforeValidator(_no_truth)]

Switch = Annotated[bool, _takes("true or false")]
Seconds = Annotated[_number, _takes("seconds from 0 to 3600, such as 2.5", ge=0, le=3600)]
Delay = Annotated[
    tuple[Seconds, Seconds],
    BeforeValidator(_pair),
    AfterValidator(_ascending),
    _takes("seconds from 0 to 3600: one number, or two such as [1.0, 3.0]"),
]
# The ranges of these depend on each other and on the strategy: `color.problems` knows them.
Contrast = Annotated[_number, _takes("a number such as 3.0")]
Distance = Annotated[_number, _takes("a number such as 0.15")]
MaybeDegrees = Annotated[_number | None, _takes("degrees such as 30.0")]
MaybeCount = Annotated[Annotated[_whole, Field(ge=0, le=9999)] | None, _takes("a whole number such as 12")]

_shown_color = PlainSerializer(lambda color: color and color.wire, when_used="json")
_one_color = Annotated[Color, PlainValidator(_color), _shown_color]
Colors = Annotated[tuple[_one_color, ...], _listed, _takes('a list such as ["red", "#ff8800"]')]
MaybeColor = Annotated[Color | None, PlainValidator(_color_or_none), _shown_color]
StrategyName = Annotated[str, Lower, AfterValidator(_strategy), _takes('a name in quotes, such as "random"')]

Login = Annotated[str, AfterValidator(_login), _takes("a Twitch name in quotes")]
Channels = Annotated[
    tuple[Annotated[str, AfterValidator(_channel)], ...],
    _listed,
    _once_each,
    _takes('a list of channels such as ["yourname", "afriend"]'),
]

Prefix = Annotated[str, AfterValidator(_word), _takes('a sign or a word in quotes, such as "!"')]
Word = Annotated[str, Lower, AfterValidator(_word), _takes('a word in quotes, such as "color"')]
Words = Annotated[tuple[Word, ...], _listed, _once_each, _takes('a list of words such as ["colour"]')]
Who = Annotated[Literal["self", "owner", "broadcaster", "moderators"], Lower]
Allowed = Annotated[
    tuple[Who, ...],
    _listed,
    _once_each,
    _takes('a list of self, owner, broadcaster, moderators, such as ["self", "owner"]'),
]
Modules = Annotated[
    tuple[Annotated[str, AfterValidator(_module)], ...],
    _listed,
    _once_each,
    _takes('a list of Python modules such as ["my_bot.cogs.greeter"]'),
]
FilePath = Annotated[str, AfterValidator(_file_path), _takes('the path of a file in quotes, or "" for none')]
Host = Annotated[str, AfterValidator(_host), _takes('an address in quotes, such as "127.0.0.1"')]
Hosts = Annotated[
    tuple[Annotated[str, AfterValidator(_host)], ...],
    _listed,
    _once_each,
    _takes('a list of names such as ["colors.example.org"]'),
]
Port = Annotated[Annotated[_whole, Field(ge=0, le=65535)], _takes("a port from 0 to 65535, such as 4343")]
HttpAddress = Annotated[str, _address("https", "http"), _takes("an address in quotes")]
SocketAddress = Annotated[str, _address("wss", "ws"), _takes("an address in quotes")]
Database = Annotated[
    str,
    AfterValidator(_database),
    PlainSerializer(_without_password, when_used="json"),
    _takes("the address of a database in quotes", repr=False),
]

_shown_secret = PlainSerializer(lambda secret: MARK if secret.get_secret_value() else "", when_used="json")
Token = Annotated[
    SecretStr,
    BeforeValidator(_credential("put the real token there, or remove it and run: colorchanger login")),
    _shown_secret,
    _takes("a token, as text"),
]
ClientSecret = Annotated[
    SecretStr,
    BeforeValidator(_credential("put the secret of your Twitch application there, or remove it for a public one")),
    _shown_secret,
    _takes("the client secret in quotes"),
]
Password = Annotated[SecretStr, _shown_secret, _takes("a password in quotes")]
StorageKeys = Annotated[
    SecretStr,
    BeforeValidator(_storage_keys),
    _shown_secret,
    _takes("a key of: colorchanger key new"),
]
ClientId = Annotated[
    str,
    BeforeValidator(_credential("put the client id of your Twitch application there")),
    _takes("the client id of your Twitch application in quotes"),
]
